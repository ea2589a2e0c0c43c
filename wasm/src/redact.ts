// SPDX-License-Identifier: MIT
// redact.ts - overwrites what a recording must not hold, in place: no byte of a
// message moves, so that sizes and credit stay what they were.

/** What a field is overwritten with: stars for a text; zeros for bytes; a JSON
 * value, 0 and blanks. */
const enum Fill { TEXT, BYTES, JSON }

/** Fields of a message by number: what they become, or the messages in them. */
interface Fields { readonly [field: number]: Fill | Fields }

/** Messages by the type of their frame. */
interface Types { readonly [type: number]: Fields }

/** Who has one of these can take the client's place: tokens, the secret that the
 * public id is made of, what resumes a session. */
const SECRETS: Types = {
  1: { 3: Fill.BYTES, 4: Fill.TEXT, 5: Fill.BYTES }, // Hello
  2: { 12: Fill.BYTES }, // Welcome
  8: { 5: Fill.TEXT }, // Subscribe
  24: { 1: Fill.TEXT }, // Refresh
};

const META = { 13: Fill.JSON };
const VALUE = { 1: Fill.BYTES, 2: Fill.JSON };
const MEMBER = { 4: Fill.BYTES, 5: Fill.JSON };

/** What applications say to each other. */
const PAYLOADS: Types = {
  8: META, // Subscribe
  9: META, // Subscribed
  12: { 2: Fill.BYTES, 3: Fill.JSON, 15: Fill.JSON }, // Publish
  14: { 2: Fill.BYTES, 3: Fill.JSON, 14: Fill.BYTES }, // Publication
  17: { 2: Fill.BYTES, 3: Fill.JSON }, // PresenceSet
  20: { 2: MEMBER }, // PresenceSnapshot
  21: { 2: { 2: MEMBER } }, // PresenceDiff
  22: { 2: Fill.BYTES, 3: Fill.JSON }, // Rpc
  23: VALUE, // RpcResult
  29: { 1: Fill.JSON }, // ChannelMeta
  34: { 6: Fill.BYTES, 7: Fill.JSON }, // Message
  35: { 9: Fill.BYTES, 10: Fill.JSON }, // Send
};

/** MORE and COMPRESSED: the body is no message. */
const OPAQUE = 2 | 4;
const STAR = 0x2a;
const BLANK = 0x20;
const ZERO = 0x30;

/** Bytes that do not follow the rules. */
class Malformed extends Error {}

/** Reads what is between two places of a message. */
class Cursor {
  readonly bytes: Uint8Array;
  at: number;
  readonly end: number;

  constructor(bytes: Uint8Array, at: number, end: number) {
    if (end > bytes.length) throw new Malformed();
    this.bytes = bytes;
    this.at = at;
    this.end = end;
  }

  byte(): number {
    if (this.at >= this.end) throw new Malformed();
    return this.bytes[this.at++]!;
  }

  /** Exact up to 2 ** 53: lengths and numbers of fields are far below. */
  varint(): number {
    for (let value = 0, scale = 1, i = 0; i < 10; i++, scale *= 128) {
      const byte = this.byte();
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
    throw new Malformed();
  }

  /** The next so many bytes. */
  part(length: number): Cursor {
    const part = new Cursor(this.bytes, this.at, this.at + length);
    if (part.end > this.end) throw new Malformed();
    this.at = part.end;
    return part;
  }

  overwrite(fill: Fill): void {
    this.bytes.fill(
      [STAR, 0, BLANK][fill]!, this.at, this.end);
    if (fill === Fill.JSON && this.at < this.end) this.bytes[this.at] = ZERO;
  }
}

function redactFields(message: Cursor, fields: Fields): void {
  while (message.at < message.end) {
    const tag = message.varint();
    const field = fields[Math.floor(tag / 8)];
    switch (tag % 8) {
      case 0: message.varint(); break;
      case 1: message.part(8); break;
      case 5: message.part(4); break;
      case 2: {
        const value = message.part(message.varint());
        if (typeof field === 'object') redactFields(value, field);
        else if (field !== undefined) value.overwrite(field);
        break;
      }
      default: throw new Malformed();
    }
  }
}

function redactFrame(frame: Cursor, tables: readonly Types[]): void {
  const type = frame.byte();
  const flags = frame.byte();
  frame.varint();
  frame.varint();
  for (const table of tables) {
    const fields = table[type];
    if (!fields) continue;
    const body = new Cursor(frame.bytes, frame.at, frame.end);
    if (flags & OPAQUE) body.overwrite(Fill.BYTES);
    else redactFields(body, fields);
  }
}

/**
 * Overwrites the secrets of a message of whole frames, and with `payloads` what
 * applications wrote. What cannot be read is overwritten to its end, unless it
 * came from the server and payloads are kept: that is what somebody looks for.
 */
export function redact(
  bytes: Uint8Array, isOut: boolean, payloads: boolean,
): void {
  const tables = payloads ? [SECRETS] : [SECRETS, PAYLOADS];
  const message = new Cursor(bytes, 0, bytes.length);
  while (message.at < message.end) {
    const start = message.at;
    try {
      redactFrame(message.part(message.varint()), tables);
    } catch {
      if (isOut || !payloads) bytes.fill(0, start);
      return;
    }
  }
}
