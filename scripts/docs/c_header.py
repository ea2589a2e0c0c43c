# SPDX-License-Identifier: MIT
"""c_header.py - reads the declarations of a public C header and their comments.

It knows the C that these headers are written in, and no more: prototypes, enums,
structs and unions that are typedefs, function types, macros, and lists of the
form `#define LIST(X) X(a, ...) X(b, ...)` that an enum is made of.

A comment that begins with two asterisks belongs to what follows it or, as
`/**< ... */`, to what it stands behind; one above several macros without a blank
line between them, to each of these. Fields behind `private` are left out, and
names that begin with GW__. Of fields only functions have to have words: the
name of the others often says enough.
"""

import re

from model import Item, Prose

TOKEN = re.compile(
    r"(?P<comment>/\*.*?\*/)"
    r"|(?P<macro>^[ \t]*\#(?:\\\n|[^\n])*)"
    r"|(?P<string>\"(?:\\.|[^\"\\\n])*\")"
    r"|(?P<space>\s+)|(?P<word>\w+)|(?P<other>.)", re.S | re.M)
DEFINE = re.compile(r"\s*#\s*define\s+(\w+)(\(([^)]*)\))?(.*)", re.S)
SECTION = re.compile(r"-{2,} (.*?) -{2,}")
ROW = re.compile(r"\bX\(((?:\"(?:\\.|[^\"\\])*\"|[^()\"])*)\)")
OPENS, CLOSES = "({[", ")}]"


def clean(comment):
    """The words of a comment; lines keep what they are indented by."""
    body = re.sub(r"^/\*+<?|\**/$", "", comment)
    lines = [re.sub(r"^\s*\*? ?", "", line) if n else line.strip()
             for n, line in enumerate(body.split("\n"))]
    return "\n".join(line.rstrip() for line in lines).strip("\n ")


def compact(tokens):
    """Source without comments, on one line."""
    text = "".join(t.text if t.kind != "comment" else " " for t in tokens
                   if t.kind != "macro")
    return re.sub(r"\s+", " ", text).strip()


class Token:
    def __init__(self, kind, text, line):
        self.kind, self.text, self.line = kind, text, line

    def is_doc(self):
        return (self.kind == "comment" and self.text.startswith("/**")
                and not self.is_trailing())

    def is_trailing(self):
        return self.kind == "comment" and self.text.startswith("/**<")


def tokens_of(text):
    found, line = [], 1
    for match in TOKEN.finditer(text):
        found.append(Token(match.lastgroup, match.group(), line))
        line += match.group().count("\n")
    return found


def split_top(tokens, separator):
    """Runs of tokens between separators outside of brackets, without these. What
    stands behind a separator on its line, such as a trailing comment, belongs
    to the run before it."""
    runs, run, depth = [], [], 0
    for token in tokens:
        if token.kind == "other":
            depth += (token.text in OPENS) - (token.text in CLOSES)
        if token.kind == "other" and token.text == separator and depth == 0:
            runs.append(run)
            run = []
        elif token.is_trailing() and runs and not compact(run):
            runs[-1].append(token)
        else:
            run.append(token)
    return runs + [run] if compact(run) else runs


def doc_of(run):
    """The comment of a field or constant: behind it, or before it."""
    depth, before, behind = 0, "", ""
    for token in run:
        if token.kind == "other":
            depth += (token.text in OPENS) - (token.text in CLOSES)
        if depth == 0 and token.is_trailing():
            behind = clean(token.text)
        elif depth == 0 and token.is_doc():
            before = clean(token.text)
    return behind or before


def inside_braces(run):
    """The tokens between the first brace and its end."""
    depth, inside = 0, []
    for token in run:
        if token.kind == "other" and token.text == "}":
            depth -= 1
            if depth == 0:
                return inside
        if depth > 0:
            inside.append(token)
        if token.kind == "other" and token.text == "{":
            depth += 1
    return None


