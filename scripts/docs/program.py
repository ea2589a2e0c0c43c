# SPDX-License-Identifier: MIT
"""program.py - reads what the program says of its keys and its subcommands."""

import re
import subprocess

from model import Item

KEY = re.compile(r"( *)(\w+):(?: (.*))?$")
# Of a list's items, in the comment before the list.
ITEM_KEY = re.compile(r"   (\w+)$")
OPTION = re.compile(r" {2,}(?:-\w, )?(--[\w.-]+(?:[ =][A-Z]\S*)*)(?:  +(.*))?$")


def ask(program, *arguments):
    return subprocess.run([program, *arguments], check=True, text=True,
                          capture_output=True, timeout=10).stdout


# ---- keys -------------------------------------------------------------------

def keys(text):
    """The keys of `godwit config default`, each with the comment above it."""
    found, comment, path = [], [], []
    for number, line in enumerate(text.split("\n"), 1):
        where = f"godwit config default:{number}"
        stripped = line.strip()
        if stripped.startswith("#"):
            comment.append(stripped[1:])
            continue
        match = KEY.match(line)
        if match:
            del path[len(match.group(1)) // 2:]
            path.append(match.group(2))
            if match.group(3) is not None:
                found.append(key(".".join(path), match.group(3), comment, where))
        comment = []
    return found


def key(name, value, comment, where):
    if value != "[]":
        doc = "\n".join(line.removeprefix(" ") for line in comment)
        return Item("key", name, where, doc, f"{name}: {value}")
    members, doc = item_keys(name, comment, where)
    return Item("key", name, where, doc, f"{name}: {value}", members)


def item_keys(name, comment, where):
    """The keys of a list's items, and the words and the example around them."""
    members, doc = [], []
    for line in comment:
        if match := ITEM_KEY.match(line):
            members.append(Item("key", match.group(1), where, "",
                                f"{name}[].{match.group(1)}"))
        elif members and line.startswith("     #"):
            members[-1].doc += line.strip(" #") + "\n"
        else:
            doc.append(line.removeprefix(" "))
    return members, "\n".join(doc)


# ---- subcommands ------------------------------------------------------------

def options(text, where):
    """The options that a help text lists. One that says nothing about itself, on
    its line or on the next, has no words; a default in brackets is none."""
    found, lines = [], text.split("\n")
    for line, following in zip(lines, lines[1:] + [""]):
        match = OPTION.match(line)
        if not match:
            continue
        doc = re.sub(r"^\[.*?\]", "", match.group(2) or "").strip()
        indent = len(line) - len(line.lstrip())
        if not doc and following[:indent + 1].isspace():
            doc = following.strip()
        found.append(Item("option", match.group(1), where, doc, match.group(1)))
    return found


def subcommands(program):
    found = []
    for name, says in re.findall(r"^  ([\w-]+) *(.*)$", ask(program, "help"), re.M):
        where = f"godwit {name} --help"
        if name in ("help", "version"):
            found.append(Item("subcommand", name, where, says,
                              f"usage: godwit {name}"))
            continue
        text = ask(program, name, "--help")
        found.append(Item("subcommand", name, where, says, text,
                          options(text, where)))
    return found
