#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""site.py - writes the guides and the reference as a static site.

One folder of pages that need no server: they load the two files beside this one,
and the list of names when somebody looks for one.
"""

import json
import os
import shutil
import sys
from html import escape

import check
import collect
import guides
import render

HERE = os.path.dirname(os.path.abspath(__file__))
ASSETS = ["site.css", "site.js"]
# Guides in the order of a reader; what is not named here follows.
ORDER = ["javascript", "channels", "presence", "groups", "messages", "api", "hooks",
         "routes", "middleware", "deployment", "protocol", "architecture",
         "performance"]
PROJECT = {"CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md", "docs/plan.md"}
GROUPS = ["Guides", "C", "Protocol", "JavaScript", "Program", "Project"]

SHELL = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title} - Godwit</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="site.css">
<script src="site.js" defer></script>
</head>
<body>
<header>
<a class="home" href="index.html">Godwit <small>{version}</small></a>
<input id="filter" type="search" placeholder="Find a name"
 aria-label="Find a name or a heading" autocomplete="off" hidden>
<a class="to-menu" href="#menu">Menu</a>
<ol id="found" hidden></ol>
</header>
<main>
{body}</main>
<nav id="menu" aria-label="Pages">
{menu}</nav>
</body>
</html>
"""


class Shown:
    """A page of the site, whatever it was made of."""

    def __init__(self, slug, title, group, body, entries):
        self.slug, self.title, self.group = slug, title, group
        self.body, self.entries = body, entries


# ---- guides -------------------------------------------------------------------

def slug_of(path):
    if path == "README.md":
        return "index"
    name = path.removesuffix(".md").lower().removeprefix("docs/")
    return "guide-" + name.replace("/", "-")


def place_of(guide):
    name = os.path.basename(guide.path).removesuffix(".md")
    first = guide.path != "README.md"
    known = ORDER.index(name) if name in ORDER else len(ORDER)
    return first, known, guide.path


class Translator:
    """Turns links between files of the tree into links of the site."""

    def __init__(self, root, every_guide, out):
        self.root, self.out = root, out
        self.slugs = {guide.path: slug_of(guide.path) for guide in every_guide}

    def url(self, path, link):
        """None: what it leads to is not on the site."""
        target = guides.target_of(path, link)
        if target is None:
            return link
        file, fragment = target
        behind = f"#{fragment}" if fragment else ""
        if file in self.slugs:
            return f"{self.slugs[file]}.html{behind}"
        name = os.path.basename(file)
        if file.startswith("proto/") and name.endswith(".proto"):
            return f"proto-{name[:-6]}.html"
        if "/include/godwit/" in file:
            return f"c-{name[:-2]}.html"
        return None

    def translate(self, guide):
        for _, token, attribute in guide.links():
            link = token.attrGet(attribute)
            if token.type == "image" and guides.target_of(guide.path, link):
                token.attrSet("src", self.image(guide.path, link))
                continue
            url = self.url(guide.path, link)
            if url is None:
                del token.attrs[attribute]
            else:
                token.attrSet(attribute, url)

    def image(self, path, link):
        file, _ = guides.target_of(path, link)
        name = file.replace("/", "-")
        shutil.copyfile(os.path.join(self.root, file),
                        os.path.join(self.out, name))
        return name


def mark_up(guide, links):
    """Tables can be moved on their own on a narrow screen, and names that the
    reference has lead there."""
    for token in guide.tokens:
        for child in token.children or []:
            url = links.urls.get(child.content.removesuffix("()"))
            if child.type == "code_inline" and url:
                child.type, child.content = "html_inline", (
                    f'<a href="{url}"><code>{escape(child.content)}</code></a>')
    return guide.html().replace("<table>", '<div class="wide"><table>').replace(
        "</table>", "</table></div>")


def guide_page(guide, links):
    slug = slug_of(guide.path)
    entries = [(text, "heading" if level > 1 else "guide",
                f"{slug}.html#{name}") for level, name, text in guide.headings]
    group = "Project" if guide.path in PROJECT else "Guides"
    title = "Overview" if slug == "index" else guide.title()
    folder = os.path.dirname(guide.path)
    if folder not in ("", "docs"):
        title += f" ({folder})"
    rows = "".join(f'<li><a href="#{name}">{escape(text)}</a></li>\n'
                   for level, name, text in guide.headings if level == 2)
    body = mark_up(guide, links)
    if rows and slug != "index":
        contents = ('<details class="contents"><summary>On this page</summary>\n'
                    f"<ul>\n{rows}</ul></details>\n")
        body = body.replace("</h1>\n", "</h1>\n" + contents, 1)
    return Shown(slug, title, group, body, entries)


# ---- the reference --------------------------------------------------------------

def reference_page(page, links):
    forms = {"configuration": render.keys_html,
             "command-line": render.commands_html}
    body = forms.get(page.slug, render.page_html)(page, links)
    return Shown(page.slug, page.title, page.group, body,
                 list(render.entries(page)))


def codes_page(pages, links):
    sys.path.insert(0, os.path.join(HERE, "../../proto"))
    import gen_codes
    enum = next(item for page in pages if page.slug == "proto-godwit"
                for item in page.items() if item.name == "Code")
    names = [name for name, _ in gen_codes.CLASSES]

    def class_of(code):
        return "OK" if code == 0 else names[min(code // 100, len(names) - 1)]

    body = render.codes_html(enum, class_of, links)
    entries = [(name, f"code {number}", f"codes.html#{name}")
               for name, number in map(render.split_value, enum.members)]
    return Shown("codes", "Codes", "Protocol", body, entries)


# ---- the whole ------------------------------------------------------------------

def menu_of(shown, current):
    parts = []
    for group in GROUPS:
        rows = "".join(
            f'<li><a href="{page.slug}.html"'
            f'{" aria-current=page" if page is current else ""}>'
            f"{escape(page.title)}</a></li>\n"
            for page in shown if page.group == group)
        parts.append(f"<h2>{group}</h2>\n<ul>\n{rows}</ul>\n")
    return "".join(parts)


def write(out, name, text):
    with open(os.path.join(out, name), "w", encoding="utf-8") as f:
        f.write(text)


def build(tree, out, version):
    shutil.rmtree(out, ignore_errors=True)
    os.makedirs(out)
    pages = collect.reference(tree)
    links, guide_links = render.links_of(pages)
    every_guide = sorted(collect.all_guides(tree.root), key=place_of)
    translator = Translator(tree.root, every_guide, out)
    for guide in every_guide:
        translator.translate(guide)
    shown = [guide_page(guide, guide_links) for guide in every_guide]
    shown += [reference_page(page, links[page.slug]) for page in pages]
    shown.append(codes_page(pages, guide_links))
    for page in shown:
        write(out, f"{page.slug}.html", SHELL.format(
            title=escape(page.title), version=escape(version), body=page.body,
            menu=menu_of(shown, page)))
    entries = [entry for page in shown for entry in page.entries]
    names = json.dumps(entries, ensure_ascii=False, separators=(",", ":"))
    write(out, "names.js", f"godwitNames({names});\n")
    for asset in ASSETS:
        shutil.copyfile(os.path.join(HERE, asset), os.path.join(out, asset))
    return len(shown), len(entries)


def main():
    parser = check.arguments("write the guides and the reference as a site")
    parser.add_argument("--out", default="build/docs")
    parser.add_argument("--version", default="")
    args = parser.parse_args()
    pages, names = build(check.tree_of(args), args.out, args.version)
    print(f"{args.out}/index.html: {pages} pages, {names} names and headings")
    return 0


if __name__ == "__main__":
    sys.exit(main())
