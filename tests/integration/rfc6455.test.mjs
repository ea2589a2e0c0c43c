// SPDX-License-Identifier: MIT
// rfc6455.test.mjs - WebSocket frames and handshakes as RFC 6455 has them, and
// every way to get them wrong, from a client that is bytes on a socket. Where it is
// libwebsockets that answers, and leaves no way to be right, the case says what
// happens instead, and docs/libwebsockets.md why.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, before, test } from "node:test";
import { ACCEPT, Peer, upgrade } from "./support/peer.mjs";
import { Server } from "./support/server.mjs";
import {
  BINARY, CLOSE, encodeFrame as frame, PING, PONG, TEXT, within,
} from "./support/websocket.mjs";

/** By a client of its own each time. */
const helloText = () => JSON.stringify({ id: 1, hello: { version: 1,
  instance: randomBytes(16).toString("base64") } });
const PROBE = '{"ping":{"time":"5"}}';

let server;
before(async () => {
  server = await Server.start({});
});
after(async () => {
  Peer.destroyAll();
  await server.end();
});

/** A session of godwit.v1.json. */
async function greeted() {
  const peer = await Peer.open(server.port);
  peer.text(helloText());
  assert.match((await peer.next(TEXT)).payload.toString(), /"welcome"/);
  return peer;
}

/** What comes of bytes: "alive" when the session answers behind them; the code of
 * a close frame, 1005 for an empty one; "ended" when TCP ends without. */
async function outcome(peer, ...parts) {
  for (const part of parts) peer.write(part);
  peer.text(PROBE);
  const others = [];
  for (;;) {
    const f = await peer.frames.next(5000).catch((e) => {
      assert.match(e.message, /has ended/);
      return null;
    });
    if (f === null) return { is: "ended", others };
    assert.deepEqual([f.rsv, f.masked], [0, 0], "a frame of the server");
    if (f.opcode === CLOSE) {
      assert.notEqual(f.payload.length, 1);
      /* Behind bytes that were wrong an answer is not read: there the end of ours is
       * what ends it. */
      peer.socket.end(frame(CLOSE, f.payload));
      await within(5000, "the end of TCP behind a close", peer.ended);
      return {
        is: f.payload.length ? f.payload.readUInt16BE(0) : 1005,
        reason: f.payload.subarray(2).toString(), others,
      };
    }
    if (f.payload.includes('"time":"5"')) return { is: "alive", others };
    others.push(f);
  }
}

/** Each case on a connection of its own. */
function cases(name, wanted, all) {
  test(name, async () => {
    for (const [what, ...parts] of all) {
      const peer = await greeted();
      const { is } = await outcome(peer, ...parts);
      peer.destroy();
      assert.equal(is, wanted, what);
    }
  });
}

const close = (code, reason = "") => {
  const head = Buffer.alloc(2);
  head.writeUInt16BE(code);
  return frame(CLOSE, Buffer.concat([head, Buffer.from(reason)]));
};

/* ---- lengths ----------------------------------------------------------------- */

const LENGTHS = [21, 125, 126, 127, 128, 65534, 65535, 65536];
const padded = (n) => '{"ping":{"time":"6"}}'.padEnd(n);

cases("messages of each length around the steps of the encoding", "alive",
  LENGTHS.map((n) => [n, frame(TEXT, padded(n))]));

test("the server's own lengths are the shortest that say it", async () => {
  const peer = await greeted();
  peer.text('{"id":2,"channel":1,"alias":true,"subscribe":{"channel":"a"}}');
  await peer.next(TEXT);
  const heads = new Set();
  for (const n of [1, 20, 40, 60, 100, 1000, 60000]) {
    peer.text(JSON.stringify({ publish: { channel: "a",
      json: `"${"x".repeat(n)}"` } }));
    const f = await peer.next(TEXT);
    const { length } = f.payload;
    assert.equal(f.head, length < 126 ? 2 : length < 65536 ? 4 : 10);
    assert.deepEqual([f.fin, f.rsv, f.masked], [1, 0, 0]);
    heads.add(f.head);
  }
  assert.deepEqual([...heads], [2, 4]);
  peer.destroy();
});

