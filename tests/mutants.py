#!/usr/bin/python3
# mutants.py - takes defences away, one at a time, and demands that a test notices.
# SPDX-License-Identifier: MIT
#
#   tests/mutants.py [--list] [NAME...]
#
# tests/mutants.toml is the table: what is changed in which file, what is built
# then, and the test that has to fail. It works in a copy of the tree, in
# build/mutants/, which keeps what was built, so that a mutant costs a file and a
# link. Each test has to pass on the unchanged copy first.

import argparse
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import tomllib

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TABLE = os.path.join(ROOT, "tests/mutants.toml")
TREE = os.path.join(ROOT, "build/mutants/tree")
LOGS = os.path.join(ROOT, "build/mutants/logs")
# What was built and is worth keeping: objects, generated code, the package.
BUILT = ["build/gen", "build/wasm", "build/san/obj", "wasm/dist"]
BUILD_S = 600
TEST_S = 120

CAUGHT, SURVIVED = "caught", "SURVIVED"


# ---- the copy -------------------------------------------------------------------

def sources():
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "-z"], cwd=ROOT,
        check=True, capture_output=True, text=True).stdout
    return [name for name in listed.split("\0") if name]


def copy_tree():
    """With the times of files, so that make finds nothing to do."""
    shutil.rmtree(TREE, ignore_errors=True)
    for name in sources():
        to = os.path.join(TREE, name)
        os.makedirs(os.path.dirname(to), exist_ok=True)
        if os.path.isfile(os.path.join(ROOT, name)):
            shutil.copy2(os.path.join(ROOT, name), to)
    for name in BUILT:
        if os.path.isdir(os.path.join(ROOT, name)):
            shutil.copytree(os.path.join(ROOT, name), os.path.join(TREE, name))
    for name in os.listdir(os.path.join(ROOT, "build")):
        if name.startswith(".checked"):
            shutil.copy2(os.path.join(ROOT, "build", name),
                         os.path.join(TREE, "build"))
    codes = "wasm/src/codes.ts"  # generated, and not in build/
    shutil.copy2(os.path.join(ROOT, codes), os.path.join(TREE, codes))
    for folder in ["wasm", "tests/integration"]:
        os.symlink(os.path.join(ROOT, folder, "node_modules"),
                   os.path.join(TREE, folder, "node_modules"))


# ---- one mutant --------------------------------------------------------------------

class Failure(Exception):
    """The table does not fit the tree, or something does not build."""


def run(command, seconds, log):
    """Exit code; None when it ran past its time."""
    env = {k: v for k, v in os.environ.items()
           if k not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}
    log.write(f"$ {command}\n".encode())
    log.flush()
    process = subprocess.Popen(
        ["bash", "-c", command], cwd=TREE, env=env, stdin=subprocess.DEVNULL,
        stdout=log, stderr=subprocess.STDOUT, start_new_session=True)
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        return None
    finally:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass


def build(mutant, log):
    if run(mutant["build"], BUILD_S, log) != 0:
        raise Failure(f"it does not build: {log.name}")


def test(mutant, log):
    """Whether the test passes. One that hangs does not."""
    return run(mutant["test"], TEST_S, log) == 0


def apply(mutant):
    """Returns the files as they were."""
    before = {}
    for edit in mutant["edit"]:
        path = os.path.join(TREE, edit["file"])
        with open(path, encoding="utf-8") as f:
            text = f.read()
        before.setdefault(path, text)
        count = text.count(edit["old"])
        if count != 1:
            raise Failure(f"{edit['file']} has the old text {count} times")
        with open(path, "w", encoding="utf-8") as f:
            f.write(text.replace(edit["old"], edit["new"]))
    return before


def restore(before):
    for path, text in before.items():
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)


def try_mutant(mutant):
    with open(os.path.join(LOGS, mutant["name"] + ".log"), "wb") as log:
        before = {}
        try:
            before = apply(mutant)
            build(mutant, log)
            return SURVIVED if test(mutant, log) else CAUGHT
        finally:
            restore(before)


def check_unchanged(mutants):
    """Every test passes while nothing is changed."""
    done = set()
    with open(os.path.join(LOGS, "unchanged.log"), "wb") as log:
        for mutant in mutants:
            key = (mutant["build"], mutant["test"])
            if key in done:
                continue
            done.add(key)
            build(mutant, log)
            if not test(mutant, log):
                raise Failure(
                    f"{mutant['name']}: its test fails on what is unchanged: "
                    f"{log.name}")


# ---- the table ---------------------------------------------------------------------

def load(names):
    with open(TABLE, "rb") as f:
        table = tomllib.load(f)
    mutants = []
    for mutant in table["mutant"]:
        kind = table["kind"][mutant["kind"]]
        fill = {"make": "make -s", "of": "", **mutant}
        # What braces hold is named; others are left to the command.
        for key in ("build", "test"):
            mutant[key] = re.sub(r"\{(\w+)\}", lambda m: fill[m[1]], kind[key])
        if not names or any(n in (mutant["name"], mutant.get("of"))
                            for n in names):
            mutants.append(mutant)
    if len({m["name"] for m in mutants}) != len(mutants):
        raise Failure("two mutants have one name")
    if not mutants:
        raise Failure("there is no such mutant")
    return mutants


def show(name, files, outcome, seconds=""):
    print(f"{name:<28}{files:<44}{outcome:<10}{seconds:>6}", flush=True)


def main():
    parser = argparse.ArgumentParser(description="take defences away")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("names", nargs="*", help="of mutants, or of bug classes")
    args = parser.parse_args()
    try:
        mutants = load(args.names)
        if args.list:
            for mutant in mutants:
                print(f"{mutant['name']:<28}{mutant['about']}")
            return 0
        os.makedirs(LOGS, exist_ok=True)
        copy_tree()
        check_unchanged(mutants)
        show("mutant", "changed", "outcome", "s")
        survived = 0
        for mutant in mutants:
            start = time.monotonic()
            files = " ".join(dict.fromkeys(e["file"] for e in mutant["edit"]))
            outcome = try_mutant(mutant)
            survived += outcome != CAUGHT
            show(mutant["name"], files, outcome,
                 f"{time.monotonic() - start:.0f}")
    except Failure as e:
        print(f"mutants: {e}", file=sys.stderr)
        return 2
    print(f"\n{len(mutants) - survived} passed, {survived} failed")
    return 1 if survived else 0


if __name__ == "__main__":
    sys.exit(main())
