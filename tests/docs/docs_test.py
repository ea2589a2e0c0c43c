#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""docs_test.py - the check of the documentation finds what it is there to find.

Sources in which exactly one thing has no words go through the readers; what the
check then names is compared. Ends with `N passed, N failed`.
"""

import os
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "scripts/docs"))

import c_header  # noqa: E402
import check  # noqa: E402
import collect  # noqa: E402
import guides  # noqa: E402
import model  # noqa: E402
import program  # noqa: E402
import render  # noqa: E402
import schema  # noqa: E402
import words  # noqa: E402

NODE = os.environ.get("NODE", "node")

HEADER = """/* SPDX-License-Identifier: MIT */
/* duck.h - ducks. */
#ifndef GODWIT_DUCK_H
#define GODWIT_DUCK_H

/** Ponds and their depth. */
#define GW_POND 1u
#define GW_DEPTH 2u

#define GW_BARE 3u
/** Sounds. */
#define GW_SOUNDS(X)        \\
  X(GW_QUACK, 1, "a quack") \\
  X(GW_HISS, 2, "a hiss")

/** What is heard. */
enum gw_sound {
  GW_SILENCE = 0, /**< nothing */
#define GW__SOUND(name, number, sentence) name = (number),
  GW_SOUNDS(GW__SOUND)
#undef GW__SOUND
  GW_NUM_SOUNDS
};

/* Not a comment for what follows. */
typedef struct gw_flock gw_flock;

/** A duck. */
typedef struct gw_duck {
  int weight_g; /**< in grams; without its ring */
  int age, ring;
  void (*swim)(void *user);
  /** Flies (see gw_pond). */
  void (*fly)(void *user, int to);
  union {
    struct {
      int x;
    } egg; /**< before */
  } u;
  /* private */
  void (*hidden)(void);
} gw_duck;

/** Counts. */
static inline int gw_count(const gw_duck *d) { return d->age; }
GW_SOUNDS(GW__SOUND)
int gw_feed(gw_duck *d, const char *text);
/** Told of a duck. */
typedef void (*gw_on_duck)(void *user, const gw_duck *d);
#endif
"""

PROTO = """// SPDX-License-Identifier: MIT
// duck.proto - ducks, of
// any kind.

syntax = "proto3";

// Asks.
service Pond {
  // Feeds.
  rpc Feed(FeedRequest) returns (FeedReply);
  rpc Empty(Duck) returns (Duck);
}

message FeedRequest {
  // How much.
  uint32 grams = 1;
}

message FeedReply {
  uint32 left = 1;
}

message Duck {
  string name = 1; // Its name.
  // Its friends.
  repeated Duck friends = 2;
}

// Kinds.
enum Kind {
  // Any.
  KIND_ANY = 0;
  KIND_WILD = 1;
}
"""

TYPES = """
/** A duck. */
export declare class Duck {
  #private;
  /** name: its name. */
  constructor(name: string);
  /** Its weight in grams. */
  readonly weight: number;
  swim(): void;
  _inner(): void;
}
export type Kind = 'wild' | 'tame';
/** What a duck needs. */
export interface Needs {
  water: boolean;
}
declare class Hidden {}
export {};
"""

SETTINGS = """# A pond.

pond:
  # How deep it is.
  # From 1 to 9.
  depth: 3
  width: 4
  edge:
    # Of what.
    stone: ""

# Ducks.
#   name
#     # What it is called.
#   kind
#
# ducks:
#   - name: Ada
ducks: []
"""

HELP = """usage: godwit duck [options]

  --name TEXT       what it is called
  --kind KIND      [wild]
  --pond.depth N   [3]
      How deep the pond is.
  -q, --quiet