/* 5.2 wants the shortest; any is taken, which harms nobody. */
cases("a length in more bytes than it needs is read", "alive", [
  ["16 bits for 21", Buffer.from([0x81, 0xfe, 0, 21, 0, 0, 0, 0]), PROBE],
  ["64 bits for 21", Buffer.from([0x81, 0xff, 0, 0, 0, 0, 0, 0, 0, 21,
    0, 0, 0, 0]), PROBE],
]);

cases("a length with its top bit set is an error", 1002, [
  ["2^63 + 21", Buffer.from([0x81, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 21,
    0, 0, 0, 0]), PROBE],
]);

/* ---- fragments ----------------------------------------------------------------- */

test("a message in fragments, with control frames between them", async () => {
  const message = Buffer.from(padded(3000));
  for (const some of [1, 7, 125, 126, 512, 2999]) {
    const peer = await greeted();
    const parts = [];
    for (let at = 0; at < message.length; at += some) {
      parts.push(frame(at === 0 ? TEXT : 0, message.subarray(at, at + some),
        { fin: at + some >= message.length }));
      if (at % 50 === 0) parts.push(frame(PING, `at ${at}`));
      if (at % 70 === 0) parts.push(frame(PONG, "nobody asked"));
    }
    const { is, others } = await outcome(peer, Buffer.concat(parts));
    assert.equal(is, "alive", `fragments of ${some}`);
    const text = others.filter((f) => f.opcode === TEXT);
    assert.match(text[0].payload.toString(), /"pong":\{"time":"6"\}/);
    if (!others.some((f) => f.opcode === PONG)) await peer.next(PONG);
    peer.destroy();
  }
});

cases("fragments that are empty", "alive", [
  ["all but the last", frame(TEXT, "", { fin: false }),
    frame(0, "", { fin: false }), frame(0, padded(21))],
  ["the last", frame(TEXT, padded(21), { fin: false }), frame(0, "")],
  ["all", frame(TEXT, "", { fin: false }), frame(0, "")],
  ["a whole message", frame(TEXT, "")],
]);

cases("fragments out of place are an error", 1002, [
  ["a continuation of nothing", frame(0, "x")],
  ["one that is not the last", frame(0, "x", { fin: false })],
  ["a second end", frame(TEXT, " ", { fin: false }), frame(0, " "),
    frame(0, "x")],
  ["text within text", frame(TEXT, "x", { fin: false }), frame(TEXT, "y")],
  ["binary within text", frame(TEXT, "x", { fin: false }), frame(BINARY, "y")],
  ["a ping in fragments", frame(PING, "x", { fin: false })],
  ["a pong in fragments", frame(PONG, "x", { fin: false })],
  ["a close in fragments", frame(CLOSE, "", { fin: false })],
]);

/* ---- control frames -------------------------------------------------------------- */

test("a ping is answered by a pong with the same payload", async () => {
  const peer = await greeted();
  for (const payload of ["", "x", Buffer.alloc(125, 0xfe)]) {
    peer.write(frame(PING, payload));
    const f = await peer.frames.next();
    assert.deepEqual([f.opcode, f.fin, f.rsv, f.masked, f.payload],
      [PONG, 1, 0, 0, Buffer.from(payload)]);
  }
  peer.destroy();
});

/* 5.5.3 allows one pong for the latest ping. */
test("of many pings at once the latest is answered", async () => {
  const peer = await greeted();
  const pings = Array.from({ length: 200 }, (_, i) => frame(PING, `${i}`));
  const { is, others } = await outcome(peer, Buffer.concat(pings));
  assert.equal(is, "alive");
  const numbers = others.filter((f) => f.opcode === PONG)
    .map((f) => Number(f.payload));
  assert.equal(numbers.at(-1), 199);
  assert.deepEqual(numbers, [...new Set(numbers)].sort((a, b) => a - b));
  peer.destroy();
});

cases("a pong that nobody asked for is passed by", "alive", [
  ["empty", frame(PONG, "")],
  ["the longest", frame(PONG, Buffer.alloc(125))],
]);

cases("a control frame that is too long is an error", 1002, [
  ["a ping", frame(PING, Buffer.alloc(126))],
  ["a pong", frame(PONG, Buffer.alloc(126))],
  ["a close", close(1000, "x".repeat(124))],
]);

/* ---- reserved ---------------------------------------------------------------------- */

