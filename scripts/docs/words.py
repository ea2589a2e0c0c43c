# SPDX-License-Identifier: MIT
"""words.py - comments as HTML: paragraphs, lists, drawings, and the columns in
which headers tell units, owners and results.
"""

import re
from html import escape

# `  returns  0, GW_ERR_FULL`, with lines that go on below the second column.
ROW = re.compile(r" {2}(\w+) {2,}(\S.*)$")
BULLET = re.compile(r" ?[-*] (.*)$")
NAME = re.compile(r"\b\w[\w.]*\w\b(?:\(\))?")


class Links:
    """Where names are explained: name to URL, the nearest first."""

    def __init__(self, *near_to_far):
        self.urls = {}
        for urls in reversed(near_to_far):
            self.urls.update(urls)

    def code(self, text, but=()):
        """Source with links at the names that are known, but for some."""
        def link(match):
            name = match.group()
            url = self.urls.get(name.removesuffix("()"))
            if url is None or name in but:
                return escape(name, quote=False)
            return f'<a href="{url}">{escape(name)}</a>'

        found, at = [], 0
        for match in NAME.finditer(text):
            found += [escape(text[at:match.start()], quote=False), link(match)]
            at = match.end()
        return "".join(found) + escape(text[at:], quote=False)

    def inline(self, text):
        """Words, with `code` and with links at names that can be nothing else."""
        parts = re.split(r"`([^`]+)`", text)
        found = []
        for n, part in enumerate(parts):
            if n % 2:
                found.append(f"<code>{self.code(part)}</code>")
            else:
                found.append(re.sub(
                    r"\b(?:gw|GW|CODE|FEATURE|OVERFLOW)_\w+",
                    lambda m: self.code(m.group()),
                    escape(part, quote=False)))
        return "".join(found)


class Blocks:
    """Reads lines one after the other into blocks."""

    def __init__(self, links):
        self.links = links
        self.kind = None
        self.lines = []
        self.done = []

    def begin(self, kind):
        if kind == self.kind:
            return
        self.end()
        self.kind = kind

    def end(self):
        if self.lines:
            self.done.append(getattr(self, self.kind)())
        self.kind, self.lines = None, []

    def feed(self, line):
        row, bullet = ROW.match(line), BULLET.match(line)
        indent = len(line) - len(line.lstrip())
        if not line.strip():
            self.blank()
        elif row and self.kind != "drawing":
            self.begin("rows")
            self.lines.append([row.group(1), row.group(2)])
        elif self.kind == "rows" and indent >= 6:
            self.lines[-1][1] += " " + line.strip()
        elif bullet and self.kind != "drawing":
            self.begin("bullets")
            self.lines.append(bullet.group(1))
        elif self.kind == "bullets" and indent >= 2:
            self.lines[-1] += " " + line.strip()
        elif indent >= 2:
            self.begin("drawing")
            self.lines.append(line)
        else:
            self.begin("paragraph")
            self.lines.append(line)

    def blank(self):
        """Drawings go on behind an empty line, if what follows is indented."""
        if self.kind == "drawing":
            self.lines.append("")
        else:
            self.end()

    def paragraph(self):
        return f"<p>{self.links.inline(' '.join(self.lines))}</p>\n"

    def drawing(self):
        text = "\n".join(self.lines).strip("\n")
        return f"<pre>{self.links.code(text)}</pre>\n"

    def bullets(self):
        rows = "".join(f"<li>{self.links.inline(line)}</li>\n"
                       for line in self.lines)
        return f"<ul>\n{rows}</ul>\n"

    def rows(self):
        rows = "".join(f"<dt>{escape(name)}</dt><dd>{self.links.inline(text)}"
                       "</dd>\n" for name, text in self.lines)
        return f'<dl class="rows">\n{rows}</dl>\n'


def html(text, links):
    blocks = Blocks(links)
    for line in text.split("\n"):
        blocks.feed(line)
    blocks.end()
    return "".join(blocks.done)
