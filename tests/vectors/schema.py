# SPDX-License-Identifier: MIT
"""schema.py - the schema as python3-protobuf sees it, and frames by hand.

Shares no code with the C layer: the varints and headers here are a second
reading of the drawing in godwit/wire.h.
"""

import os
import subprocess

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

HERE = os.path.dirname(os.path.abspath(__file__))
PROTO = os.path.join(HERE, "..", "..", "proto")
MAX_FRAME_BYTES = 64 * 1024
HEAD_MIN = 4


class Malformed(Exception):
    pass


class Schema:
    def __init__(self):
        raw = subprocess.run(
            ["protoc", "-I" + PROTO, "--descriptor_set_out=/dev/stdout",
             "godwit.proto"], check=True, stdout=subprocess.PIPE).stdout
        file = descriptor_pb2.FileDescriptorSet.FromString(raw).file[0]
        pool = descriptor_pool.DescriptorPool()
        pool.Add(file)
        self.factory = message_factory.MessageFactory(pool)
        self.messages = {
            m.name: pool.FindMessageTypeByName(f"{file.package}.{m.name}")
            for m in file.message_type
        }
        types = pool.FindEnumTypeByName(f"{file.package}.FrameType")
        self.types = {
            v.name.removeprefix("FRAME_"): v.number for v in types.values
            if v.number != 0
        }
        self.message_of = {
            number: name.title().replace("_", "")
            for name, number in self.types.items()
        }

    def new(self, name):
        return self.factory.GetPrototype(self.messages[name])()


def put_varint(value):
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def get_varint(data, at, end):
    """A varint of 32 bits: (value, place after it); None when it is cut."""
    value = 0
    for i in range(5):
        if at + i >= end:
            return None
        byte = data[at + i]
        value |= (byte & 0x7F) << (7 * i)
        if byte < 0x80:
            if value >> 32:
                break
            return value, at + i + 1
    raise Malformed("a varint over 32 bits")


def put_frame(frame_type, flags, request, channel, body):
    rest = (bytes([frame_type, flags]) + put_varint(request) +
            put_varint(channel) + body)
    return put_varint(len(rest)) + rest


def get_frames(data, max_frame_bytes=MAX_FRAME_BYTES):
    """Yields (type, flags, request, channel, body) of each frame."""
    at = 0
    while at < len(data):
        prefix = get_varint(data, at, len(data))
        if prefix is None:
            raise Malformed("cut")
        length, at = prefix
        if length > max_frame_bytes:
            raise Malformed("too big")
        if length < HEAD_MIN:
            raise Malformed("shorter than its header")
        end = at + length
        if end > len(data):
            raise Malformed("cut")
        request = get_varint(data, at + 2, end)
        channel = request and get_varint(data, request[1], end)
        if not channel:
            raise Malformed("the header is cut by the frame's end")
        yield data[at], data[at + 1], request[0], channel[0], data[channel[1]:end]
        at = end