cases("reserved bits are an error", 1002,
  [1, 2, 3, 4, 5, 6, 7].flatMap((rsv) => [
    [`text ${rsv}`, frame(TEXT, padded(21), { rsv })],
    [`ping ${rsv}`, frame(PING, "", { rsv })],
    [`close ${rsv}`, frame(CLOSE, "", { rsv })],
  ]));

cases("reserved opcodes are an error", 1002,
  [3, 4, 5, 6, 7, 11, 12, 13, 14, 15].flatMap((opcode) => [
    [`${opcode}, empty`, frame(opcode, "")],
    [`${opcode}`, frame(opcode, "payload")],
  ]));

cases("frames without a mask are an error", 1002, [
  ["text", frame(TEXT, padded(21), { mask: null })],
  ["ping", frame(PING, "x", { mask: null })],
]);

cases("a mask may be any four bytes", "alive", [
  ["zeros", frame(TEXT, padded(300), { mask: Buffer.alloc(4) })],
  ["ones", frame(TEXT, padded(300), { mask: Buffer.alloc(4, 255) })],
]);

/* ---- text --------------------------------------------------------------------------- */

const GOOD_TEXT = ["κόσμε", "\u0080", "\u07ff", "\u0800", "\uffff", "\u{10000}",
  "\u{10ffff}", "\ufeff", "\ufffd"];
const BAD_TEXT = {
  "a continuation byte": [0x80], "the last of them": [0xbf],
  "half a character": [0xce], "two thirds of one": [0xe2, 0x82],
  "three quarters of one": [0xf0, 0x9f, 0x98],
  "a slash in two bytes": [0xc0, 0xaf], "in three": [0xe0, 0x80, 0xaf],
  "in four": [0xf0, 0x80, 0x80, 0xaf], "0x7f in two": [0xc1, 0xbf],
  "a high surrogate": [0xed, 0xa0, 0x80], "a low one": [0xed, 0xbf, 0xbf],
  "beyond Unicode": [0xf4, 0x90, 0x80, 0x80], "five bytes": [0xf8, 0x88, 0x80,
    0x80, 0x80], "six": [0xfc, 0x84, 0x80, 0x80, 0x80, 0x80],
  "0xfe": [0xfe], "0xff": [0xff], "half and another": [0xce, 0x41],
};
const published = (bytes) => Buffer.concat([
  Buffer.from('{"id":3,"publish":{"channel":"t","json":"\\"'),
  Buffer.from(bytes), Buffer.from('\\""}}')]);

/** A message cut behind each of its bytes from one on. */
function cuts(message, from, to) {
  const all = [];
  for (let at = from; at <= to; at++)
    all.push([`cut at ${at}`, frame(TEXT, message.subarray(0, at),
      { fin: false }), frame(0, message.subarray(at))]);
  return all;
}

cases("text of all of Unicode, cut within characters", "alive", [
  ...GOOD_TEXT.map((t) => [t, frame(TEXT, published(Buffer.from(t)))]),
  ...cuts(published(Buffer.from("\u{1f600}é")), 44, 52),
]);

cases("text that is not UTF-8 is an error, wherever it is", 1007,
  Object.entries(BAD_TEXT).flatMap(([what, bytes]) => [
    [`${what} in a value`, frame(TEXT, published(bytes))],
    [`${what} in a key`, frame(TEXT, Buffer.concat([Buffer.from('{"'),
      Buffer.from(bytes), Buffer.from('":1}')]))],
    [`${what} in front`, frame(TEXT, Buffer.concat([Buffer.from(bytes),
      Buffer.from("{}")]))],
    [`${what} in the end`, frame(TEXT, Buffer.concat([Buffer.from(PROBE),
      Buffer.from(bytes)]))],
    [`${what} over fragments`, frame(TEXT, bytes, { fin: false }),
      frame(0, " ")],
  ]));

/* ---- close ----------------------------------------------------------------------------- */

for (const code of [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012,
  1013, 1014, 3000, 3999, 4000, 4999])
  cases(`close ${code} is answered by the same`, code, [
    ["without a reason", close(code)],
    ["with one", close(code, "because")],
    ["with the longest", close(code, "é".repeat(61))],
  ]);

cases("a close without a code is answered by one", 1005,
  [["empty", frame(CLOSE, "")]]);