"""


def missing(items):
    return [name for _, _, name in model.undocumented(items)]


def items_of(parts):
    return [part for part in parts if isinstance(part, model.Item)]


class CHeader(unittest.TestCase):
    def setUp(self):
        self.header = c_header.read("duck.h", HEADER)
        self.items = {i.name: i for i in items_of(self.header.parts)}

    def test_names_what_has_no_words(self):
        self.assertEqual(missing(self.items.values()), [
            "GW_BARE", "gw_sound.GW_NUM_SOUNDS", "gw_flock", "gw_duck.swim",
            "gw_feed"])

    def test_says_where(self):
        line = HEADER.split("\n").index(
            "int gw_feed(gw_duck *d, const char *text);") + 1
        self.assertEqual(self.items["gw_feed"].where, f"duck.h:{line}")

    def test_reads_words_and_code(self):
        self.assertEqual(self.header.purpose, "ducks.")
        self.assertEqual(self.items["GW_DEPTH"].doc, "Ponds and their depth.")
        self.assertEqual(self.items["gw_count"].code,
                         "static inline int gw_count(const gw_duck *d);")
        fields = {m.name: m for m in self.items["gw_duck"].members}
        self.assertEqual(list(fields), ["weight_g", "age, ring", "swim", "fly", "u"])
        self.assertEqual(fields["weight_g"].doc, "in grams; without its ring")
        self.assertEqual(fields["fly"].doc, "Flies (see gw_pond).")
        self.assertEqual(fields["u"].members[0].doc, "before")

    def test_takes_sentences_of_lists(self):
        constants = {m.name: m.doc for m in self.items["gw_sound"].members}
        self.assertEqual(constants["GW_HISS"], "a hiss")

    def test_structs_take_the_words_of_their_messages(self):
        struct = self.items["gw_duck"]
        struct.doc = ""
        field = model.Item("field", "age, ring", "duck.proto:1", "Of both.")
        message = model.Item("message", "Duck", "duck.proto:1", "Words.",
                             members=[field])
        collect.take_words(struct, {"gw_duck": message})
        self.assertEqual(struct.doc, "Words.")
        self.assertEqual(struct.members[1].doc, "Of both.")
        self.assertIn("gw_duck.swim", missing([struct]))


class Schema(unittest.TestCase):
    def test_names_what_has_no_words(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "duck.proto")
            with open(path, "w", encoding="utf-8") as f:
                f.write(PROTO)
            out = os.path.join(folder, "duck.desc")
            subprocess.run(["protoc", f"-I{folder}", "--include_source_info",
                            f"--descriptor_set_out={out}", path], check=True)
            file = schema.read(out, "duck.proto")
        self.assertEqual(file.purpose(), "ducks, of\nany kind.")
        items = file.items()
        self.assertEqual(missing(items), [
            "Pond.Empty", "FeedReply.left", "Duck", "Kind.KIND_WILD"])
        by_name = {i.name: i for i in items}
        self.assertEqual(by_name["FeedReply"].doc, "Reply of `Feed`.")
        self.assertEqual(by_name["Duck"].members[1].code,
                         "repeated Duck friends = 2")


class TypeScript(unittest.TestCase):
    def test_names_what_has_no_words(self):
        with tempfile.TemporaryDirectory(dir=ROOT) as folder:
            path = os.path.join(folder, "duck.d.ts")
            with open(path, "w", encoding="utf-8") as f:
                f.write(TYPES)
            pages = collect.modules_pages(
                collect.Tree(types=folder, node=NODE, root=ROOT),
                [("ducks", "duck.d.ts")])
        items = pages[0].items()
        self.assertEqual(missing(items), ["Duck.swim", "Kind", "Needs.water"])
        self.assertEqual([m.name for m in items[0].members],
                         ["constructor", "weight", "swim"])


class Program(unittest.TestCase):
    def test_names_keys_without_words(self):
        keys = program.keys(SETTINGS)
        self.assertEqual([k.name for k in keys],
                         ["pond.depth", "pond.width", "pond.edge.stone", "ducks"])
        self.assertEqual(missing(keys), ["pond.width", "ducks.kind"])
        self.assertEqual(keys[0].doc, "How deep it is.\nFrom 1 to 9.")

    def test_names_options_without_words(self):
        options = program.options(HELP, "godwit duck --help")
        self.assertEqual(len(options), 4)
        self.assertEqual(missing(options), ["--kind KIND", "--quiet"])


class Guides(unittest.TestCase):
    def complaints(self, text):
        with tempfile.TemporaryDirectory() as folder:
            for name, content in (("a.md", text), ("b.md", "# B c\n## B c\n")):
                with open(os.path.join(folder, name), "w",
                          encoding="utf-8") as f:
                    f.write(content)
            every = [guides.read(folder, name) for name in ("a.md", "b.md")]
            return check.check([], every, folder)[1]

    def test_good_links(self):
        self.assertEqual(self.complaints(
            "# A\n[b](b.md) [c](b.md#b-c-1) [a](#a) [x](https://a.example/)"), [])

    def test_broken_links(self):
        self.assertEqual(self.complaints("text\n\n[b](no.md) and [c](b.md#no)"), [
            "a.md:3: link to no.md: there is no such file",
            "a.md:3: link to b.md#no: there is no such heading"])

    def test_links_in_tables_and_images(self):
        found = self.complaints("| a |\n|---|\n| ![i](no.svg) |\n")
        self.assertEqual(len(found), 1, found)


class Complaints(unittest.TestCase):
    def test_say_where_and_what(self):
        struct = model.Item("struct", "gw_duck", "duck.h:1", "A duck.", members=[
            model.Item("field", "age", "duck.h:2", needs_doc=False),
            model.Item("function", "swim", "duck.h:3", " ")])
        total, complaints = check.check(
            [model.Page("c", "c", "C", parts=[model.Prose("Ducks"), struct])],
            [], ROOT)
        self.assertEqual(total, 3)
        self.assertEqual(complaints,
                         ["duck.h:3: function gw_duck.swim has no words"])


class Words(unittest.TestCase):
    def test_columns_of_headers(self):
        text = "Feed.\n  units    len in bytes,\n           not bits\n  returns  0"
        self.assertEqual(words.html(text, words.Links()), (
            '<p>Feed.</p>\n<dl class="rows">\n'
            "<dt>units</dt><dd>len in bytes, not bits</dd>\n"
            "<dt>returns</dt><dd>0</dd>\n</dl>\n"))

    def test_names_lead_to_what_is_nearest(self):
        def page(slug, group, *names):
            items = [model.Item("type", n, "x") for n in names]
            return model.Page(slug, slug, group, parts=items)

        links, everywhere = render.links_of([
            page("p", "Protocol", "Duck"), page("j", "JavaScript", "Duck"),
            page("c", "C", "gw_duck")])
        self.assertEqual(links["j"].code("Duck<gw_duck>"), (
            '<a href="j.html#Duck">Duck</a>&lt;'
            '<a href="c.html#gw_duck">gw_duck</a>&gt;'))
        self.assertEqual(everywhere.code("Duck"), "Duck")


def main():
    result = unittest.TextTestRunner(verbosity=1).run(
        unittest.defaultTestLoader.loadTestsFromModule(sys.modules[__name__]))
    failed = len(result.failures) + len(result.errors)
    print(f"{result.testsRun - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
