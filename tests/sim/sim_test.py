#!/usr/bin/python3
# sim_test.py - holds the simulator to what it says of itself: the same seed gives
# the same bytes, in any build; what fails is made smaller; nothing stays undone.
# SPDX-License-Identifier: MIT
#
#   sim_test.py RELEASE SANITIZED MUTANTS
#
# Three builds of godwit-sim. Prints `N passed, N failed`.

import functools
import os
import re
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
RELEASE, SANITIZED, MUTANTS = sys.argv[1:4]
SEEDS = (3, 17, 58)
# A defence whose loss takes a fault to be noticed.
SHRUNK = "CLIENT_LIVENESS"
# One that a few clients notice as well as hundreds.
CROWD_SHRUNK = "REFUSED_HOLDS"


def run(*argv, code=0):
    done = subprocess.run(argv, stdout=subprocess.PIPE, text=True, timeout=120)
    assert code is None or done.returncode == code, \
        f"{' '.join(argv)}: exit code {done.returncode}\n{done.stdout[-2000:]}"
    return done.stdout


def the_same_seed_gives_the_same_bytes():
    for seed in SEEDS:
        argv = ("--seed", str(seed), "--trace", "--small")
        first = run(RELEASE, *argv)
        assert first.count("\n") > 100, "no trace"
        assert first == run(RELEASE, *argv), f"seed {seed} has two traces"
        assert first == run(SANITIZED, *argv), f"seed {seed}: sanitized differs"
        assert first == run(MUTANTS, *argv), f"seed {seed}: mutants differ"


def a_crowd_is_the_same_in_any_build():
    said = {run(build, "--seed", "1", "--crowd")
            for build in (RELEASE, SANITIZED, MUTANTS)}
    assert len(said) == 1 and "holds" in said.copy().pop(), said


def another_seed_gives_other_bytes():
    a, b = (run(RELEASE, "--seed", str(s), "--trace") for s in SEEDS[:2])
    assert a != b


@functools.cache
def first_failure():
    """What is told of the first seed that notices the loss."""
    text = run(MUTANTS, "--mutant", SHRUNK, "--seeds", "40", "--jobs", "1",
               "--small", code=1)
    found = re.search(r"for --schedule FILE:\n((?:.+\n)+?)(?:seed \d+: |\d+ seeds)",
                      text)
    assert found, f"nothing was made smaller:\n{text[-2000:]}"
    return found.group(1)


def faults_of(schedule):
    return schedule.split("faults\n")[1].splitlines()


def a_failure_is_made_smaller_and_replays():
    schedule = first_failure()
    assert 1 <= len(faults_of(schedule)) <= 3, schedule
    with tempfile.NamedTemporaryFile("w", suffix=".schedule") as f:
        f.write(schedule)
        f.flush()
        run(MUTANTS, "--mutant", SHRUNK, "--schedule", f.name, "--no-shrink",
            code=1)
        run(RELEASE, "--schedule", f.name)


def a_crowd_is_made_smaller():
    text = run(MUTANTS, "--mutant", CROWD_SHRUNK, "--seeds", "1", "--jobs", "1",
               "--crowd", code=1)
    apps = re.search(r"^apps (\d+)$", text, re.M)
    assert apps and int(apps.group(1)) < 100, text[-2000:]


def without_its_fault_it_does_not_fail():
    head = first_failure().split("faults\n")[0]
    with tempfile.NamedTemporaryFile("w", suffix=".schedule") as f:
        f.write(head + "faults\n")
        f.flush()
        run(MUTANTS, "--mutant", SHRUNK, "--schedule", f.name)


def a_schedule_that_is_none_is_refused():
    with tempfile.NamedTemporaryFile("w", suffix=".schedule") as f:
        f.write("seed 1\nfaults\n100 earthquake 0 0\n")
        f.flush()
        run(RELEASE, "--schedule", f.name, code=2)


def every_frame_and_every_fault_comes_about():
    text = run(RELEASE, "--seeds", "300", "--census")
    assert "missing" not in text, text


def what_once_failed_holds():
    folder = os.path.join(HERE, "pinned")
    for name in sorted(os.listdir(folder)):
        path = os.path.join(folder, name)
        if name.endswith(".schedule"):
            run(RELEASE, "--schedule", path, "--no-shrink")
            run(SANITIZED, "--schedule", path, "--no-shrink")


TESTS = (the_same_seed_gives_the_same_bytes,
         a_crowd_is_the_same_in_any_build,
         another_seed_gives_other_bytes,
         a_failure_is_made_smaller_and_replays,
         a_crowd_is_made_smaller,
         without_its_fault_it_does_not_fail,
         a_schedule_that_is_none_is_refused,
         every_frame_and_every_fault_comes_about,
         what_once_failed_holds)


def main():
    failed = 0
    for test in TESTS:
        name = test.__name__.replace("_", " ")
        try:
            test()
            print(f"ok: {name}", flush=True)
        except (AssertionError, subprocess.TimeoutExpired) as e:
            failed += 1
            print(f"FAIL: {name}\n{e}", flush=True)
    print(f"{len(TESTS) - failed} passed, {failed} failed")
    return failed != 0


sys.exit(main())
