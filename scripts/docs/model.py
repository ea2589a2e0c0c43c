# SPDX-License-Identifier: MIT
"""model.py - what the readers of sources find, and the check and the site use."""

from dataclasses import dataclass, field


@dataclass
class Item:
    """A public name: a function, a message, a class, a key, and so on."""
    kind: str
    name: str
    where: str  # file, or file:line
    doc: str = ""
    code: str = ""
    members: list = field(default_factory=list)
    needs_doc: bool = True


@dataclass
class Prose:
    """Words between items; a heading when it has no text."""
    heading: str = ""
    text: str = ""


@dataclass
class Page:
    """A page of the reference."""
    slug: str
    title: str
    group: str
    intro: str = ""
    parts: list = field(default_factory=list)

    def items(self):
        return [part for part in self.parts if isinstance(part, Item)]


def undocumented(items, path=()):
    """(where, kind, full name) of each item that lacks words."""
    for item in items:
        names = path + (item.name,)
        if item.needs_doc and not item.doc.strip():
            yield item.where, item.kind, ".".join(names)
        yield from undocumented(item.members, names)


def count(items):
    return sum(1 + count(item.members) for item in items)
