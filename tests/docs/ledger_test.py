#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""ledger_test.py - docs/ledger.md says what there is: each row of the messaging
model has a guide and a test, and each test of a row is in the table.

Ends with `N passed, N failed`.
"""

import glob
import os
import re
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
PAGE = os.path.join(ROOT, "docs/ledger.md")
TESTS = os.path.join(ROOT, "tests/integration/ledger")
# Every row that the page has to have.
ROWS = ("C2 C5 C6 C7 C8 C9 M1 M2 M3 M4 M5 M7 M9 M10 P1 P2 P3 P4 S1 S2 R1 R2 R4 "
        "R6 R7 X1 X3 X4 T9").split()
LINK = re.compile(r"\[[^]]*\]\(([^)#]*)(#[^)]*)?\)")
TITLE = re.compile(r'^test\(\s*["`]([A-Z]\d+) ', re.M)
BAD_INPUT = re.compile(r"bad input", re.I)


def rows_of(text, wrong):
    """row: its other cells."""
    rows = {}
    for line in text.splitlines():
        row, *cells = [c.strip() for c in line.strip("|").split("|")]
        if not re.fullmatch(r"[A-Z]\d+", row):
            continue
        if row in rows:
            wrong.append(f"{row} is there twice")
        rows[row] = cells
    return rows


def links(cell):
    return [(os.path.normpath(os.path.join(ROOT, "docs", path)), anchor or "")
            for path, anchor in LINK.findall(cell)]


def anchors(path):
    """As GitHub makes them of headings."""
    with open(path, encoding="utf-8") as f:
        heads = re.findall(r"^#+ (.*)$", f.read(), re.M)
    return {"#" + re.sub(r"[^\w\- ]", "", h.lower()).replace(" ", "-")
            for h in heads}


def text_of(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


def check_row(row, cells):
    """What is wrong with a row: sentences."""
    if len(cells) != 4:
        yield f"{row}: {len(cells) + 1} cells instead of 5"
        return
    what, guide, test, _ = cells
    if not what:
        yield f"{row}: it does not say what it is"
    for name, cell in (("guide", guide), ("test", test)):
        if not links(cell):
            yield f"{row}: it has no {name}"
    for path, anchor in links(guide) + links(test):
        if not os.path.isfile(path):
            yield f"{row}: there is no {os.path.relpath(path, ROOT)}"
        elif anchor and anchor not in anchors(path):
            yield f"{row}: {os.path.relpath(path, ROOT)} has no {anchor}"
    sources = [text_of(p) for p, _ in links(test) if os.path.isfile(p)]
    bodies = [body for source in sources
              for title, body in tests_of(source) if title == row]
    if not bodies:
        yield f"{row}: no title of its test begins with it"
    elif not any(BAD_INPUT.search(body) for body in bodies):
        yield f"{row}: its tests have no bad input"


def tests_of(source):
    """(row, text) of each test."""
    found = list(TITLE.finditer(source))
    ends = [m.start() for m in found[1:]] + [len(source)]
    return [(m.group(1), source[m.start():end]) for m, end in zip(found, ends)]


def main():
    passed, wrong = 0, []
    rows = rows_of(text_of(PAGE), wrong)
    for row in ROWS:
        problems = list(check_row(row, rows[row])) if row in rows else [
            f"{row}: it is not in the table"]
        wrong += problems
        passed += not problems
    wrong += [f"{row}: nobody asked for it" for row in rows if row not in ROWS]
    for path in sorted(glob.glob(os.path.join(TESTS, "*.mjs"))):
        for row, _ in tests_of(text_of(path)):
            if row not in rows:
                wrong.append(f"{os.path.basename(path)} tests {row}, which is "
                             "not in the table")
    for problem in wrong:
        print(f"FAIL {problem}")
    print(f"{passed} passed, {len(wrong)} failed")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
