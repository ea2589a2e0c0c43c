# SPDX-License-Identifier: MIT
"""guides.py - reads guides in Markdown: headings, links, HTML."""

import os
import re
from urllib.parse import unquote, urlsplit

from markdown_it import MarkdownIt

PARSER = MarkdownIt("commonmark").enable("table")


def plain(token):
    """Text of a heading, without marks."""
    return "".join(child.content for child in token.children)


def slug(text, taken):
    """The id that a heading gets, as code hosts make it; numbered when taken."""
    base = re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")
    name, number = base, 0
    while name in taken:
        number += 1
        name = f"{base}-{number}"
    taken.add(name)
    return name


class Guide:
    """One file. Its headings have ids when it is read."""

    def __init__(self, path, text):
        self.path = path
        self.tokens = PARSER.parse(text)
        self.headings = []  # (level, id, text)
        taken = set()
        for opening, inline in zip(self.tokens, self.tokens[1:]):
            if opening.type == "heading_open":
                name = slug(plain(inline), taken)
                opening.attrSet("id", name)
                self.headings.append((int(opening.tag[1]), name, plain(inline)))

    def title(self):
        return next((t for level, _, t in self.headings if level == 1), self.path)

    def links(self):
        """(line, token, attribute) of each link and image."""
        for token in self.tokens:
            for child in token.children or []:
                line = token.map[0] + 1 if token.map else 0
                if child.type == "link_open":
                    yield line, child, "href"
                elif child.type == "image":
                    yield line, child, "src"

    def html(self):
        return PARSER.renderer.render(self.tokens, PARSER.options, {})


def read(root, path):
    with open(os.path.join(root, path), encoding="utf-8") as f:
        return Guide(path, f.read())


def target_of(path, link):
    """(file, fragment) that a link of a file names, or None for what lies
    outside of the tree."""
    parts = urlsplit(link)
    if parts.scheme or parts.netloc:
        return None
    file = unquote(parts.path)
    file = os.path.normpath(os.path.join(os.path.dirname(path), file)) if (
        file) else path
    return file, unquote(parts.fragment)


def broken_links(root, guides):
    """(where, link, why) of links to files and headings that are not there."""
    ids = {guide.path: {name for _, name, _ in guide.headings}
           for guide in guides}
    for guide in guides:
        for line, token, attribute in guide.links():
            link = token.attrGet(attribute)
            target = target_of(guide.path, link)
            if target is None:
                continue
            file, fragment = target
            where = f"{guide.path}:{line}"
            if not os.path.exists(os.path.join(root, file)):
                yield where, link, "there is no such file"
            elif fragment and file in ids and fragment not in ids[file]:
                yield where, link, "there is no such heading"
