# SPDX-License-Identifier: MIT
"""render.py - pages of the reference as HTML."""

from html import escape
from urllib.parse import quote

import words
from model import Item, Prose

# Kinds whose members are names of their own, also without the item's.
GLOBAL_MEMBERS = {"enum"}
WEBSOCKET_CLOSE = 4000


def anchor(*names):
    return quote(".".join(names), safe=".,")


def register(page, links):
    """Makes the names of a page known; of a name that is there twice the first
    counts, and members only where they are names of their own."""
    for item in page.items():
        url = f"{page.slug}.html#{anchor(item.name)}"
        links.add(item.name, url)
        for member in item.members:
            if item.kind in GLOBAL_MEMBERS and page.group != "JavaScript":
                links.add(member.name,
                          f"{page.slug}.html#{anchor(item.name, member.name)}")


def entries(page):
    """(name, kind, url) of all that may be looked for."""
    def below(item, names):
        path = names + (item.name,)
        yield (".".join(path), item.kind, f"{page.slug}.html#{anchor(*path)}")
        for member in item.members:
            yield from below(member, path)

    for item in page.items():
        yield from below(item, ())


def members(item, links, path):
    rows = []
    for member in item.members:
        names = path + (member.name,)
        rows.append(
            f'<dt id="{anchor(*names)}"><code>'
            f"{links.code(member.code, but=(member.name,))}</code></dt>\n<dd>"
            f"{words.html(member.doc, links)}"
            f"{members(member, links, names) if member.members else ''}</dd>\n")
    return f'<dl class="members">\n{"".join(rows)}</dl>\n'


def item_html(item, links):
    name = escape(item.name)
    parts = [f'<section class="item" id="{anchor(item.name)}">\n'
             f'<h3><a href="#{anchor(item.name)}"><code>{name}</code></a> '
             f"<small>{escape(item.kind)}</small></h3>\n"]
    if item.code:
        parts.append("<pre><code>"
                     f"{links.code(item.code, but=(item.name,))}</code></pre>\n")
    parts.append(words.html(item.doc, links))
    if item.members:
        parts.append(members(item, links, (item.name,)))
    return "".join(parts) + "</section>\n"


def prose_html(prose, links):
    if prose.heading:
        return f"<h2>{escape(prose.heading)}</h2>\n"
    return f'<div class="prose">{words.html(prose.text, links)}</div>\n'


def contents(page):
    names = "".join(f'<li><a href="#{anchor(item.name)}">{escape(item.name)}'
                    "</a></li>\n" for item in page.items())
    return (f'<details class="contents"><summary>{len(page.items())} names'
            f"</summary>\n<ul>\n{names}</ul></details>\n") if names else ""


def page_html(page, links):
    parts = [f"<h1>{escape(page.title)}</h1>\n",
             words.html(page.intro, links), contents(page)]
    for part in page.parts:
        if isinstance(part, Prose):
            parts.append(prose_html(part, links))
        else:
            parts.append(item_html(part, links))
    return "".join(parts)


# ---- pages with a form of their own -------------------------------------------

def keys_html(page, links):
    """A key is short: its default, and its other names."""
    def rows(items, prefix=""):
        found = []
        for key in items:
            name = prefix + key.name
            variable = "GODWIT_" + name.upper().replace(".", "_")
            value = escape(key.code.partition(": ")[2])
            more = f' <small>{value}</small>' if value else ""
            found.append(
                f'<dt id="{anchor(name)}"><code>{escape(name)}</code>{more}</dt>\n'
                f"<dd>{words.html(key.doc, links)}")
            if key.members:
                found.append('<dl class="members">'
                             f'{rows(key.members, name + ".")}</dl>')
            elif not prefix:
                found.append(f"<p><small><code>{variable}</code></small></p>")
            found.append("</dd>\n")
        return "".join(found)

    return (f"<h1>{escape(page.title)}</h1>\n{words.html(page.intro, links)}"
            f'<dl class="members">\n{rows(page.items())}</dl>\n')


def commands_html(page, links):
    """What the program prints; `serve` has a flag for each key as well."""
    parts = [f"<h1>{escape(page.title)}</h1>\n", words.html(page.intro, links)]
    for item in page.items():
        text, cut, _ = item.code.partition("\n  --config FILE  ")
        more = ('<p>Besides, <code>--config FILE</code> and a flag for each key of '
                'the <a href="configuration.html">configuration</a>.</p>\n'
                if cut and item.name == "serve" else "")
        if not more:
            text = item.code
        parts.append(f'<section class="item" id="{anchor(item.name)}">\n'
                     f"<h3><code>godwit {escape(item.name)}</code> "
                     f"<small>{escape(item.doc)}</small></h3>\n"
                     f"<pre>{escape(text.strip())}</pre>\n{more}</section>\n")
    return "".join(parts)


def codes_html(enum, class_of, links):
    """The table of codes, with what a client does about each."""
    rows = "".join(
        f'<tr id="{anchor(name)}"><td>{number}</td>'
        f"<td><code>{escape(name)}</code></td><td>{class_of(number)}</td>"
        f"<td>{links.inline(' '.join(value.doc.split()))}</td></tr>\n"
        for value in enum.members
        for name, number in [split_value(value)])
    return (f"<h1>Codes</h1>\n{words.html(enum.doc, links)}"
            f'<p>The close code of a WebSocket is {WEBSOCKET_CLOSE} plus the '
            'code.</p>\n<div class="wide"><table>\n<thead><tr><th>code</th>'
            "<th>name</th><th>class</th><th>what it says</th></tr></thead>\n"
            f"<tbody>\n{rows}</tbody></table></div>\n")


def split_value(value: Item):
    name, _, number = value.code.partition(" = ")
    return name.removeprefix("CODE_"), int(number)