cases("codes that may not be sent are an error", 1002,
  [0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999,
    5000, 32768, 65535].map((code) => [code, close(code)]));

cases("half a code is an error", 1002, [["one byte", frame(CLOSE, "x")]]);

cases("a reason that is not UTF-8 is an error", 1007,
  Object.entries(BAD_TEXT).map(([what, bytes]) =>
    [what, close(1000, Buffer.from(bytes))]));

test("behind a close nothing is read", async () => {
  const peer = await greeted();
  const { is, others } = await outcome(peer,
    Buffer.concat([close(1000), frame(TEXT, padded(21)), frame(PING, "x")]));
  assert.equal(is, 1000);
  assert.deepEqual(others, []);
});

/* ---- handshakes -------------------------------------------------------------------------- */

test("the handshake of the RFC's own example", async () => {
  const peer = new Peer(server.port);
  const head = await peer.ask(upgrade());
  assert.match(head, /^HTTP\/1\.1 101 /);
  const lines = head.split("\r\n").slice(1).map((l) => l.toLowerCase());
  for (const line of ["upgrade: websocket", "connection: upgrade",
    `sec-websocket-accept: ${ACCEPT.toLowerCase()}`,
    "sec-websocket-protocol: godwit.v1.json"])
    assert.ok(lines.includes(line), `${line} in ${head}`);
  assert.ok(!/sec-websocket-extensions/i.test(head));
  peer.destroy();
});

const changed = (headers, more = {}) => upgrade({ headers, ...more });
const HANDSHAKES = {
  101: {
    "names and words in another case": changed(
      { Upgrade: "WebSocket", Connection: "keep-alive, upgrade" }),
    "extensions that nobody speaks": changed(
      { "Sec-WebSocket-Extensions": "permessage-deflate; x=1, foo" }),
    "several subprotocols": changed(
      { "Sec-WebSocket-Protocol": "chat, godwit.v1.json, godwit.v1" }),
    "many headers": changed(Object.fromEntries(
      Array.from({ length: 300 }, (_, i) => [`X-${i}`, "y"]))),
    "an empty body": changed({ "Content-Length": "0" }),
  },
  400: {
    "no key": changed({ "Sec-WebSocket-Key": undefined }),
    "a short key": changed({ "Sec-WebSocket-Key": "AAAA" }),
    "a key that is no base64": changed(
      { "Sec-WebSocket-Key": "!!!!!!!!!!!!!!!!!!!!!!==" }),
    "a key of 17 bytes": changed(
      { "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAAA=" }),
    "a key of 18 bytes": changed(
      { "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAAAA" }),
    "no subprotocol of ours": changed({ "Sec-WebSocket-Protocol": "chat" }),
    "no Connection": changed({ Connection: undefined }),
    "Connection: close": changed({ Connection: "close" }),
    "no Host": changed({ Host: undefined }),
    "another upgrade": changed({ Upgrade: "h2c" }),
    "a body": changed({ "Content-Length": "5" }),
    "a body in chunks": changed({ "Transfer-Encoding": "chunked" }),
    POST: changed({}, { method: "POST" }),
    HEAD: changed({}, { method: "HEAD" }),
    PUT: changed({}, { method: "PUT" }),
    "HTTP/1.0": changed({}, { version: "HTTP/1.0" }),
    "HTTP/2.0": changed({}, { version: "HTTP/2.0" }),
  },
  404: { "another path": changed({}, { path: "/v2/ws" }) },
  426: {
    "no upgrade": changed({ Upgrade: undefined }),
    "version 12": changed({ "Sec-WebSocket-Version": "12" }),
    "version 14": changed({ "Sec-WebSocket-Version": "14" }),
    "versions 13 and 8": changed({ "Sec-WebSocket-Version": "13, 8" }),
    "no version": changed({ "Sec-WebSocket-Version": undefined }),
  },
  /* libwebsockets hangs up without a word. */
  none: {
    "a header that is too large": changed({ "X-Big": "x".repeat(9000) }),
    "too many headers": changed(Object.fromEntries(
      Array.from({ length: 3000 }, (_, i) => [`X-${i}`, "y"]))),
    "an address that is too long": changed({},
      { path: `/v1/ws?${"x".repeat(9000)}` }),
  },
};

