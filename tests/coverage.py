#!/usr/bin/python3
# coverage.py - runs the tests on an instrumented build and tells which lines
# they reach; fails when a part of the sources stays below its bar.
# SPDX-License-Identifier: MIT
#
#   tests/coverage.py --san DIR [--report-only] [SUITE...]
#
# What a process counted is written when it ends by itself: servers that a test
# kills count nothing, so the figures are a little lower than the truth.

import argparse
import glob
import json
import os
import shutil
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
OUT = "build/coverage"
SUITES = ["unit", "fuzz-replay", "vectors", "sim", "wasm", "integration"]
# Per cent of lines that the tests must reach: the first folder that fits.
BARS = [("client/ports", 85), ("proto", 95), ("client", 95),
        ("server/core", 95), ("server", 85)]
TYPESCRIPT_BAR = 95


def folder_of(path):
    """The row of the table that a source belongs to."""
    parts = path.split("/")
    depth = 2 if parts[0] == "server" or path.startswith("client/ports") else 1
    return "/".join(parts[:-1][:depth])


def bar_of(folder):
    return next(bar for name, bar in BARS
                if folder == name or folder.startswith(name + "/"))


def run_tests(args, env):
    for name in ("profiles", "v8"):
        shutil.rmtree(os.path.join(args.san, name), ignore_errors=True)
    command = [sys.executable, "tests/run.py", "--san", args.san, "--node",
               args.node, "--seeds", "50", "--san-seeds", args.seeds]
    return subprocess.run(command + args.suites, env=env, check=False).returncode


def programs(san):
    found = [f"{san}/godwit", f"{san}/godwit-sim", f"{san}/godwit-embed"]
    found += sorted(glob.glob(f"{san}/tests/unit/*_test"))
    found += sorted(glob.glob(f"{san}/tests/fuzz/*_replay"))
    return [p for p in found if os.path.exists(p)]


def llvm_cov(mode, san, *options):
    first, *others = programs(san)
    objects = [word for p in others for word in ("-object", p)]
    return ["llvm-cov", mode, first, *objects,
            f"-instr-profile={san}/merged.profdata", *options,
            "proto", "client", "server"]


def measure_c(san):
    """Writes the pages and returns {source: (lines, reached)}."""
    profiles = glob.glob(f"{san}/profiles/*.profraw")
    if not profiles:
        sys.exit("coverage: the tests left no profile: was the build "
                 "instrumented?")
    subprocess.run(["llvm-profdata", "merge", "-sparse", *profiles, "-o",
                    f"{san}/merged.profdata"], check=True)
    told = subprocess.run(llvm_cov("export", san, "-summary-only"), check=True,
                          capture_output=True)
    subprocess.run(
        llvm_cov("show", san, "-format=html", f"-output-dir={OUT}/c",
                 "-project-title=Godwit", "-show-line-counts-or-regions"),
        check=True, stdout=subprocess.DEVNULL)
    files = json.loads(told.stdout)["data"][0]["files"]
    lines = {}
    for file in files:
        path = os.path.relpath(file["filename"], ROOT)
        # Headers hold no more than a few inline functions.
        if path.endswith(".c") and not path.startswith(("build", "tests")):
            count = file["summary"]["lines"]
            lines[path] = (count["count"], count["covered"])
    return lines


def measure_typescript(args):
    """The same for wasm/src, by the source maps of what the tests loaded."""
    if not os.path.isdir(f"{args.san}/v8"):
        return {}
    subprocess.run(
        [args.node, "node_modules/c8/bin/c8.js", "report",
         f"--temp-directory={ROOT}/{args.san}/v8", "--exclude-after-remap",
         f"--reports-dir={ROOT}/{OUT}/typescript", "--reporter=json-summary",
         "--reporter=html"], cwd="wasm", check=True, stdout=subprocess.DEVNULL)
    with open(f"{OUT}/typescript/coverage-summary.json",
              encoding="utf-8") as f:
        summary = json.load(f)
    return {os.path.relpath(path, ROOT):
            (of["lines"]["total"], of["lines"]["covered"])
            for path, of in summary.items() if "/wasm/src/" in path}


def share(lines, reached):
    return 100.0 * reached / lines if lines else 100.0


def print_table(lines, folder_of_path, bar_of_folder):
    """Returns whether every folder is at its bar."""
    sums = {}
    for path, (count, reached) in lines.items():
        had = sums.get(folder_of_path(path), (0, 0))
        sums[folder_of_path(path)] = (had[0] + count, had[1] + reached)
    is_good = True
    for folder, (count, reached) in sorted(sums.items()):
        percent, bar = share(count, reached), bar_of_folder(folder)
        is_good = is_good and percent >= bar
        print(f"{folder:<22}{count:>8}{reached:>9}{percent:>8.1f}{bar:>6}"
              f"  {'' if percent >= bar else 'below its bar'}")
    return is_good


def print_worst(lines, num):
    missed = sorted(lines.items(), key=lambda item: item[1][1] - item[1][0])
    print("\nwhere most lines are left out:")
    for path, (count, reached) in missed[:num]:
        print(f"  {count - reached:>5} of {count:>5}  {path}")


def main():
    parser = argparse.ArgumentParser(description="measure what tests reach")
    parser.add_argument("--san", default="build/cov")
    parser.add_argument("--seeds", default="500")
    parser.add_argument("--node", default=os.environ.get("NODE", "node"))
    parser.add_argument("--report-only", action="store_true",
                        help="of the profiles that are there")
    parser.add_argument("suites", nargs="*", default=SUITES)
    args = parser.parse_args()
    os.chdir(ROOT)

    code = 0
    if not args.report_only:
        code = run_tests(args, {
            **os.environ,
            "LLVM_PROFILE_FILE": f"{ROOT}/{args.san}/profiles/%4m.profraw",
            "NODE_V8_COVERAGE": f"{ROOT}/{args.san}/v8"})
    shutil.rmtree(OUT, ignore_errors=True)
    os.makedirs(OUT)
    lines = measure_c(args.san)
    typescript = measure_typescript(args)
    print(f"\n{'folder':<22}{'lines':>8}{'reached':>9}{'%':>8}{'bar':>6}")
    is_good = print_table(lines, folder_of, bar_of)
    is_good = print_table(typescript, lambda _: "wasm/src",
                          lambda _: TYPESCRIPT_BAR) and is_good
    print_worst({**lines, **typescript}, 15)
    print(f"\npages: {OUT}/c/index.html, {OUT}/typescript/index.html")
    return code or (0 if is_good else 1)


if __name__ == "__main__":
    sys.exit(main())
