#!/usr/bin/python3
# guard.py - counts instructions of the paths that have to stay cheap, and fails
# when one has grown.
# SPDX-License-Identifier: MIT
#
#   tests/bench/guard.py PROGRAM [--update]
#
# callgrind counts the same on an idle and on a busy machine. What was counted last
# is kept in guard.json beside this file; --update keeps what is counted now.

import argparse
import json
import os
import re
import subprocess
import sys

KEPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "guard.json")
# Growth that fails, in percent.
AT_MOST = 5.0
# Gain from which the kept number ought to be renewed, or it would hide a loss.
WORTH_KEEPING = 5.0


def cases(program):
    out = subprocess.run([program], stdout=subprocess.PIPE, check=True, text=True).stdout
    return [(line.split()[0], int(line.split()[1])) for line in out.splitlines()]


def count(program, name):
    """Instructions within guard_measured."""
    done = subprocess.run(
        ["valgrind", "--tool=callgrind", "--toggle-collect=guard_measured",
         "--callgrind-out-file=/dev/null", program, name],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    found = re.search(r"Collected\s*:\s*(\d+)", done.stdout)
    if done.returncode != 0 or not found or found.group(1) == "0":
        sys.exit(f"bench-guard: {name}: {done.stdout.strip()}")
    return int(found.group(1))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("program")
    parser.add_argument("--update", action="store_true", help="keep what is counted now")
    options = parser.parse_args()
    with open(KEPT, encoding="utf-8") as f:
        kept = json.load(f)
    counted, grown, shrunk = {}, [], []
    for name, num in cases(options.program):
        each = round(count(options.program, name) / num)
        counted[name] = each
        before = kept.get(name)
        change = 100.0 * (each - before) / before if before else 0.0
        words = f"{change:+.1f}%" if before else "new"
        print(f"  {name:34}{each:>10,} instructions  {words}", flush=True)
        if not before or change > AT_MOST:
            grown.append(name)
        elif change < -WORTH_KEEPING:
            shrunk.append(name)
    if options.update:
        with open(KEPT, "w", encoding="utf-8") as f:
            json.dump(counted, f, indent=2)
            f.write("\n")
        return 0
    if shrunk:
        print(f"cheaper than what is kept: {', '.join(shrunk)}; make bench-guard UPDATE=1 "
              "keeps it")
    print(f"{len(counted) - len(grown)} passed, {len(grown)} failed")
    if grown:
        print(f"bench-guard: more than {AT_MOST:g} % above {os.path.basename(KEPT)}: "
              f"{', '.join(grown)}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
