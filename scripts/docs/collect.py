# SPDX-License-Identifier: MIT
"""collect.py - everything that is public, as pages of the reference."""

import glob
import json
import os
import re
import subprocess

import c_header
import guides
import program
import schema
from model import Item, Page, Prose

HEADERS = ["proto/include/godwit", "client/include/godwit",
           "server/include/godwit"]
SCHEMAS = [("godwit.proto", "Wire protocol"), ("api.proto", "Server API"),
           ("hooks.proto", "Hooks")]
# Of the files that people read from the top of the tree.
GUIDES = ["README.md", "docs/*.md", "CONTRIBUTING.md", "CHANGELOG.md",
          "SECURITY.md", "wasm/README.md", "examples/*/README.md"]


class Tree:
    """Where sources and what was built of them are; paths from the root."""

    def __init__(self, gen="build/gen", types="wasm/dist/types",
                 godwit="build/godwit", node="node", root="."):
        self.gen, self.types, self.godwit = gen, types, godwit
        self.node, self.root = node, root


# ---- C ----------------------------------------------------------------------

def c_pages(tree, messages):
    paths = [p for folder in HEADERS for p in sorted(glob.glob(f"{folder}/*.h"))]
    pages = []
    for path in paths + [f"{tree.gen}/include/godwit/codes.h"]:
        with open(path, encoding="utf-8") as f:
            header = c_header.read(path, f.read())
        name = os.path.basename(path)
        for part in header.parts:
            if isinstance(part, Item) and part.kind == "struct":
                take_words(part, messages)
        pages.append(Page(f"c-{name[:-2]}", f"<godwit/{name}>", "C",
                          header.purpose, header.parts))
    return pages


def snake(camel):
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", camel).lower()


def take_words(struct, messages):
    """The struct of a message, without words of its own, has the schema's."""
    message = messages.get(struct.name)
    if struct.doc or message is None:
        return
    struct.doc = message.doc
    words = {field.name: field.doc for field in message.members}
    for field in struct.members:
        field.doc = field.doc or words.get(field.name, "")
        # Others are missing in the schema, and told there.
        field.needs_doc = field.name not in words


# ---- the rest ---------------------------------------------------------------

def schema_pages(tree):
    pages = []
    for name, title in SCHEMAS:
        file = schema.read(f"{tree.gen}/{name[:-6]}.desc", name)
        pages.append(Page(f"proto-{name[:-6]}", f"{title}: {name}", "Protocol",
                          file.purpose(), file.items()))
    return pages


def js_modules(package):
    """(module, declarations) of each entry of the package that has types."""
    with open(package, encoding="utf-8") as f:
        manifest = json.load(f)
    for entry, target in manifest["exports"].items():
        if isinstance(target, dict) and "types" in target:
            module = manifest["name"] + entry[1:]
            yield module, os.path.basename(target["types"])


def item_of(found):
    members = [item_of(member) for member in found.pop("members")]
    return Item(**found, members=members)


def js_pages(tree):
    return modules_pages(tree, list(js_modules("wasm/package.json")))


def modules_pages(tree, modules):
    files = [f"{tree.types}/{file}" for _, file in modules]
    out = subprocess.run(
        [tree.node, f"{tree.root}/scripts/docs/typescript.mjs",
         f"{tree.root}/wasm/node_modules/typescript", *files],
        check=True, text=True, capture_output=True, timeout=60).stdout
    found = json.loads(out)
    pages, first = [], None
    for (module, _), file in zip(modules, files):
        parts = [item_of(item) for item in found[file]]
        page = Page("js-" + module.replace("/", "-"), module, "JavaScript",
                    f"import ... from '{module}';", parts)
        names = {(item.name, item.code) for item in parts}
        if first and names <= {(item.name, item.code) for item in first.items()}:
            page.parts = [Prose(text=f"Exports the same names as "
                                     f"`{first.title}`, with the same types.")]
        first = first or page
        pages.append(page)
    return pages


def program_pages(tree):
    keys = program.keys(program.ask(tree.godwit, "config", "default"))
    commands = program.subcommands(tree.godwit)
    return [
        Page("configuration", "Configuration", "Program",
             "Keys of `godwit.yaml`, with their defaults, as "
             "`godwit config default` prints them. Each is also a flag "
             "(`--listen.public`) and an environment variable "
             "(`GODWIT_LISTEN_PUBLIC`).", keys),
        Page("command-line", "Command line", "Program",
             "Subcommands of `godwit`, as `godwit SUBCOMMAND --help` tells them.",
             commands)]


def reference(tree):
    schemas = schema_pages(tree)
    messages = {"gw_" + snake(item.name): item for item in schemas[0].items()
                if item.kind == "message"}
    return (c_pages(tree, messages) + schemas + js_pages(tree) +
            program_pages(tree))


def all_guides(root):
    paths = [os.path.relpath(p, root) for pattern in GUIDES
             for p in sorted(glob.glob(os.path.join(root, pattern)))]
    return [guides.read(root, path) for path in paths]
