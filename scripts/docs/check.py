#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""check.py - names what is public and has no words, and links that lead nowhere.

Ends with `N passed, N failed`: names that have words, names and links that fail.
"""

import argparse
import sys

import collect
import guides
import model


def check(pages, every_guide, root):
    """(names that have words, complaints)."""
    complaints = []
    for page in pages:
        for where, kind, name in model.undocumented(page.items()):
            complaints.append(f"{where}: {kind} {name} has no words")
    for where, link, why in guides.broken_links(root, every_guide):
        complaints.append(f"{where}: link to {link}: {why}")
    total = sum(model.count(page.items()) for page in pages)
    return total, complaints


def arguments(description):
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--gen", default="build/gen")
    parser.add_argument("--types", default="wasm/dist/types")
    parser.add_argument("--godwit", default="build/godwit")
    parser.add_argument("--node", default="node")
    return parser


def tree_of(args):
    return collect.Tree(args.gen, args.types, args.godwit, args.node)


def main():
    args = arguments("check that everything public is documented").parse_args()
    tree = tree_of(args)
    total, complaints = check(collect.reference(tree),
                              collect.all_guides(tree.root), tree.root)
    for complaint in complaints:
        print(complaint)
    print(f"{total - len(complaints)} passed, {len(complaints)} failed")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
