// SPDX-License-Identifier: MIT
// binary.mjs - frames of godwit.v1 by hand: enough to say Hello and to lie.

import { randomBytes } from "node:crypto";

export const TYPE = {
  HELLO: 1, WELCOME: 2, PING: 3, PONG: 4, CLOSE: 5, ERROR: 6, SUBSCRIBE: 8,
  SUBSCRIBED: 9, PUBLISH: 12, PUBLISHED: 13, PUBLICATION: 14,
  SERVER_SUBSCRIBED: 28,
};

export function varint(value) {
  const bytes = [];
  for (let v = BigInt(value); ; v >>= 7n) {
    if (v < 128n) return Buffer.from([...bytes, Number(v)]);
    bytes.push(Number(v & 127n) | 128);
  }
}

/** One field of a message: a number is a varint, the rest is length-delimited. */
export function field(number, value) {
  if (typeof value === "number" || typeof value === "bigint")
    return Buffer.concat([varint(number << 3), varint(value)]);
  const bytes = Buffer.from(value);
  return Buffer.concat([varint((number << 3) | 2), varint(bytes.length), bytes]);
}

export function frame(type, { flags = 0, request = 0, channel = 0 } = {},
  ...fields) {
  const rest = Buffer.concat([Buffer.from([type, flags]), varint(request),
    varint(channel), ...fields]);
  return Buffer.concat([varint(rest.length), rest]);
}

export function hello(fields = []) {
  return frame(TYPE.HELLO, { request: 1 }, field(1, 1),
    field(3, randomBytes(16)), ...fields);
}

function readVarint(buffer, at) {
  let value = 0n, shift = 0n;
  for (;;) {
    const byte = buffer[at++];
    value |= BigInt(byte & 127) << shift;
    if (byte < 128) return [value, at];
    shift += 7n;
  }
}

/** Frames of a message: [{ type, flags, request, channel, fields }], where
 * fields is a Map of number to the last value. */
export function decode(message) {
  const frames = [];
  for (let at = 0; at < message.length;) {
    let length, request, channel;
    [length, at] = readVarint(message, at);
    const end = at + Number(length);
    const type = message[at++], flags = message[at++];
    [request, at] = readVarint(message, at);
    [channel, at] = readVarint(message, at);
    frames.push({
      type, flags, request: Number(request), channel: Number(channel),
      fields: decodeFields(message.subarray(at, end)),
    });
    at = end;
  }
  return frames;
}

function decodeFields(body) {
  const fields = new Map();
  for (let at = 0; at < body.length;) {
    let tag, value;
    [tag, at] = readVarint(body, at);
    const wire = Number(tag & 7n);
    if (wire === 0) {
      [value, at] = readVarint(body, at);
    } else if (wire === 1) {
      value = body.readBigUInt64LE(at);
      at += 8;
    } else {
      let length;
      [length, at] = readVarint(body, at);
      value = body.subarray(at, at + Number(length));
      at += Number(length);
    }
    fields.set(Number(tag >> 3n), value);
  }
  return fields;
}

/** The next frame of a type on a binary WebSocket; others are skipped. */
export async function nextFrame(ws, type, ms = 5000) {
  for (;;)
    for (const f of decode(await ws.messages.next(ms, `a frame ${type}`)))
      if (f.type === type) return f;
}
