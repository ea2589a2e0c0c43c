// SPDX-License-Identifier: MIT
// wire.mjs - frames and messages for tests, written from the schema and apart
// from the code under test: just enough Protocol Buffers.

export const Type = {
  HELLO: 1, WELCOME: 2, PING: 3, PONG: 4, CLOSE: 5, ERROR: 6, OK: 7,
  SUBSCRIBE: 8, SUBSCRIBED: 9, UNSUBSCRIBE: 10, UNSUBSCRIBED: 11, PUBLISH: 12,
  PUBLISHED: 13, PUBLICATION: 14, RECOVERY: 15, LAGGED: 16, PRESENCE_SET: 17,
  PRESENCE_LEAVE: 18, PRESENCE_GET: 19, PRESENCE_SNAPSHOT: 20,
  PRESENCE_DIFF: 21, RPC: 22, RPC_RESULT: 23, REFRESH: 24, REFRESHED: 25,
  SERVER_SUBSCRIBED: 28, CHANNEL_META: 29, MESSAGE: 34, CREDIT: 128,
};

// Fields by number: name and kind. v: varint, f: fixed64, s: text, b: bytes,
// m: message, r: repeated message, t: repeated text.
const MEMBER = {
  1: ['client', 'f'], 2: ['user', 's'], 3: ['state', 's'], 4: ['data', 'b'],
  5: ['json', 's'], 6: ['since_ms', 'v'],
};
const TAG = { 1: ['name', 's'], 2: ['value', 's'] };
const TERM = {
  1: ['op', 'v'], 2: ['tag', 's'], 3: ['values', 't'], 4: ['count', 'v'],
};
const CHANGE = {
  1: ['kind', 'v'], 2: ['member', 'm', MEMBER], 3: ['first', 'v'],
  4: ['last', 'v'],
};
const SCHEMA = {
  [Type.HELLO]: {
    1: ['version', 'v'], 2: ['features', 'v'], 3: ['instance', 'b'],
    4: ['token', 's'], 5: ['resume', 'b'], 6: ['ping_interval_ms', 'v'],
    7: ['agent', 's'], 8: ['user', 's'], 9: ['credit_bytes', 'v'],
    19: ['codec', 'v'],
  },
  [Type.WELCOME]: {
    1: ['version', 'v'], 2: ['features', 'v'], 3: ['connection', 'f'],
    4: ['client', 'f'], 5: ['user', 's'], 6: ['limits', 'm', {
      1: ['max_frame_bytes', 'v'], 3: ['max_channel_bytes', 'v'],
    }],
    7: ['ping_interval_ms', 'v'], 8: ['ping_timeout_ms', 'v'],
    9: ['time_ms', 'v'], 10: ['server', 's'], 14: ['token_ttl_ms', 'v'],
  },
  [Type.PING]: { 1: ['time', 'v'] },
  [Type.PONG]: { 1: ['time', 'v'] },
  [Type.CLOSE]: {
    1: ['code', 'v'], 2: ['reason', 's'], 3: ['retry_after_ms', 'v'],
    4: ['spread_ms', 'v'], 5: ['endpoint', 's'],
  },
  [Type.ERROR]: {
    1: ['code', 'v'], 2: ['message', 's'], 3: ['retry_after_ms', 'v'],
    4: ['field', 's'],
  },
  [Type.OK]: {},
  [Type.SUBSCRIBE]: {
    1: ['channel', 's'], 2: ['recover', 'v'], 3: ['epoch', 'f'],
    4: ['offset', 'v'], 5: ['token', 's'], 6: ['overflow', 'v'],
    7: ['presence', 'v'], 11: ['by_server', 'v'], 12: ['filter', 'r', TERM],
    13: ['meta', 's'],
  },
  [Type.SUBSCRIBED]: {
    1: ['epoch', 'f'], 2: ['offset', 'v'], 3: ['result', 'v'], 4: ['gap', 'v'],
    5: ['gap_from', 'v'], 6: ['gap_to', 'v'], 7: ['live', 'v'],
    8: ['token_ttl_ms', 'v'], 12: ['wildcard', 'v'], 13: ['meta', 's'],
  },
  [Type.CHANNEL_META]: { 1: ['meta', 's'] },
  [Type.SERVER_SUBSCRIBED]: {
    1: ['channel', 's'], 2: ['epoch', 'f'], 3: ['offset', 'v'],
  },
  [Type.UNSUBSCRIBE]: {},
  [Type.UNSUBSCRIBED]: { 1: ['code', 'v'], 2: ['reason', 's'] },
  [Type.PUBLISH]: {
    1: ['channel', 's'], 2: ['data', 'b'], 3: ['json', 's'], 4: ['key', 'v'],
    5: ['after', 'v'], 6: ['no_echo', 'v'], 7: ['compare', 'v'],
    8: ['epoch', 'f'], 9: ['offset', 'v'], 10: ['ttl_ms', 'v'],
    11: ['item', 's'], 12: ['tags', 'r', TAG], 13: ['removed', 'v'],
    14: ['compare_item', 'v'], 15: ['meta', 's'],
  },
  [Type.PUBLISHED]: {
    1: ['epoch', 'f'], 2: ['offset', 'v'], 3: ['duplicate', 'v'],
  },
  [Type.PUBLICATION]: {
    1: ['offset', 'v'], 2: ['data', 'b'], 3: ['json', 's'],
    4: ['client', 'f'], 5: ['key', 'v'], 6: ['user', 's'], 7: ['time_ms', 'v'],
    8: ['no_echo', 'v'], 9: ['item', 's'], 10: ['tags', 'r', TAG],
    11: ['removed', 'v'], 12: ['channel', 's'], 13: ['epoch', 'f'],
  },
  [Type.RECOVERY]: {
    1: ['from', 'v'], 2: ['to', 'v'], 3: ['live', 'v'], 4: ['gap', 'v'],
    5: ['gap_from', 'v'], 6: ['gap_to', 'v'],
  },
  [Type.LAGGED]: {
    1: ['from', 'v'], 2: ['to', 'v'], 3: ['count', 'v'], 4: ['reason', 'v'],
  },
  [Type.PRESENCE_SET]: {
    1: ['state', 's'], 2: ['data', 'b'], 3: ['json', 's'],
    5: ['idle_ms', 'v'],
  },
  [Type.PRESENCE_LEAVE]: {},
  [Type.PRESENCE_GET]: { 1: ['channel', 's'] },
  [Type.PRESENCE_SNAPSHOT]: {
    1: ['version', 'v'], 2: ['members', 'r', MEMBER], 3: ['more', 'v'],
    4: ['mode', 'v'], 5: ['clients', 'v'], 6: ['users', 'v'],
  },
  [Type.PRESENCE_DIFF]: {
    1: ['version', 'v'], 2: ['changes', 'r', CHANGE], 3: ['clients', 'v'],
    4: ['users', 'v'],
  },
  [Type.MESSAGE]: {
    1: ['client', 'f'], 2: ['user', 's'], 3: ['to', 'v'], 4: ['group', 's'],
    5: ['event', 's'], 6: ['data', 'b'], 7: ['json', 's'], 8: ['time_ms', 'v'],
  },
  [Type.RPC]: {
    1: ['method', 's'], 2: ['data', 'b'], 3: ['json', 's'],
    4: ['timeout_ms', 'v'], 5: ['to', 'f'], 6: ['from', 'f'],
    7: ['from_user', 's'],
  },
  [Type.RPC_RESULT]: { 1: ['data', 'b'], 2: ['json', 's'] },
  [Type.REFRESH]: { 1: ['token', 's'] },
  [Type.REFRESHED]: { 1: ['token_ttl_ms', 'v'] },
  [Type.CREDIT]: { 1: ['bytes', 'v'] },
};

