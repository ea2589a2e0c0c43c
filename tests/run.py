#!/usr/bin/python3
# run.py - runs test suites, adds up what they report, and says it in one line.
# SPDX-License-Identifier: MIT
#
#   tests/run.py [options] SUITE...
#
# A suite is one or more programs; what they print is read as TAP (cmocka, node,
# the fuzz replays), as Playwright's JSON report, or as a closing line
# `N passed, N failed`. A suite fails when a test fails, when a program exits
# non-zero or runs past its time, and when it ran nothing. The output ends with
# `N passed, N failed` over all suites. Everything that the programs print goes
# into build/test-logs/.

import argparse
import concurrent.futures
import glob
import itertools
import json
import os
import re
import signal
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
LOGS = os.path.join(ROOT, "build", "test-logs")
# How much of a failed program's output is shown at once.
LINES_AT_MOST = 80
LINES_EACH = 30
TELLING = re.compile(r"^\s*not ok (?!.*# SKIP)|(ERROR|WARNING): \w+Sanitizer"
                     r"|runtime error:|Assertion .* failed|^FAIL|seed \d+ failed")

# Sanitizers stop at the first finding and say where.
SANITIZER_ENV = {
    "ASAN_OPTIONS": "abort_on_error=0:detect_leaks=1:"
                    "detect_stack_use_after_return=1",
    "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1",
    "TSAN_OPTIONS": "halt_on_error=1:second_deadlock_stack=1",
}


class Job:
    """One program of a suite."""

    def __init__(self, name, argv, timeout_s, reads, cwd=ROOT, env=None,
                 report=None):
        self.name = name
        self.argv = argv
        self.timeout_s = timeout_s
        self.reads = reads
        self.cwd = cwd
        self.env = env or {}
        self.report = report


class Outcome:
    """What came of a job, or of a whole suite."""

    def __init__(self):
        self.passed = 0
        self.failed = 0
        self.skipped = []
        self.problems = []
        self.seconds = 0.0

    def add(self, other):
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped
        self.problems += other.problems

    def is_good(self):
        return not self.problems and self.failed == 0


# ---------------------------------------------------------------- reading --

TAP_LINE = re.compile(r"^( *)(not ok|ok) \d+(?: -)? ?(.*)$")
TAP_SKIP = re.compile(r" *# *(?:skip|todo)\b", re.I)
TAP_PLAN = re.compile(r"^( *)1\.\.(\d+)")
TAP_REASON = re.compile(r"^ *error: (?:'(.*)'|\|-)$")
TAP_PLACE = re.compile(r"\(file://\S*/([^/]+:\d+):\d+\)")
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
CLOSING_LINE = re.compile(r"^(?:\w+: )?(\d+) passed, (\d+) failed"
                          r"(?:, (\d+) skipped)?\s*$", re.M)


def reason_of(lines):
    """What node says below a point that failed, and where, in a line."""
    reason, place, is_inside = [], "", False
    for line in itertools.takewhile(lambda l: not TAP_LINE.match(l), lines):
        said, at = TAP_REASON.match(line), TAP_PLACE.search(line)
        if at:
            place = f" ({at.group(1)})"
            break
        if said:
            reason.append(said.group(1) or "")
        if line.strip() == "..." or line.lstrip().startswith("code:"):
            is_inside = False
        if is_inside:
            reason.append(line.strip())
        is_inside = is_inside or (said is not None and not said.group(1))
    words = " ".join(filter(None, reason))
    return (": " + words[:200] if words else "") + place