for (const [status, all] of Object.entries(HANDSHAKES))
  test(`handshakes that are answered by ${status}`, async () => {
    for (const [what, bytes] of Object.entries(all)) {
      const peer = new Peer(server.port);
      const head = await peer.ask(bytes);
      assert.equal(head.split(" ")[1] ?? "none", status, `${what}: ${head}`);
      if (status === "426")
        assert.match(head, /sec-websocket-version: 13\r\n/i, what);
      if (status !== "101" && status !== "426" && status !== "404")
        await within(5000, `the end behind ${what}`, peer.ended);
      peer.destroy();
    }
  });

test("bytes in the packet of the handshake are read", async () => {
  const peer = new Peer(server.port);
  const head = await peer.ask(Buffer.concat([
    upgrade(), frame(TEXT, helloText()), frame(TEXT, PROBE), frame(PING, "x")]));
  assert.match(head, /^HTTP\/1\.1 101 /);
  assert.match((await peer.next(TEXT)).payload.toString(), /"welcome"/);
  assert.match((await peer.next(TEXT)).payload.toString(), /"time":"5"/);
  peer.destroy();
});

/* 4.1 has clients wait for the answer; who does not is read all the same, wherever
 * the packet ends. */
test("a part of a frame in the packet of the handshake is read", async () => {
  const first = frame(TEXT, helloText());
  for (const at of [1, 2, 3, 5, 6, 7, first.length - 1]) {
    const peer = new Peer(server.port);
    const head = await peer.ask(Buffer.concat([upgrade(),
      first.subarray(0, at)]));
    assert.match(head, /^HTTP\/1\.1 101 /);
    await new Promise((r) => setTimeout(r, 20));
    peer.write(first.subarray(at));
    assert.match((await peer.next(TEXT)).payload.toString(), /"welcome"/,
      `cut at ${at}`);
    peer.text(PROBE);
    assert.match((await peer.next(TEXT)).payload.toString(), /"time":"5"/);
    peer.destroy();
  }
});

/* ---- interleaved -------------------------------------------------------------------------- */

test("a handshake and frames a byte at a time", async () => {
  const peer = new Peer(server.port);
  const head = peer.ask(Buffer.alloc(0), 20000);
  await peer.drip(upgrade());
  assert.match(await head, /^HTTP\/1\.1 101 /);
  await peer.drip(Buffer.concat([frame(TEXT, helloText()), frame(PING, "slow"),
    frame(TEXT, padded(200))]));
  assert.match((await peer.next(TEXT)).payload.toString(), /"welcome"/);
  assert.match((await peer.next(TEXT)).payload.toString(), /"time":"6"/);
  peer.destroy();
});

test("forty connections, byte by byte in turn, each gets its own", async () => {
  const peers = await Promise.all(
    Array.from({ length: 40 }, () => Peer.open(server.port)));
  const bytes = peers.map((_, i) => Buffer.concat([
    frame(TEXT, helloText()),
    frame(TEXT, `{"id":2,"channel":1,"alias":true,"subscribe":{"channel":` +
      `"turn:${i}"}}`),
    frame(TEXT, `{"publish":{"channel":"turn:${i}",`, { fin: false }),
    frame(PING, `${i}`), frame(0, `"json":"`, { fin: false }),
    frame(0, `${i}"}}`), frame(TEXT, PROBE)]));
  const longest = Math.max(...bytes.map((b) => b.length));
  for (let at = 0; at < longest; at++) {
    peers.forEach((p, i) => p.write(bytes[i].subarray(at, at + 1)));
    if (at % 4 === 0) await new Promise((r) => setImmediate(r));
  }
  await Promise.all(peers.map(async (peer, i) => {
    const texts = [], pongs = [];
    const is = (part) => texts.some((t) => t.includes(part));
    while (!is('"time":"5"') || !is('"publication"') || !pongs.length) {
      const f = await peer.frames.next(10000);
      (f.opcode === PONG ? pongs : texts).push(f.payload.toString());
    }
    assert.deepEqual(pongs, [`${i}`]);
    const own = texts.join("\n").match(/"json":"(\d+)"/g);
    assert.deepEqual(own, [`"json":"${i}"`]);
    peer.destroy();
  }));
});
