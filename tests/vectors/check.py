#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""check.py - reads the golden vectors with python3-protobuf.

The C codecs read the same files in tests/unit/vectors_test.c; this is the
implementation that nobody here wrote. Ends with `N passed, N failed`.
"""

import glob
import json
import os
import sys
import warnings

from google.protobuf import json_format
from google.protobuf.message import DecodeError

from schema import HERE, Malformed, Schema, get_frames, get_varint, put_frame

HEAD = ("type", "flags", "request", "channel")


class Failure(Exception):
    pass


def expect(what, want, got):
    if want != got:
        raise Failure(f"{what}: want {want!r}, got {got!r}")


def names(message):
    return json_format.MessageToDict(message, preserving_proto_field_name=True)


def check_body(schema, frame, body, is_lax):
    """The message and its bytes, both ways."""
    expect("message of the type", frame["message"],
           schema.message_of[frame["type"]])
    want = json_format.ParseDict(frame["fields"], schema.new(frame["message"]))
    got = schema.new(frame["message"])
    got.ParseFromString(body)
    expect("fields", frame["fields"], names(got))
    expect("JSON and back", frame["fields"], names(want))
    if is_lax:
        got.DiscardUnknownFields()
    else:
        expect("body", body.hex(),
               want.SerializeToString(deterministic=True).hex())
    expect("message", want, got)


def check_good(schema, vector):
    data = bytes.fromhex(vector["hex"])
    found = list(get_frames(data))
    expect("number of frames", len(vector["frames"]), len(found))
    for frame, (*head, body) in zip(vector["frames"], found):
        expect("header", [frame[h] for h in HEAD], head)
        if "body" in frame:
            expect("body", frame["body"], body.hex())
        else:
            check_body(schema, frame, body, "lax" in vector)
    if "lax" not in vector:
        again = b"".join(put_frame(*f) for f in found)
        expect("frames", vector["hex"], again.hex())


def check_bad(schema, vector):
    data = bytes.fromhex(vector["hex"])
    try:
        found = list(get_frames(data))
    except Malformed:
        if vector["error"] == "BODY":
            raise Failure("the frame itself is refused")
        return
    expect("error", "BODY", vector["error"])
    message = schema.new(vector["frames"][0]["message"])
    # The C++ parser says "not all data was converted" as a warning.
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        try:
            message.ParseFromString(found[0][4])
        except DecodeError:
            return
    if not warned:
        raise Failure("the body is taken")


class BadDelta(Exception):
    """It is no delta, or not to this base."""


def apply_delta(base, delta):
    """godwit/delta.h by somebody else."""
    at = 4

    def varint():
        nonlocal at
        value = shift = 0
        while True:
            if at >= len(delta) or shift > 28:
                raise BadDelta
            byte = delta[at]
            at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                break
        if value >= 2**32:
            raise BadDelta
        return value

    length = varint()
    target, expected = b"", 0
    while at < len(delta):
        what = varint()
        num = what >> 1
        if what & 1:
            far = varint()
            expected += -(far >> 1) - 1 if far & 1 else far >> 1
            if expected < 0:
                raise BadDelta
            piece = base[expected:expected + num]
        else:
            piece = delta[at:at + num]
            at += num
        if num == 0 or len(piece) != num:
            raise BadDelta
        target += piece
        expected += num
    checksum = 2166136261
    for byte in target:
        checksum = (checksum ^ byte) * 16777619 % 2**32
    if (len(target) != length or
            delta[:4] != checksum.to_bytes(4, "little")):
        raise BadDelta
    return target


def check_delta(_, vector):
    base, delta = (bytes.fromhex(vector[name]) for name in ("base", "delta"))
    try:
        got = apply_delta(base, delta).hex()
    except BadDelta:
        got = None
    expect("target", vector.get("target"), got)


class BadBlock(Exception):
    pass


def unpack(body):
    """What a compressed body stands for, as the drawing in godwit/lz4.h has it."""
    size = get_varint(body, 0, len(body))
    if size is None:
        raise BadBlock
    want, at = size
    made = bytearray()

    def take(num):
        nonlocal at
        at += num
        if at > len(body):
            raise BadBlock
        return body[at - num:at]

    def length(half):
        while half >= 15 and (more := take(1)[0]) is not None:
            half += more
            if more != 255:
                break
        return half

    while True:
        token = take(1)[0]
        made += take(length(token >> 4))
        if at == len(body):
            break
        offset = int.from_bytes(take(2), "little")
        if not 0 < offset <= len(made):
            raise BadBlock
        for _ in range(length(token & 15) + 4):
            made.append(made[-offset])
        if len(made) > want:
            raise BadBlock
    if len(made) != want:
        raise BadBlock
    return bytes(made)


def check_packed(_, vector):
    (*head, body), = get_frames(bytes.fromhex(vector["hex"]))
    expect("flag", 4, head[1] & 4)
    head[1] ^= 4
    try:
        got = put_frame(*head, unpack(body)).hex()
    except (BadBlock, Malformed):
        got = None
    expect("frame", vector.get("whole"), got)


def check_coverage(schema, vectors):
    """Every type, and every field with a value, is in some vector."""
    seen = set()

    def walk(name, fields, desc):
        seen.add(name)
        for key, value in fields.items():
            seen.add(f"{name}.{key}")
            inner = desc.fields_by_name[key].message_type
            if inner:
                for item in value if isinstance(value, list) else [value]:
                    walk(inner.name, item, inner)

    for vector in vectors:
        for frame in vector["frames"]:
            if "message" in frame and "error" not in vector:
                name = frame["message"]
                walk(name, frame["fields"], schema.messages[name])
    for name, desc in schema.messages.items():
        for want in [name] + [f"{name}.{f.name}" for f in desc.fields]:
            if want not in seen:
                raise Failure(f"no vector has {want}")


def main():
    schema = Schema()
    vectors = []
    for path in sorted(glob.glob(os.path.join(HERE, "*.json"))):
        with open(path, encoding="utf-8") as f:
            vectors += json.load(f)
    checks = [(v["name"], check_bad if "error" in v else check_good, v)
              for v in vectors]
    with open(os.path.join(HERE, "delta", "deltas.json"), encoding="utf-8") as f:
        checks += [("delta: " + v["name"], check_delta, v) for v in json.load(f)]
    with open(os.path.join(HERE, "lz4", "frames.json"), encoding="utf-8") as f:
        checks += [("lz4: " + v["name"], check_packed, v) for v in json.load(f)]
    checks.append(("every field is covered", check_coverage, vectors))
    failed = 0
    for name, check, given in checks:
        try:
            check(schema, given)
        except (Failure, Malformed, DecodeError, json_format.ParseError) as e:
            failed += 1
            print(f"not ok - {name}: {e}")
    print(f"{len(checks) - failed} passed, {failed} failed")
    return 1 if failed or not vectors else 0


if __name__ == "__main__":
    sys.exit(main())
