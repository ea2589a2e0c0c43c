#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""differential.py - the JSON transcoder against python3-protobuf.

    differential.py TRANSCODER [NUMBER] [SEED]

TRANSCODER is build/san/tests/unit/json_differential_test. For each of NUMBER
random messages: what the transcoder writes has to mean the same to python, and
what python and this script write, in any of the forms that the mapping allows,
has to become the bytes that python encodes. Lines with one mistake in them have
to be refused by both.
"""

import base64
import json
import os
import random
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "..", "vectors"))

from google.protobuf import json_format  # noqa: E402
from google.protobuf.descriptor import FieldDescriptor as F  # noqa: E402

from schema import Schema, put_frame  # noqa: E402

INTEGERS = {F.TYPE_UINT32: 32, F.TYPE_UINT64: 64, F.TYPE_FIXED64: 64}
CHARS = ["a", "Z", "0", " ", "\"", "\\", "/", "<", "\x01", "\x1f", "\n", "\t",
         "\x7f", "\x80", "é", "\u2028", "\ufeff", "日", "\U0001F426",
         "\U0010FFFF"]
ALIAS, MORE, OWN = 1, 2, 8


class Maker:
    """Random messages, and random forms of the same JSON."""

    def __init__(self, schema, rng):
        self.schema = schema
        self.rng = rng

    def integer(self, bits):
        rng = self.rng
        top = 2**bits - 1
        near = rng.choice([0, 1, 127, 128, 2**31, 2**53, 2**63, top])
        value = rng.choice([near, near - 1, near + 1, rng.getrandbits(bits),
                            rng.getrandbits(rng.randint(1, bits))])
        return min(max(value, 0), top)

    def text(self):
        return "".join(self.rng.choices(CHARS, k=self.rng.choice([0, 1, 2, 30])))

    def value(self, field):
        rng = self.rng
        if field.type in INTEGERS:
            return self.integer(INTEGERS[field.type])
        if field.type == F.TYPE_BOOL:
            return rng.random() < 0.7
        if field.type == F.TYPE_ENUM:
            known = [v.number for v in field.enum_type.values]
            return rng.choice(known + [rng.choice(known), 999, 2**31 - 1, -1])
        if field.type == F.TYPE_BYTES:
            return rng.randbytes(rng.choice([0, 1, 2, 3, 4, 5, 16, 100]))
        return self.text()

    def fill(self, message):
        for field in message.DESCRIPTOR.fields:
            if self.rng.random() < 0.35:
                continue
            if field.label == F.LABEL_REPEATED:
                items = getattr(message, field.name)
                for _ in range(self.rng.choice([0, 1, 2, 5])):
                    if field.type == F.TYPE_MESSAGE:
                        self.fill(items.add())
                    else:
                        items.append(self.value(field))
            elif field.type == F.TYPE_MESSAGE:
                child = getattr(message, field.name)
                child.SetInParent()
                self.fill(child)
            else:
                setattr(message, field.name, self.value(field))
        return message

    def form_of(self, field, value):
        """A value of python's dictionary in another form."""
        rng = self.rng
        if field.type in INTEGERS:
            number = int(value)
            forms = [number, str(number)]
            if number < 2**53:
                forms.append(Raw(f"{number}.0"))
                if number % 100 == 0:
                    forms.append(Raw(f"{number // 100}e2"))
            return rng.choice(forms)
        if field.type == F.TYPE_ENUM and isinstance(value, str):
            number = field.enum_type.values_by_name[value].number
            return rng.choice([value, number])
        if field.type == F.TYPE_BYTES:
            data = base64.b64decode(value)
            encoded = rng.choice([base64.b64encode,
                                  base64.urlsafe_b64encode])(data).decode()
            return rng.choice([encoded, encoded.rstrip("=")])
        return value

    def item_form(self, field, value):
        return (self.forms(field.message_type, value)
                if field.type == F.TYPE_MESSAGE else self.form_of(field, value))

    def forms(self, desc, fields):
        """The same fields in another order, spelling and form."""
        out = []
        for field in desc.fields:
            name = self.rng.choice([field.name, field.json_name])
            if field.name not in fields:
                if self.rng.random() < 0.1:
                    out.append((name, None))
                continue
            value = fields[field.name]
            if field.label == F.LABEL_REPEATED:
                value = [self.item_form(field, v) for v in value]
            elif field.type == F.TYPE_MESSAGE:
                value = self.forms(field.message_type, value)
            else:
                value = self.form_of(field, value)
            out.append((name, value))
        self.rng.shuffle(out)
        return dict(out)

    def mistake(self, field):
        """A value that the field cannot have."""
        rng = self.rng
        if field.label == F.LABEL_REPEATED:
            wrong = [5, "x", True, [1], [None]]
            if field.type == F.TYPE_MESSAGE:
                wrong.append(["x"])
            return rng.choice(wrong)
        if field.type == F.TYPE_MESSAGE:
            return rng.choice([5, "x", True])
        if field.type in INTEGERS:
            return rng.choice([-1, 2**INTEGERS[field.type], 0.5, "", "x", "1 ",
                               "-1", True, [], {}, str(2**70), 1e30])
        if field.type == F.TYPE_BOOL:
            return rng.choice([1, 0, "x", [], {}])
        if field.type == F.TYPE_ENUM:
            return rng.choice(["CODE_NO_SUCH", "", 2**31, -2**31 - 1, [], {}])
        if field.type == F.TYPE_BYTES:
            return rng.choice([5, True, [], {}, "A"])
        return rng.choice([5, True, [], {}, "\ud800", 0.5])


