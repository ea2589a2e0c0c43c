# SPDX-License-Identifier: MIT
"""render.py - pages of the reference as HTML."""

from html import escape
from urllib.parse import quote

import words
from model import Item, Prose

# Kinds whose members are names of their own, also without the item's.
GLOBAL_MEMBERS = {"enum"}


def anchor(*names):
    return quote(".".join(names), safe=".,")


def names_of(page):
    """The names of a page and their URLs; of members only those that are names of
    their own."""
    urls = {}
    for item in page.items():
        urls[item.name] = f"{page.slug}.html#{anchor(item.name)}"
        for member in item.members:
            if item.kind in GLOBAL_MEMBERS and page.group != "JavaScript":
                urls[member.name] = (
                    f"{page.slug}.html#{anchor(item.name, member.name)}")
    return urls


def links_of(pages):
    """The links of each page by its slug, and those of guides. On its own page
    and among its kind a name means what is there; elsewhere only one does that
    can be no common word, as it has an underscore or a dot in it."""
    names = {page.slug: names_of(page) for page in pages}
    everywhere = {}
    for urls in names.values():
        for name, url in urls.items():
            if "_" in name or "." in name:
                everywhere.setdefault(name, url)
    found = {}
    for page in pages:
        kin = {}
        for other in pages:
            if other.group == page.group and page.group != "Program":
                kin = {**names[other.slug], **kin}
        own = {} if page.group == "Program" else names[page.slug]
        found[page.slug] = words.Links(own, kin, everywhere)
    return found, words.Links(everywhere)


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
        return f"<h2>{escape(sentence(prose.heading))}</h2>\n"
    return f'<div class="prose">{words.html(prose.text, links)}</div>\n'


def sentence(text):
    return text[:1].upper() + text[1:]


def contents(page):
    names = "".join(f'<li><a href="#{anchor(item.name)}">{escape(item.name)}'
                    "</a></li>\n" for item in page.items())
    return (f'<details class="contents"><summary>{len(page.items())} names'
            f"</summary>\n<ul>\n{names}</ul></details>\n") if names else ""


def page_html(page, links):
    parts = [f"<h1>{escape(page.title)}</h1>\n",
             words.html(sentence(page.intro), links), contents(page)]
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
        f'<dt id="{anchor(name)}"><code>{number} {escape(name)}</code> '
        f"<small>{class_of(number)}</small></dt>\n"
        f"<dd>{words.html(value.doc, links)}</dd>\n"
        for value in enum.members
        for name, number in [split_value(value)])
    return (f"<h1>Codes</h1>\n{words.html(enum.doc, links)}"
            f'<dl class="members">\n{rows}</dl>\n')


def split_value(value: Item):
    name, _, number = value.code.partition(" = ")
    return name.removeprefix("CODE_"), int(number)
