#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""make.py - writes the golden vectors, encoded by python3-protobuf.

Run it after adding a message or a case; read the diff before committing it, as
a changed byte in an existing vector is a broken wire.

A vector is an object with
  name    what it shows
  frames  what the bytes hold: type, flags, request, channel, then message and
          fields (proto3 JSON with the schema's names), or body in hex for a
          type that the schema does not know
  hex     the whole transport message
  lax     only when encoders write other bytes than these: why
  error   only when the bytes are refused: FRAME (the frame itself), TOO_BIG, BODY
          (the frame is good, its body is not; frames says which message)
"""

import json
import os

from google.protobuf import json_format
from google.protobuf.descriptor import FieldDescriptor as F

from schema import HERE, Schema, put_frame, put_varint

TEXT = "Grüße, 日本語, \U0001F426 \"quoted\" \\ \u0007"
LONG = "x" * 300
JSON = '{"text":"schön \\u0022 \U0001F426","list":[1,2.5,null,true,{}]}'
U32 = 2**32 - 1
U64 = 2**64 - 1

schema = Schema()


def build(name, fields):
    return json_format.ParseDict(fields, schema.new(name))


def body_of(frame):
    if "body" in frame:
        return bytes.fromhex(frame["body"])
    return build(frame["message"], frame["fields"]).SerializeToString(
        deterministic=True)


def frame(message, fields, flags=0, request=0, channel=0):
    kind = next(n for n, m in schema.message_of.items() if m == message)
    # Written as the JSON mapping prints it, whatever form it was given in.
    fields = json_format.MessageToDict(
        build(message, fields), preserving_proto_field_name=True)
    return {"type": kind, "flags": flags, "request": request,
            "channel": channel, "message": message, "fields": fields}


def encode(f, body=None):
    return put_frame(f["type"], f["flags"], f["request"], f["channel"],
                     body_of(f) if body is None else body)


def vector(name, *frames, data=None, lax=None, error=None):
    v = {"name": name, "frames": list(frames)}
    v["hex"] = (data if data is not None
                else b"".join(encode(f) for f in frames)).hex()
    if lax:
        v["lax"] = lax
    if error:
        v["error"] = error
    return v


def full(desc, number=None, text=TEXT):
    """Every field set: to its largest value, or to a number of its own."""
    fields = {}
    for f in desc.fields:
        n = number + f.number if number is not None else None
        if f.type == F.TYPE_MESSAGE:
            value = full(f.message_type, number, text)
            if f.label == F.LABEL_REPEATED:
                value = [value, {}, full(f.message_type, 40)]
        elif f.type == F.TYPE_ENUM:
            value = f.enum_type.values[-1].name
        elif f.type == F.TYPE_BOOL:
            value = True
        elif f.type == F.TYPE_STRING:
            value = f"{f.name} {text}" if number is None else f.name
        elif f.type == F.TYPE_BYTES:
            value = "AAECA/7//w==" if number is None else "aGk="
        else:
            is_short = f.type == F.TYPE_UINT32
            value = n if n is not None else U32 if is_short else U64
        if f.label == F.LABEL_REPEATED and f.type != F.TYPE_MESSAGE:
            value = [value, "", value]
        fields[f.name] = value
    return fields


def minimal(message):
    """Encoders always send nested messages, so the least of these has them."""
    return {f.name: {} for f in schema.messages[message].fields
            if f.type == F.TYPE_MESSAGE and f.label != F.LABEL_REPEATED}


def of_message(message):
    desc = schema.messages[message]
    name = message[0].lower() + message[1:]
    vectors = [vector(f"{name}: nothing set", frame(message, minimal(message)))]
    if desc.fields:
        vectors += [
            vector(f"{name}: every field, small",
                   frame(message, full(desc, 0), request=7, channel=3)),
            vector(f"{name}: every field, largest",
                   frame(message, full(desc), flags=255, request=U32,
                         channel=U32)),
        ]
    return vectors


def connection():
    instance = "AAECAwQFBgcICQoLDA0ODw=="
    return [
        vector("hello: first frame of a page", frame(
            "Hello", {"version": 1, "features": 3, "instance": instance,
                      "token": "eyJhbGciOiJFUzI1NiJ9.e30.c2ln",
                      "ping_interval_ms": 25000, "agent": "godwit-js/0.1.0",
                      "user": "ana"}, request=1)),
        vector("hello: with 256 KiB of credit", frame(
            "Hello", {"version": 1, "features": 4, "instance": instance,
                      "credit_bytes": 262144}, request=1)),
        vector("hello: of one who reads compressed bodies", frame(
            "Hello", {"version": 1, "features": 16, "instance": instance,
                      "codec": 1}, request=1)),
        vector("credit: half of it is handed on", frame(
            "Credit", {"bytes": 131100})),
        vector("welcome: with the default limits", frame(
            "Welcome", {
                "version": 1, "connection": 0x0123456789ABCDEF,
                "client": 0xFEDCBA9876543210, "user": "ana",
                "limits": {"max_frame_bytes": 65536, "max_message_bytes": 65536,
                           "max_channel_bytes": 255, "max_subscriptions": 1024,
                           "max_presence_bytes": 2048, "max_calls": 256,
                           "max_queue_bytes": 1048576},
                "ping_interval_ms": 25000, "ping_timeout_ms": 10000,
                "time_ms": 1766000000000, "server": "godwit/0.1.0",
                "node": "n1"}, request=1)),
        vector("close: come back later", frame(
            "Close", {"code": "CODE_SHUTDOWN", "reason": "maintenance",
                      "retry_after_ms": 1000, "spread_ms": 5000,
                      "endpoint": "wss://b.example/v1/ws"})),
        vector("close: a code of the application", frame(
            "Close", {"code": 942, "reason": "match is over"})),
        vector("close: the token was revoked", frame(
            "Close", {"code": "CODE_TOKEN_REVOKED",
                      "reason": "The token was revoked."})),
        vector("refresh: of the connection", frame(
            "Refresh", {"token": "eyJhbGciOiJFUzI1NiJ9.e30.c2ln"},
            request=9)),
        vector("refresh: of a subscription, by alias", frame(
            "Refresh", {"token": "eyJhbGciOiJFUzI1NiJ9.e30.c2ln"},
            flags=1, request=10, channel=1)),
        vector("refreshed: for five minutes", frame(
            "Refreshed", {"token_ttl_ms": 300000}, request=9)),
        vector("error: with the field's path", frame(
            "Error", {"code": "CODE_BAD_REQUEST", "message": "is missing",
                      "field": "publish.data"}, request=300)),
    ]


def channels():
    vectors = [
        vector("subscribe: fresh, by alias", frame(
            "Subscribe", {"channel": "room:lobby", "presence": True},
            flags=1, request=2, channel=1)),
        vector("subscribe: recover, drop when slow", frame(
            "Subscribe", {"channel": "room:日本", "recover": True,
                          "epoch": U64, "offset": 128,
                          "overflow": "OVERFLOW_DROP"}, request=2, channel=1)),
        vector("subscribe: the newest of each item when slow", frame(
            "Subscribe", {"channel": "fleet", "overflow": "OVERFLOW_CONFLATE"},
            flags=1, request=2, channel=1)),
        vector("subscribed: gap whose end is not known", frame(
            "Subscribed", {"epoch": 1, "offset": 500,
                           "result": "RECOVERY_GAP",
                           "gap": "GAP_EPOCH_CHANGED", "gap_from": 129},
            request=2, channel=16384)),
        vector("subscribed: live, by a token for a minute", frame(
            "Subscribed", {"epoch": U64, "offset": 12, "live": True,
                           "token_ttl_ms": 60000}, request=2, channel=4)),
        vector("subscribe: only if the server still grants it", frame(
            "Subscribe", {"channel": "room:lobby", "recover": True,
                          "epoch": U64, "offset": 128, "by_server": True},
            flags=1, request=2, channel=1)),
        vector("server_subscribed: where it begins", frame(
            "ServerSubscribed", {"channel": "room:日本", "epoch": U64,
                                 "offset": 128}, channel=16384)),
        vector("publication: echo without a body", frame(
            "Publication", {"offset": 9, "client": 5, "key": 2},
            flags=8, channel=4)),
        vector("publication: its writer wants no echo", frame(
            "Publication", {"offset": 9, "data": "AP8=", "client": 5, "key": 2,
                            "no_echo": True}, channel=4)),
        vector("publication: a payload of 300 bytes", frame(
            "Publication", {"offset": 2**32, "json": json.dumps(LONG)},
            channel=200)),
        vector("publish: bytes and compare", frame(
            "Publish", {"data": "AP8=", "key": 1, "compare": True,
                        "epoch": 77, "offset": 1, "ttl_ms": 60000},
            request=128, channel=4)),
        vector("publish: to a channel by its name", frame(
            "Publish", {"channel": "room:lobby", "json": JSON, "key": 2**53 + 1,
                        "after": 2**53}, request=5)),
        vector("publish: about an item", frame(
            "Publish", {"json": '{"lat":43.26,"lon":-2.93}', "key": 4,
                        "item": "bus/número 7"}, flags=1, request=6,
            channel=1)),
        vector("publication: about an item", frame(
            "Publication", {"offset": 30, "json": '{"lat":43.26,"lon":-2.93}',
                            "client": 5, "key": 4, "no_echo": True,
                            "item": "bus/número 7"}, channel=4)),
        vector("publications: three that were gathered, in one message", *[
            frame("Publication", {"offset": n, "json": str(n), "item": f"i{n}"},
                  channel=4) for n in (31, 32, 33)]),
        vector("lagged: a run between what was sent", frame(
            "Publication", {"offset": 34, "item": "a"}, channel=4), frame(
            "Lagged", {"from": 35, "to": 37, "count": 3,
                       "reason": "GAP_SLOW_READER"}, channel=4), frame(
            "Publication", {"offset": 38, "item": "b"}, channel=4)),
        vector("subscribe: with a filter and metadata", frame(
            "Subscribe", {
                "channel": "news", "meta": '{"page":"/home"}',
                "filter": [
                    {"op": "FILTER_IN", "tag": "lang", "values": ["es", "eu"]},
                    {"op": "FILTER_GE", "tag": "weight", "values": ["2.5"]},
                    {"op": "FILTER_NOT"},
                    {"op": "FILTER_EXISTS", "tag": "draft"},
                    {"op": "FILTER_OR", "count": 3}]},
            flags=1, request=2, channel=1)),
        vector("subscribed: to a wildcard", frame(
            "Subscribed", {"epoch": 7, "live": True, "wildcard": True,
                           "result": "RECOVERY_GAP", "gap": "GAP_LIVE_ONLY"},
            request=2, channel=9)),
        vector("subscribed: a map anew, with the channel's metadata", frame(
            "Subscribed", {"epoch": 8, "offset": 40, "result": "RECOVERY_ANEW",
                           "gap": "GAP_ANEW", "gap_from": 12, "gap_to": 44,
                           "meta": '{"title":"Flota"}'},
            request=2, channel=4)),
        vector("publish: an item is gone, if nobody changed it", frame(
            "Publish", {"key": 9, "item": "bus/7", "removed": True,
                        "compare_item": True, "epoch": 77, "offset": 30},
            flags=1, request=7, channel=1)),
        vector("publish: with tags", frame(
            "Publish", {"json": "1", "key": 5, "tags": [
                {"name": "lang", "value": "es"}, {"name": "draft"}]},
            flags=1, request=6, channel=1)),
        vector("publication: of a wildcard, with tags", frame(
            "Publication", {"offset": 3, "json": "1", "tags": [
                {"name": "lang", "value": "es"}, {"name": "draft"}],
                "channel": "log.web.1", "epoch": U64}, channel=9)),
        vector("publication: an item is gone", frame(
            "Publication", {"offset": 45, "item": "bus/7", "removed": True},
            channel=4)),
        vector("subscribe: in changes to the one before", frame(
            "Subscribe", {"channel": "price:oil", "delta": True},
            flags=1, request=2, channel=1)),
        vector("subscribed: in changes to the one before", frame(
            "Subscribed", {"epoch": 9, "offset": 44, "live": True,
                           "delta": True}, request=2, channel=5)),
        vector("publication: changes to the one before", frame(
            "Publication", {"offset": 46, "delta_base": 45, "time_ms": 1700000000000,
                            "delta": "rJ1+xB0dAAgxNjMzFwA="}, channel=5)),
        vector("channelMeta: changed", frame(
            "ChannelMeta", {"meta": '{"title":"Flota"}'}, channel=4)),
        vector("lagged: what the filter leaves out", frame(
            "Lagged", {"from": 35, "to": 290, "count": 256,
                       "reason": "GAP_FILTERED"}, channel=4)),
        vector("recovery: the chunk held nothing", frame(
            "Recovery", {"from": 6, "to": 5, "live": True}, channel=4)),
    ]
    edges = (0, 127, 128, 16383, 16384, 2**21 - 1, 2**21, 2**28 - 1, 2**28,
             U32)
    for number in edges:
        vectors.append(vector(
            f"lagged: counts and ids of {number}", frame(
                "Lagged", {"from": number, "to": number * 2**32 % U64,
                           "count": number, "reason": "GAP_SLOW_READER"},
                request=number, channel=number)))
    return vectors


def presence():
    ana = {"client": 1, "user": "ana", "state": "away",
           "json": '{"typing":true}', "since_ms": 1766000000000}
    return [
        vector("presenceSnapshot: a part, with an empty member", frame(
            "PresenceSnapshot", {"version": 3, "members": [ana, {}, ana],
                                 "more": True}, channel=4)),
        vector("presenceDiff: enter, update and leave", frame(
            "PresenceDiff", {"version": 4, "changes": [
                {"kind": "PRESENCE_ENTER", "member": ana},
                {"kind": "PRESENCE_UPDATE", "member": dict(ana, state="busy")},
                {"kind": "PRESENCE_LEAVE", "member": {"client": 1,
                                                      "user": "ana"}}]},
            channel=4)),
        vector("presenceSnapshot: forty members", frame(
            "PresenceSnapshot", {"version": 9, "members": [
                {"client": n, "user": f"user-{n}", "state": "online"}
                for n in range(1, 41)]}, channel=4)),
        vector("presenceSnapshot: numbers only", frame(
            "PresenceSnapshot", {"version": 12, "clients": 10000, "users": 9000,
                                 "mode": "PRESENCE_MODE_COUNTS"}, channel=4)),
        vector("presenceDiff: numbers only", frame(
            "PresenceDiff", {"version": 13, "clients": 10010, "users": 9008},
            channel=4)),
        vector("presenceDiff: first in, last out", frame(
            "PresenceDiff", {"version": 14, "clients": 2, "users": 1, "changes": [
                {"kind": "PRESENCE_ENTER", "member": ana, "first": True},
                {"kind": "PRESENCE_LEAVE", "last": True,
                 "member": {"client": 7, "user": "bob"}}]}, channel=4)),
        vector("presenceSet: a field more, another removed", frame(
            "PresenceSet", {"json": '{"mic":true,"hand":null}', "merge": True},
            flags=1, request=6, channel=1)),
        vector("presenceSet: again after a lost connection", frame(
            "PresenceSet", {"state": "online", "idle_ms": 90000},
            flags=1, request=6, channel=1)),
    ]


def messages_to():
    return [
        vector("send: to a user", frame(
            "Send", {"user": "ana", "json": JSON}, request=9)),
        vector("send: to the members of a group but the sender", frame(
            "Send", {"group": "team:42", "no_echo": True, "event": "invite",
                     "data": "AP8="}, request=9)),
        vector("send: to several channels", frame(
            "Send", {"channels": ["room:a", "room:b"], "json": "1"}, request=9)),
        vector("sent: to three connections", frame(
            "Sent", {"receivers": 3}, request=9)),
        vector("message: of the server, to everybody", frame(
            "Message", {"to": "ADDRESS_EVERYBODY", "event": "maintenance",
                        "json": '{"in":600}', "time_ms": 1766000000000})),
        vector("message: of a client, to a group", frame(
            "Message", {"client": 5, "user": "bob", "to": "ADDRESS_GROUP",
                        "group": "team:42", "data": "AP8="})),
    ]


def streams():
    ping = frame("Ping", {"time": 12345678})
    ok = frame("Ok", {}, request=4)
    hello = frame("Hello", {"version": 1}, request=1)
    subscribe = frame("Subscribe", {"channel": "a"}, flags=1, request=2,
                      channel=1)
    publish = frame("Publish", {"json": "1", "key": 1}, flags=1, request=3,
                    channel=1)
    unknown = {"type": 250, "flags": 255, "request": 0, "channel": 9,
               "body": "00ff00"}
    return [
        vector("a page that is live after one round trip", hello, subscribe,
               publish),
        vector("small and large frames in one message", ping, frame(
            "Publication", {"offset": 1, "json": json.dumps("y" * 5000)},
            channel=4), ok, ping),
        vector("a type that may be skipped, between others", ok, unknown, ping),
        vector("a body in three frames", *[
            {"type": 14, "flags": 2 if n < 2 else 0, "request": 0,
             "channel": 4, "body": part}
            for n, part in enumerate(("0801", "1203", "616263"))]),
    ]


def lax():
    """What a decoder takes although no encoder here writes it."""
    ping = frame("Ping", {"time": 5})
    pub = frame("Publication", {"offset": 5, "user": "ana"}, channel=4)
    close = frame("Close", {"code": "CODE_TIMEOUT", "reason": "b"})
    snap = frame("PresenceSnapshot", {
        "version": 2, "members": [{"client": 1}, {"client": 2}, {}]}, channel=4)
    error = frame("Error", {"code": U32 >> 1})

    def raw(name, f, body_hex, why):
        return vector(name, f, data=encode(f, bytes.fromhex(body_hex)), lax=why)

    one, two = "0a" + "0901" + "00" * 7, "0902" + "00" * 7
    member1, member2 = "1209" + one[2:], "1209" + two
    return [
        vector("varints of the header in five bytes", ping,
               data=bytes.fromhex("8e80808000") + bytes([3, 0]) +
               bytes.fromhex("8080808000" + "8000" + "0885808000"),
               lax="not the shortest form"),
        raw("unknown fields of each wire type", pub,
            "0805" + "f8ff03" + "ffffffffffffffffff01" + "f9ff03" + "11" * 8 +
            "faff03" + "03616263" + "fdff03" + "22" * 4 + "3203616e61",
            "the unknown fields are not kept"),
        raw("fields in another order", pub, "3203616e61" + "0805", "order"),
        raw("the last of several counts", close,
            "0801" + "1201" + "61" + "0865" + "1201" + "62", "repeats"),
        raw("defaults that are written out", pub,
            "0805" + "1200" + "1a00" + "21" + "00" * 8 + "2800" +
            "3203616e61" + "3800", "defaults"),
        raw("items among other fields", snap,
            member1 + "0802" + member2 + "1800" + "1200", "order"),
        raw("a code that is not known", error, "08ffffffff07", None),
        raw("a number in ten bytes", ping, "0885808080808080808000",
            "not the shortest form"),
    ]


def malformed():
    def bad_frame(name, hex_text, error="FRAME"):
        return vector(name, data=bytes.fromhex(hex_text), error=error)

    def bad_body(name, message, hex_text):
        f = frame(message, {}, channel=1)
        return vector(name, f, data=encode(f, bytes.fromhex(hex_text)),
                      error="BODY")

    over = put_varint(64 * 1024 + 1).hex()
    return [
        bad_frame("length 0", "00"),
        bad_frame("length shorter than a header", "03030000"),
        bad_frame("length over 32 bits", "ffffffff10"),
        bad_frame("length in six bytes", "808080808001"),
        bad_frame("request id over 32 bits", "080300ffffffff1000"),
        bad_frame("request id is cut by the frame's end", "0403008080"),
        bad_frame("channel id is cut by the frame's end", "0403000080"),
        bad_frame("channel id over 32 bits", "08030000ffffffff7f"),
        bad_frame("one byte over the limit", over, "TOO_BIG"),
        bad_frame("a length of 4 GB", "ffffffff0f", "TOO_BIG"),
        bad_body("a number is cut", "Ping", "0880"),
        bad_body("a number over 64 bits", "Ping", "08ffffffffffffffffffff01"),
        bad_body("a fixed number is cut", "Welcome", "1901020304"),
        bad_body("text is cut", "Publish", "0a0561"),
        bad_body("text of 4 GB", "Publish", "0affffffff0f61"),
        bad_body("text with a length over 32 bits", "Publish", "0affffffff7f61"),
        bad_body("an unknown field is cut", "Publish", "faff030561"),
        bad_body("a tag is cut", "Publish", "80"),
        bad_body("field number 0", "Publish", "0001"),
        bad_body("a group that is not closed", "Publish", "fbff03"),
        bad_body("wire type 7", "Publish", "0f"),
        bad_body("an item is cut", "PresenceDiff", "12050801"),
        bad_body("a nested message is cut", "Welcome", "32020880"),
        bad_body("a nested message goes on past its end", "Welcome",
                 "320208808001"),
    ]


FILES = {
    "messages": lambda: [v for m in schema.message_of.values()
                         for v in of_message(m)],
    "connection": connection,
    "channels": channels,
    "presence": presence,
    "send": messages_to,
    "streams": streams,
    "lax": lax,
    "malformed": malformed,
}


def main():
    for name, make in FILES.items():
        path = os.path.join(HERE, name + ".json")
        with open(path, "w", encoding="utf-8") as f:
            json.dump(make(), f, indent=1, ensure_ascii=False)
            f.write("\n")


if __name__ == "__main__":
    main()
