// SPDX-License-Identifier: MIT
// recording.mjs - recordings as files: made by hand, changed, and replayed.

import { run } from "./cli.mjs";
import { decode, field, frame, TYPE } from "./binary.mjs";

export { field, frame, TYPE };

const HEADER = {
  format: "godwit-recording", version: 1, sdk: "0.1.0", host: "test",
  start: "2026-01-31T23:59:59.123Z", payloads: true,
};

/** Runs `godwit replay` on a text: { code, out, err, lines }. */
export const replay = (text, ...args) =>
  run(["replay", ...args, "-"], { input: text });

/** The objects that it prints for machines, and the summary apart. */
export async function replayJson(text, ...args) {
  const { code, lines, err } = await replay(text, "--json", ...args);
  const all = lines.map((line) => JSON.parse(line));
  return { code, err, all, summary: all.at(-1)?.summary,
    violations: all.filter((line) => line.violation) };
}

export const linesOf = (text) => text.trimEnd().split("\n");
export const textOf = (lines) => lines.map((line) => `${line}\n`).join("");

/** The frames of a line, if it is a message. */
export function framesOf(line) {
  const { in: received, out } = JSON.parse(line);
  const message = received ?? out;
  return message ? decode(Buffer.from(message, "base64")) : [];
}

/** The number of the line, from 0, that is the count-th message with a frame of
 * this type. */
export function indexOf(lines, type, count = 1) {
  return lines.findIndex((line) =>
    framesOf(line).some((f) => f.type === type) && --count === 0);
}

/** A recording of what is given: [t, n, { kind: value }], where a message is an
 * array of frames. */
export function recordingOf(...lines) {
  return textOf([HEADER, ...lines.map(([t, n, what]) => {
    const [[name, value]] = Object.entries(what);
    const shown = Array.isArray(value)
      ? Buffer.concat(value).toString("base64") : value;
    return { t, ...n ? { n } : {}, [name]: shown };
  })].map((line) => JSON.stringify(line)));
}

/** The numbers of frames that binary.mjs does not name. */
export const OK = 7, UNSUBSCRIBE = 10, UNSUBSCRIBED = 11, RECOVERY = 15,
  LAGGED = 16, RPC = 22, RPC_RESULT = 23, CREDIT = 128;

export function fixed64(number, value) {
  const bytes = Buffer.alloc(9);
  bytes[0] = number << 3 | 1;
  bytes.writeBigUInt64LE(BigInt(value), 1);
  return bytes;
}

/** How a connection begins at a time: opened, greeted, welcome. */
export function begin(t, n, { credit = 0 } = {}) {
  const features = credit ? 4 : 0;
  return [
    [t, n, { open: "ws://host/v1/ws" }], [t, n, { opened: "godwit.v1" }],
    [t, n, { out: [frame(TYPE.HELLO, { request: 1 }, field(1, 1),
      field(2, features), field(3, Buffer.alloc(16)), field(9, credit))] }],
    [t, n, { in: [frame(TYPE.WELCOME, { request: 1 }, field(1, 1),
      field(2, features), fixed64(3, 5), fixed64(4, 9), field(7, 25000),
      field(8, 10000))] }],
  ];
}

/** A subscription to "room", number 3, live at offset 0 of epoch 77. */
export function subscribed(t, n, options = {}) {
  const { offset = 0, epoch = 77, since, result = 0, gap, gapFrom, gapTo } = options;
  return [
    [t, n, { out: [frame(TYPE.SUBSCRIBE, { request: 2, channel: 1, flags: 1 },
      field(1, "room"), ...since === undefined ? []
        : [field(2, 1), fixed64(3, 77), field(4, since)])] }],
    [t, n, { in: [frame(TYPE.SUBSCRIBED, { request: 2, channel: 3 },
      fixed64(1, epoch), field(2, offset), field(3, result),
      ...gap ? [field(4, gap)] : [],
      ...gapTo ? [field(5, gapFrom), field(6, gapTo)] : [], field(7, 1))] }],
  ];
}

export const publication = (t, n, offset) =>
  [t, n, { in: [frame(TYPE.PUBLICATION, { channel: 3 }, field(1, offset),
    field(3, `{"n":${offset}}`))] }];

export const closed = (t, n, code = 1006) =>
  [t, n, { closed: { code, reason: "" } }];
