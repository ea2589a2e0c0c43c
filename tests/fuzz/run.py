#!/usr/bin/python3
# run.py - fuzzes each target for a while, and prints what it reached.
# SPDX-License-Identifier: MIT
#
#   tests/fuzz/run.py --seconds T [--jobs N] BINARY...
#
# A target NAME_fuzz begins with tests/fuzz/corpus/NAME and with what it found
# before, in build/fuzz/found/NAME, where new inputs go; words for its mutations
# are in tests/fuzz/dict/NAME.dict. A finding is left in build/fuzz/findings;
# the other targets still run, and the exit code is 1. A row comes when its target
# is done; its minutes are processor time, which is less than T on a machine that
# others use.

import argparse
import concurrent.futures
import os
import re
import subprocess
import sys
import threading

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
FOUND = os.path.join(ROOT, "build/fuzz/found")
FINDINGS = os.path.join(ROOT, "build/fuzz/findings")
# An input that takes longer, or a target that needs more, is a finding.
INPUT_SECONDS = 20
MEMORY_MB = 2048
MAX_BYTES = 4096
# Besides its seconds, for reading the corpus.
GRACE_SECONDS = 120

PROGRESS = re.compile(r"^#(\d+)\s+\w+\s+cov: (\d+) ft: (\d+) corp: (\d+)/", re.M)
ADDED = re.compile(r"^stat::new_units_added:\s+(\d+)", re.M)
FINDING = re.compile(r"Test unit written to (\S+)|ERROR: .*|runtime error: .*")


def command_of(binary, name, seconds):
    corpus = os.path.join(ROOT, "tests/fuzz/corpus", name)
    words = os.path.join(ROOT, "tests/fuzz/dict", name + ".dict")
    found = os.path.join(FOUND, name)
    for folder in (corpus, found, FINDINGS):
        os.makedirs(folder, exist_ok=True)
    options = [f"-max_total_time={seconds}", f"-timeout={INPUT_SECONDS}",
               f"-rss_limit_mb={MEMORY_MB}", f"-max_len={MAX_BYTES}",
               "-print_final_stats=1",
               f"-artifact_prefix={FINDINGS}/{name}-"]
    if os.path.exists(words):
        options.append(f"-dict={words}")
    return [binary] + options + [found, corpus]


def run(command, out, limit):
    """Returns the exit code, that of a kill after `limit` seconds, and seconds of
    CPU."""
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out,
                             stderr=subprocess.STDOUT, cwd=ROOT)
    killer = threading.Timer(limit, child.kill)
    killer.start()
    _, status, usage = os.wait4(child.pid, 0)
    killer.cancel()
    child.returncode = os.waitstatus_to_exitcode(status)
    return child.returncode, usage.ru_utime + usage.ru_stime


def fuzz(binary, seconds):
    """Returns the row of the table, and what was found."""
    name = os.path.basename(binary).removesuffix("_fuzz")
    log = os.path.join(FOUND, name + ".log")
    os.makedirs(FOUND, exist_ok=True)
    with open(log, "w+b") as out:
        code, cpu = run(command_of(binary, name, seconds), out,
                        seconds + GRACE_SECONDS)
        out.seek(0)
        text = out.read().decode("utf-8", "replace")
    steps = PROGRESS.findall(text)
    execs, cov, features, size = steps[-1] if steps else ("0", "0", "0", "0")
    added = ADDED.search(text)
    row = (name, f"{cpu / 60:.1f}", execs, cov, features, size,
           added.group(1) if added else "-",
           "nothing" if code == 0 else f"exit code {code}")
    findings = []
    if code != 0:
        findings = [m.group(0) for m in list(FINDING.finditer(text))[:6]]
        findings.append(f"all of it: {os.path.relpath(log, ROOT)}")
    return row, findings


HEAD = ("target", "minutes", "execs", "edges", "features", "corpus", "new",
        "found")


def print_row(row):
    print(f"{row[0]:<14}" + "".join(f"{cell:>11}" for cell in row[1:7]) +
          f"  {row[7]}", flush=True)


def main():
    parser = argparse.ArgumentParser(description="fuzz each target")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--jobs", type=int, default=1,
                        help="targets that run at the same time")
    parser.add_argument("binaries", nargs="+")
    args = parser.parse_args()
    is_good = True
    print_row(HEAD)
    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        works = [pool.submit(fuzz, b, args.seconds) for b in args.binaries]
        for work in concurrent.futures.as_completed(works):
            row, findings = work.result()
            is_good = is_good and not findings
            print_row(row)
            for line in findings:
                print(f"  {row[0]}: {line}", flush=True)
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main())