function varint(value) {
  const bytes = [];
  let left = BigInt(value);
  while (left > 0x7fn) {
    bytes.push(Number(left & 0x7fn) | 0x80);
    left >>= 7n;
  }
  return [...bytes, Number(left)];
}

function withLength(bytes) {
  return [...varint(bytes.length), ...bytes];
}

function fixed64(value) {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(value), true);
  return [...bytes];
}

function encodeField(number, kind, value, fields) {
  const key = (wireType) => varint(number << 3 | wireType);
  switch (kind) {
    case 'v': return [...key(0), ...varint(value)];
    case 'f': return [...key(1), ...fixed64(value)];
    case 's': return [...key(2), ...withLength(new TextEncoder().encode(value))];
    case 'b': return [...key(2), ...withLength(value)];
    case 'm': return [...key(2), ...withLength(encodeMessage(fields, value))];
    default: return value.flatMap((item) =>
      encodeField(number, kind === 't' ? 's' : 'm', item, fields));
  }
}

function encodeMessage(fields, message) {
  return Object.entries(fields).flatMap(([number, [name, kind, inner]]) =>
    message[name] === undefined
      ? [] : encodeField(Number(number), kind, message[name], inner));
}

/** One frame as an array of bytes. */
export function frame(type, { flags = 0, request = 0, channel = 0 } = {},
  message = {}) {
  const head = [type, flags, ...varint(request), ...varint(channel)];
  return withLength([...head, ...encodeMessage(SCHEMA[type], message)]);
}

class Input {
  constructor(bytes) {
    this.bytes = bytes;
    this.at = 0;
  }

  get isEmpty() {
    return this.at >= this.bytes.length;
  }

  varint() {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = this.bytes[this.at++];
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  }

  take(length) {
    this.at += length;
    return this.bytes.slice(this.at - length, this.at);
  }
}

function decodeField(input, kind, inner) {
  if (kind === 'v') return Number(input.varint());
  if (kind === 'f') {
    const { buffer } = input.take(8);
    return new DataView(buffer).getBigUint64(0, true);
  }
  const bytes = input.take(Number(input.varint()));
  if (kind === 's' || kind === 't') return new TextDecoder().decode(bytes);
  return kind === 'b' ? bytes : decodeMessage(inner, bytes);
}

function decodeMessage(fields, bytes) {
  const input = new Input(bytes);
  const message = {};
  while (!input.isEmpty) {
    const number = Number(input.varint() >> 3n);
    const [name, kind, inner] = fields[number];
    const value = decodeField(input, kind, inner);
    if (kind === 'r' || kind === 't') (message[name] ??= []).push(value);
    else message[name] = value;
  }
  return message;
}

/** Frames of a message of the client: { type, flags, request, channel, body }. */
export function parse(bytes) {
  const input = new Input(bytes);
  const frames = [];
  while (!input.isEmpty) {
    const whole = new Input(input.take(Number(input.varint())));
    const [type, flags] = whole.take(2);
    const request = Number(whole.varint());
    const channel = Number(whole.varint());
    const body = decodeMessage(SCHEMA[type], whole.bytes.slice(whole.at));
    frames.push({ type, flags, request, channel, body });
  }
  return frames;
}
