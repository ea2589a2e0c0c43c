#!/usr/bin/python3
# run.py - fuzzes each target for a while, and prints what it reached.
# SPDX-License-Identifier: MIT
#
#   tests/fuzz/run.py --seconds T BINARY...
#
# A target NAME_fuzz begins with tests/fuzz/corpus/NAME and with what it found
# before, in build/fuzz/found/NAME, where new inputs go; words for its mutations
# are in tests/fuzz/dict/NAME.dict. A finding is left in build/fuzz/findings;
# the other targets still run, and the exit code is 1.

import argparse
import os
import re
import subprocess
import sys

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


def fuzz(binary, seconds):
    """Returns the row of the table, and whether nothing was found."""
    name = os.path.basename(binary).removesuffix("_fuzz")
    log = os.path.join(FOUND, name + ".log")
    os.makedirs(FOUND, exist_ok=True)
    with open(log, "w+b") as out:
        try:
            code = subprocess.run(command_of(binary, name, seconds),
                                  stdin=subprocess.DEVNULL, stdout=out,
                                  stderr=subprocess.STDOUT, cwd=ROOT,
                                  timeout=seconds + GRACE_SECONDS).returncode
        except subprocess.TimeoutExpired:
            code = -1
        out.seek(0)
        text = out.read().decode("utf-8", "replace")
    steps = PROGRESS.findall(text)
    execs, cov, features, size = steps[-1] if steps else ("0", "0", "0", "0")
    added = ADDED.search(text)
    row = (name, execs, f"{int(execs) // max(seconds, 1)}", cov, features, size,
           added.group(1) if added else "-",
           "nothing" if code == 0 else f"exit code {code}")
    if code != 0:
        for m in list(FINDING.finditer(text))[:6]:
            print(f"  {name}: {m.group(0)}")
        print(f"  {name}: all of it: {os.path.relpath(log, ROOT)}", flush=True)
    return row, code == 0


HEAD = ("target", "execs", "a second", "edges", "features", "corpus", "new",
        "found")


def print_row(row):
    print(f"{row[0]:<14}" + "".join(f"{cell:>10}" for cell in row[1:7]) +
          f"  {row[7]}", flush=True)


def main():
    parser = argparse.ArgumentParser(description="fuzz each target")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("binaries", nargs="+")
    args = parser.parse_args()
    is_good = True
    print_row(HEAD)
    for binary in args.binaries:
        row, found_nothing = fuzz(binary, args.seconds)
        is_good = is_good and found_nothing
        print_row(row)
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main())