def read_tap(text, outcome):
    """Counts TAP points that have no points of their own (node nests them)."""
    depth_before = -1
    planned = 0
    lines = text.splitlines()
    for number, line in enumerate(lines):
        plan = TAP_PLAN.match(line)
        if plan and not plan.group(1):
            planned += int(plan.group(2))
        point = TAP_LINE.match(line)
        if not point:
            continue
        depth, verdict, name = len(point.group(1)), point.group(2), point.group(3)
        # A point that closes deeper ones sums them up: they were counted.
        is_sum = depth_before > depth
        depth_before = depth
        if TAP_SKIP.search(name):
            outcome.skipped.append(TAP_SKIP.sub(" ", name).strip())
        elif verdict == "not ok" and not (is_sum and outcome.failed):
            outcome.failed += 1
            outcome.problems.append("failed: " + name.strip() +
                                    reason_of(lines[number + 1:number + 60]))
        elif verdict == "ok" and not is_sum:
            outcome.passed += 1
    return planned


def read_closing_line(text, outcome):
    lines = CLOSING_LINE.findall(text)
    if lines:
        outcome.passed += int(lines[-1][0])
        outcome.failed += int(lines[-1][1])
        if lines[-1][2]:
            outcome.skipped += ["not named"] * int(lines[-1][2])


def playwright_reason(test):
    """The first words of the first error, and where: a test that took too long has
    the place in the next."""
    errors = [e for r in test.get("results", []) for e in r["errors"]]
    if not errors:
        return ""
    words = COLOUR.sub("", errors[0].get("message", "")).split("\n")
    at = next((e["location"] for e in errors if "location" in e), {})
    place = os.path.basename(at.get("file", "")) + f":{at.get('line', 0)}"
    return ": " + " ".join(filter(None, words[:4]))[:200] + f" ({place})"


def read_playwright(path, outcome):
    try:
        with open(path, encoding="utf-8") as f:
            report = json.load(f)
    except (OSError, ValueError) as e:
        outcome.problems.append(f"no Playwright report: {e}")
        return

    def walk(suite, names):
        names = names + [suite.get("title", "")]
        for spec in suite.get("specs", []):
            title = " > ".join([n for n in names if n] + [spec["title"]])
            for test in spec.get("tests", []):
                count(test, title)
        for child in suite.get("suites", []):
            walk(child, names)

    def count(test, title):
        status = test.get("status")
        if status == "expected":
            outcome.passed += 1
        elif status == "skipped":
            outcome.skipped.append(title)
        else:
            # A test that passed at a second try hides a fault: it fails.
            outcome.failed += 1
            outcome.problems.append(f"failed: {title}"
                                    f" ({test.get('projectName', '')})"
                                    + playwright_reason(test))

    for suite in report.get("suites", []):
        walk(suite, [])
    for error in report.get("errors", []):
        outcome.problems.append(error.get("message", "error").split("\n")[0])


# ---------------------------------------------------------------- running --

running = set()