class Reader:
    """Reads one header. lists: macros that are known, for enums made of them."""

    def __init__(self, path, text):
        self.path = path
        self.tokens = tokens_of(text)
        self.at = 0
        self.doc = ""
        self.macro_doc = ""
        self.purpose = ""
        self.parts = []
        self.macros = {}

    def where(self, token):
        return f"{self.path}:{token.line}"

    def read(self):
        while self.at < len(self.tokens):
            token = self.tokens[self.at]
            if token.kind == "word":
                self.declaration()
                continue
            self.at += 1
            if token.kind == "comment":
                self.comment(token)
            elif token.kind == "macro":
                self.macro(token)
            elif token.kind == "space" and token.text.count("\n") > 1:
                self.macro_doc = ""
        return self

    def comment(self, token):
        text = clean(token.text)
        section = SECTION.fullmatch(text)
        if token.is_doc():
            self.doc = text
        elif section:
            self.parts.append(Prose(heading=section.group(1)))
        elif text.startswith("SPDX-"):
            pass
        elif not self.purpose:
            self.purpose = re.sub(r"^\S+ - ", "", text)
        else:
            self.parts.append(Prose(text=text))

    # ---- macros -------------------------------------------------------------

    def macro(self, token):
        text, _, behind = token.text.partition("/**<")
        match = DEFINE.match(text)
        if not match:
            return
        name, params, body = match.group(1), match.group(3), match.group(4)
        self.macros[name] = (params, body.replace("\\\n", " "))
        doc, self.doc = self.doc or self.macro_doc, ""
        if behind:
            doc = clean("/*" + behind)
        if name.startswith("GW__") or name.endswith("_H"):
            return
        if any(item.name == name for item in self.parts
               if isinstance(item, Item)):
            return
        self.macro_doc = doc
        self.parts.append(Item("macro", name, self.where(token), doc,
                               text.strip()))

    def rows_of(self, call):
        """The constants that `LIST(ONE)` makes in an enum, with the sentence in
        each row, if it has one."""
        match = re.fullmatch(r"(\w+)\((\w+)\)", call)
        if not match or not set(match.groups()) <= set(self.macros):
            return None
        rows = ROW.findall(self.macros[match.group(1)][1])
        params, body = self.macros[match.group(2)]
        params = [p.strip() for p in params.split(",")]
        made = []
        for row in rows:
            values = [v.strip() for v in row.split(",", len(params) - 1)]
            text = body
            for param, value in zip(params, values):
                text = re.sub(rf"(?:##)?\b{param}\b(?:##)?",
                              lambda _, v=value: v, text)
            text = text.replace("##", "").strip().rstrip(",")
            sentence = values[-1].strip('"') if values[-1][:1] == '"' else ""
            made.append((re.match(r"\w+", text).group(), text, sentence))
        return made

    # ---- declarations -------------------------------------------------------

    def declaration(self):
        """Reads to its end: a semicolon, the end of an inline function, or of a
        call of a macro."""
        start, depth, seen_call = self.at, 0, False
        while self.at < len(self.tokens):
            token = self.tokens[self.at]
            self.at += 1
            if token.kind != "other":
                continue
            depth += (token.text in OPENS) - (token.text in CLOSES)
            if depth == 0 and token.text == ";":
                break
            if depth == 0 and token.text == ")":
                seen_call = True
                if self.is_macro_call(start):
                    return
            if depth == 0 and token.text == "}" and seen_call:
                break
        run = self.tokens[start:self.at]
        doc, self.doc, self.macro_doc = self.doc, "", ""
        self.classify(run, compact(run), doc)

    def is_macro_call(self, start):
        text = compact(self.tokens[start:self.at])
        following = self.tokens[self.at:self.at + 1]
        return (re.fullmatch(r"[A-Z_]+\(\w+\)", text) is not None
                and bool(following) and "\n" in following[0].text)

    def classify(self, run, code, doc):
        where = self.where(run[0])
        add = self.parts.append
        if match := re.match(r"typedef (struct|union) (\w+) \{", code):
            fields = self.fields(inside_braces(run))
            add(Item(match.group(1), match.group(2), where, doc, "", fields))
        elif match := re.match(r"(?:typedef )?enum (\w+) \{", code):
            constants = self.constants(inside_braces(run), doc)
            add(Item("enum", match.group(1), where, doc, "", constants))
        elif match := re.match(r"typedef .*\(\*(\w+)\)\(", code):
            add(Item("function type", match.group(1), where, doc,
                     self.source(run)))
        elif match := re.match(r"typedef .*?(\w+);$", code):
            add(Item("type", match.group(1), where, doc, code))
        elif match := re.match(r"extern [^(]*?(\w+);$", code):
            add(Item("variable", match.group(1), where, doc, code))
        elif match := re.search(r"(\w+)\(", code):
            if not match.group(1).startswith("gw__"):
                add(Item("function", match.group(1), where, doc,
                         self.source(run)))

    def source(self, run):
        """As it is written, without comments and without a body."""
        text = "".join(t.text for t in run if t.kind != "comment")
        return re.sub(r"\s*\{.*\}\s*$", ";", text, flags=re.S)

    def fields(self, tokens):
        shown = []
        for run in split_top(tokens, ";"):
            if any(t.kind == "comment" and clean(t.text) == "private"
                   for t in run):
                break
            shown.append(self.field(run))
        return shown

    def field(self, run):
        where = self.where(next(t for t in run if t.kind == "word"))
        inner = inside_braces(run)
        code = compact(run)
        doc = doc_of(run)
        if inner is not None:
            kind = code.split()[0]
            name = code.rpartition("}")[2].strip()
            return Item(kind, name, where, doc, f"{kind} {name}",
                        self.fields(inner), needs_doc=False)
        called = re.search(r"\(\*(\w+)\)", code)
        if called:
            return Item("function", called.group(1), where, doc, code)
        first, *others = code.split(",")
        names = [first.split()[-1]] + others
        name = ", ".join(re.sub(r"\[.*|\*", "", n).strip() for n in names)
        return Item("field", name, where, doc, code, needs_doc=False)

    def constants(self, tokens, enum_doc):
        found = []
        for token in tokens:
            if token.kind == "macro":
                if match := DEFINE.match(token.text):
                    self.macros[match.group(1)] = (
                        match.group(3), match.group(4).replace("\\\n", " "))
        for run in split_top(tokens, ","):
            code = compact(run)
            if listed := re.match(r"\w+\(\w+\)", code):
                found += self.listed(run, listed.group(), enum_doc)
                code = code[listed.end():].strip()
            if match := re.match(r"(\w+)", code):
                token = next(t for t in run if t.text == match.group(1))
                found.append(Item("constant", match.group(1),
                                  self.where(token), doc_of(run), code))
        return found

    def listed(self, run, call, enum_doc):
        rows = self.rows_of(call)
        if rows is None:
            return []
        where = self.where(next(t for t in run if t.kind == "word"))
        return [Item("constant", name, where, sentence or enum_doc, code)
                for name, code, sentence in rows]


def read(path, text):
    return Reader(path, text).read()