class Raw(float):
    """A number that is written as it was given."""

    def __new__(cls, text):
        self = super().__new__(cls, text)
        self.text = text
        return self

    def __repr__(self):
        return self.text


def dumps(value):
    """json.dumps writes subclasses of float as float does; this does not."""
    if isinstance(value, Raw):
        return value.text
    if isinstance(value, dict):
        return "{%s}" % ",".join(f"{json.dumps(k)}:{dumps(v)}"
                                 for k, v in value.items())
    if isinstance(value, list):
        return "[%s]" % ",".join(dumps(v) for v in value)
    return json.dumps(value, ensure_ascii=random.random() < 0.5)


class Case:
    def __init__(self, kind, line, want, about):
        self.kind, self.line, self.want, self.about = kind, line, want, about


def head_of(rng):
    return {"id": rng.choice([0, 1, 300, 2**32 - 1]),
            "channel": rng.choice([0, 7, 2**32 - 1]),
            "alias": rng.random() < 0.3, "more": rng.random() < 0.1,
            "own": rng.random() < 0.1}


def frame_of(number, head, body):
    flags = ALIAS * head["alias"] | MORE * head["more"] | OWN * head["own"]
    return put_frame(number, flags, head["id"], head["channel"], body)


def snake(schema, number):
    return next(n for n, t in schema.types.items() if t == number).lower()


def camel(name):
    first, *rest = name.split("_")
    return first + "".join(w.title() for w in rest)


def cases(schema, rng, count):
    maker = Maker(schema, rng)
    numbers = sorted(schema.types.values())
    for _ in range(count):
        number = rng.choice(numbers)
        name = snake(schema, number)
        message = maker.fill(schema.new(schema.message_of[number]))
        head = head_of(rng)
        frame = frame_of(number, head,
                         message.SerializeToString(deterministic=True))

        shown = {k: v for k, v in head.items() if v}
        as_dict = json_format.MessageToDict(message)
        yield Case("B", frame, {**shown, camel(name): as_dict}, name)

        plain = json_format.MessageToDict(message,
                                          preserving_proto_field_name=True)
        form = maker.forms(message.DESCRIPTOR, plain)
        # Python has to read the form as the same message, or the form is wrong.
        assert json_format.ParseDict(form, schema.new(message.DESCRIPTOR.name)) \
            == message, form
        line = dumps({**form_of_head(rng, head),
                      rng.choice([name, camel(name)]): form})
        yield Case("J", line.encode(), frame, name)

        if message.DESCRIPTOR.fields:
            yield mistaken(schema, maker, name, message, plain)


def form_of_head(rng, head):
    return {k: v for k, v in head.items() if v or rng.random() < 0.2}


def mistaken(schema, maker, name, message, fields):
    field = maker.rng.choice(message.DESCRIPTOR.fields)
    bad = {**fields, field.name: maker.mistake(field)}
    if maker.rng.random() < 0.1:
        bad = {**fields, "noSuchField": 1}
    try:
        json_format.Parse(json.dumps(bad), schema.new(message.DESCRIPTOR.name))
    except (json_format.ParseError, UnicodeEncodeError):
        return Case("J", json.dumps({name: bad}).encode(), None, name)
    raise AssertionError(f"python takes {bad}")


SHOWN_AT_MOST = 5


def check(case, answer, shown):
    if answer.startswith("-"):
        got = None
    else:
        got = bytes.fromhex(answer)
        if case.kind == "B":
            got = json.loads(got)
    if got == case.want:
        return True
    shown.append(case)
    if len(shown) <= SHOWN_AT_MOST:
        print(f"{case.about}: {case.kind} {case.line!r}\n"
              f"  want {case.want!r}\n  got  {got!r} ({answer[:100]})",
              file=sys.stderr)
    return False


def main():
    transcoder = sys.argv[1]
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 3500
    seed = int(sys.argv[3]) if len(sys.argv) > 3 else 1
    rng = random.Random(seed)
    random.seed(seed)
    made = list(cases(Schema(), rng, count))
    sent = "".join(f"{c.kind} {c.line.hex()}\n" for c in made)
    answers = subprocess.run([transcoder, "transcode"], input=sent, text=True,
                             stdout=subprocess.PIPE, check=True).stdout.split("\n")
    shown = []
    failed = sum(not check(c, a, shown) for c, a in zip(made, answers))
    if len(answers) != len(made) + 1:
        print(f"{len(made)} questions, {len(answers) - 1} answers",
              file=sys.stderr)
        failed += 1
    print(f"# seed {seed}: {len(made) - failed} comparisons good, {failed} not")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