def end_group(process):
    """Ends a job and all that it started; they share a process group."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def log_path(suite, job):
    return os.path.join(LOGS, f"{suite}-{job.name}.log".replace("/", "-"))


def run_job(job, path):
    outcome = Outcome()
    env = {**SANITIZER_ENV, **os.environ, **job.env}
    # The jobserver of make is not for the programs under test.
    env.pop("MAKEFLAGS", None)
    env.pop("MFLAGS", None)
    start = time.monotonic()
    timed_out = False
    if job.report and os.path.exists(job.report):
        os.unlink(job.report)
    with open(path, "w+b") as log:
        try:
            process = subprocess.Popen(
                job.argv, cwd=job.cwd, env=env, stdin=subprocess.DEVNULL,
                stdout=log, stderr=subprocess.STDOUT, start_new_session=True)
        except OSError as e:
            outcome.problems.append(f"cannot start {job.argv[0]}: {e.strerror}")
            outcome.failed = 1
            return outcome, ""
        running.add(process)
        try:
            code = process.wait(job.timeout_s)
        except subprocess.TimeoutExpired:
            timed_out = True
            end_group(process)
            code = process.wait()
        running.discard(process)
        end_group(process)
        log.seek(0)
        text = log.read().decode("utf-8", "replace")
    outcome.seconds = time.monotonic() - start
    read_results(job, text, outcome)
    if timed_out:
        outcome.problems.append(f"ran past its {job.timeout_s} s")
    elif code < 0:
        outcome.problems.append(f"ended by {signal.Signals(-code).name}")
    elif code != 0 and outcome.failed == 0:
        outcome.problems.append(f"exit code {code}")
    if outcome.problems and outcome.failed == 0:
        outcome.failed = 1
    return outcome, text


def read_results(job, text, outcome):
    if job.reads == "tap":
        planned = read_tap(text, outcome)
        seen = outcome.passed + outcome.failed + len(outcome.skipped)
        if planned > seen:
            outcome.problems.append(f"{planned - seen} of {planned} did not run")
            outcome.failed += planned - seen
        if seen == 0:
            read_closing_line(text, outcome)
    elif job.reads == "playwright":
        read_playwright(job.report, outcome)
    else:
        read_closing_line(text, outcome)
    if outcome.passed + outcome.failed == 0 and not outcome.problems:
        outcome.problems.append("ran nothing")


def show_failure(suite, job, outcome, text):
    print(f"\n--- {suite}: {job.name}")
    for problem in outcome.problems[:20]:
        print(f"    {problem}")
    for line in telling_lines(text.splitlines()):
        print(f"  | {line}")
    log = os.path.relpath(log_path(suite, job), ROOT)
    print(f"    all of it: {log}\n", flush=True)


def telling_lines(lines):
    """The lines from each failure on, or the end when nothing stands out."""
    shown = []
    for number, line in enumerate(lines):
        if TELLING.search(line) and (not shown or number > shown[-1]):
            shown += range(number, min(number + LINES_EACH, len(lines)))
    if not shown:
        return lines[-LINES_AT_MOST:]
    return [lines[n] for n in shown[:LINES_AT_MOST]]


def run_suite(name, jobs, at_once):
    total = Outcome()
    start = time.monotonic()
    print(f"{name}: ", end="", flush=True)
    if not jobs:
        total.problems.append("there is no test")
        total.failed = 1
    failures = []
    with concurrent.futures.ThreadPoolExecutor(at_once) as pool:
        def go(job):
            return (job, *run_job(job, log_path(name, job)))
        # The longest are not known beforehand; the order is the names'.
        for job, outcome, text in pool.map(go, jobs):
            print("." if outcome.is_good() else "F", end="", flush=True)
            if not outcome.is_good():
                failures.append((job, outcome, text))
            total.add(outcome)
    total.seconds = time.monotonic() - start
    print(f" {total.passed} passed, {total.failed} failed"
          f" in {total.seconds:.1f} s", flush=True)
    for failure in failures:
        show_failure(name, *failure)
    return total


# ----------------------------------------------------------------- suites --

def sources(pattern, ending):
    """Names of the tests whose sources are there (binaries may be stale), with
    their folders below that of the pattern."""
    folder = os.path.join(ROOT, os.path.dirname(pattern.replace("**/", "")))
    found = glob.glob(os.path.join(ROOT, pattern), recursive=True)
    return sorted(os.path.relpath(p, folder)[:-len(ending)] for p in found)


def unit(args):
    # The thread sanitizer takes its time, on a machine that is busy above all.
    limit = 240 if args.san.endswith("-thread") else 60
    return [Job(name, [f"{args.san}/tests/unit/{name}_test"], limit, "tap",
                env={"CMOCKA_MESSAGE_OUTPUT": "TAP"})
            for name in sources("tests/unit/*_test.c", "_test.c")]


# Memory that was never written, which the sanitizers do not see.
MEMCHECK = ["valgrind", "--quiet", "--error-exitcode=99", "--leak-check=full",
            "--errors-for-leak-kinds=definite,indirect",
            "--show-leak-kinds=definite,indirect", "--fair-sched=yes"]
# It opens files by openat2(2), which valgrind 3.19 does not know.
NO_MEMCHECK = ["mounts"]


def valgrind(args):
    return [Job(name, MEMCHECK + [f"{args.san}/tests/unit/{name}_test"], 600, "tap",
                env={"CMOCKA_MESSAGE_OUTPUT": "TAP"})
            for name in sources("tests/unit/*_test.c", "_test.c")
            if name not in NO_MEMCHECK]


def fuzz_replay(args):
    return [Job(name, [f"{args.san}/tests/fuzz/{name}_replay"] +
                sorted(glob.glob(f"tests/fuzz/corpus/{name}/*")), 120, "tap")
            for name in sources("tests/fuzz/*_fuzz.c", "_fuzz.c")]


def vectors(args):
    check = "tests/vectors/check.py"
    return [Job("python-protobuf", [args.python, check], 60, "closing")
            ] if os.path.exists(check) else []


def docs(args):
    return [Job("readers", [args.python, "tests/docs/docs_test.py"], 60,
                "closing", env={"NODE": args.node}),
            Job("ledger", [args.python, "tests/docs/ledger_test.py"], 60,
                "closing"),
            Job("reference", [args.python, "scripts/docs/check.py", "--node",
                              args.node], 60, "closing")]


# Defences whose loss is noticed soonest; `make mutants` tries all.
QUICK_MUTANTS = ["RECEIVER_DEDUP", "SENDER_DEDUP", "CLIENT_LIVENESS", "BACKOFF",
                 "ONE_QUESTION", "EPOCH", "COMPARE", "MACHINE", "LIVE_FILTER",
                 "CREDIT"]


def sim(args):
    if not sources("tests/sim/*.c", ".c"):
        return []
    return [Job("release", ["build/godwit-sim", "--seeds", args.seeds], 300,
                "closing"),
            Job("sanitized", [f"{args.san}/godwit-sim", "--seeds",
                              args.san_seeds], 300, "closing"),
            Job("crowd", ["build/godwit-sim", "--crowd", "--seeds", "20",
                          "--jobs", "1"], 300, "closing"),
            Job("crowd-sanitized", [f"{args.san}/godwit-sim", "--crowd",
                                    "--seeds", "2", "--jobs", "1"], 300,
                "closing"),
            Job("few", ["build/godwit-sim", "--few", "--seeds", "300"], 300,
                "closing"),
            Job("few-sanitized", [f"{args.san}/godwit-sim", "--few",
                                  "--seeds", "40"], 300, "closing"),
            Job("simulator", [args.python, "tests/sim/sim_test.py",
                              "build/godwit-sim", f"{args.san}/godwit-sim",
                              "build/godwit-sim-mutants"], 300, "closing"),
            Job("mutants", ["build/godwit-sim-mutants", "--mutants"] +
                QUICK_MUTANTS + ["--seeds", "100", "--jobs", "1"], 300,
                "closing")]


def guard(args):
    return [Job("instructions", [args.python, "tests/bench/guard.py",
                                 "build/godwit-guard"], 240, "closing")]


def wasm(args):
    files = sorted(glob.glob("wasm/test/**/*.test.mjs", recursive=True))
    return [Job("node", [args.node, "--test", "--test-reporter=tap"] + files,
                240, "tap", env={"GODWIT_BIN": args.godwit})] if files else []


def integration_job(args, name):
    return Job(name, [args.node, "--test", "--test-reporter=tap",
                      f"tests/integration/{name}.test.mjs"], 240, "tap",
               env={"GODWIT_BIN": args.godwit})


def integration(args):
    return [integration_job(args, name)
            for name in sources("tests/integration/**/*.test.mjs", ".test.mjs")
            if "node_modules" not in name]


# Where workers have most to do with each other, and with threads beside them.
THREAD_TESTS = ["access", "admin", "api", "auth", "crowd", "embed", "hooks",
                "middleware", "observe", "people", "plugin", "states", "tls",
                "ledger/access", "ledger/calls", "ledger/channels",
                "ledger/compression", "ledger/connections", "ledger/edge",
                "ledger/people", "ledger/states"]


def threads(args):
    return [integration_job(args, name) for name in THREAD_TESTS]


def playwright(args, name, godwit, timeout_s, *options):
    report = os.path.join(LOGS, f"{name}.json")
    # Setup leaves a newer Node there when the system's is too old for Playwright.
    own = os.path.join(ROOT, "build/setup/node/node_modules/node/bin/node")
    node = own if os.path.exists(own) else args.node
    path = os.path.dirname(own) + os.pathsep if node == own else ""
    return [Job(name,
                [node, "node_modules/@playwright/test/cli.js", "test",
                 "--reporter=list,json", *options], timeout_s, "playwright",
                cwd=os.path.join(ROOT, "playwright"), report=report,
                env={"GODWIT_BIN": godwit,
                     "PATH": path + os.environ["PATH"],
                     "PLAYWRIGHT_JSON_OUTPUT_NAME": report})]


def e2e(args):
    return playwright(args, "playwright", args.godwit, 1200)


def e2e_long(args):
    # It measures pages: the server's checks would take their processor.
    return playwright(args, "playwright-long", os.path.join(ROOT, "build/godwit"),
                      900, "--config=playwright.long.config.ts")


def webkit(args):
    env = {"GODWIT_BIN": args.godwit}
    return [Job("sdk", [args.node, "wasm/test/browser/webkit.mjs"], 300,
                "closing", env=env),
            *(Job(name, [args.node, "--test", "--test-reporter=tap",
                         f"tests/webkit/{name}.test.mjs"], 600, "tap", env=env)
              for name in sources("tests/webkit/*.test.mjs", ".test.mjs"))]


# Name: what makes the jobs, and how many of them run at once.
CORES = os.cpu_count() or 1
SUITES = {
    "unit": (unit, CORES),
    "fuzz-replay": (fuzz_replay, CORES),
    "vectors": (vectors, 1),
    "docs": (docs, CORES),
    "sim": (sim, CORES),
    "guard": (guard, 1),
    "wasm": (wasm, 1),
    "integration": (integration, 1),
    "threads": (threads, 1),
    "valgrind": (valgrind, CORES),
    "e2e": (e2e, 1),
    "e2e-long": (e2e_long, 1),
    "webkit": (webkit, 1),
}


def print_table(results):
    print(f"\n{'suite':<14}{'passed':>8}{'failed':>8}{'seconds':>9}")
    for name, outcome in results:
        print(f"{name:<14}{outcome.passed:>8}{outcome.failed:>8}"
              f"{outcome.seconds:>9.1f}")
    for name, outcome in results:
        for skipped in outcome.skipped:
            print(f"skipped in {name}: {skipped}")
        for problem in outcome.problems:
            print(f"problem in {name}: {problem}")


def main():
    parser = argparse.ArgumentParser(description="run test suites")
    parser.add_argument("--san", default="build/san")
    parser.add_argument("--seeds", default="2000")
    parser.add_argument("--san-seeds", default="200")
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--node", default=os.environ.get("NODE", "node"))
    parser.add_argument("suites", nargs="+", choices=SUITES)
    args = parser.parse_args()
    os.chdir(ROOT)
    os.makedirs(LOGS, exist_ok=True)
    args.godwit = os.path.join(ROOT, args.san, "godwit")

    results = []
    try:
        for name in args.suites:
            make_jobs, at_once = SUITES[name]
            results.append((name, run_suite(name, make_jobs(args), at_once)))
    finally:
        for process in list(running):
            end_group(process)
    print_table(results)
    passed = sum(o.passed for _, o in results)
    failed = sum(o.failed for _, o in results)
    print(f"\n{passed} passed, {failed} failed", flush=True)
    return 0 if all(o.is_good() for _, o in results) else 1


if __name__ == "__main__":
    sys.exit(main())
