// SPDX-License-Identifier: MIT
// websocket.mjs - a WebSocket client that can also break the rules (RFC 6455).

import { createHash, randomBytes } from "node:crypto";
import net from "node:net";
import tls from "node:tls";

const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

export const TEXT = 1;
export const BINARY = 2;
export const CLOSE = 8;
export const PING = 9;
export const PONG = 10;

/** The bytes of one frame, masked as clients have to unless told otherwise. */
export function encodeFrame(opcode, payload, options = {}) {
  const { fin = true, mask = randomBytes(4), rsv = 0, claim } = options;
  const body = Buffer.from(payload);
  const length = claim ?? body.length;
  const head = [(fin ? 0x80 : 0) | (rsv << 4) | opcode];
  const bit = mask ? 0x80 : 0;
  if (length < 126) {
    head.push(bit | length);
  } else if (length < 65536) {
    head.push(bit | 126, length >> 8, length & 255);
  } else {
    const long = Buffer.alloc(8);
    long.writeBigUInt64BE(BigInt(length));
    head.push(bit | 127, ...long);
  }
  if (mask) for (let i = 0; i < body.length; i++) body[i] ^= mask[i & 3];
  return Buffer.concat([Buffer.from(head), mask || Buffer.alloc(0), body]);
}

/** Rejects after ms, naming what was waited for. */
export function within(ms, what, promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(
      () => reject(new Error(`${what}: nothing within ${ms} ms`)), ms);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** A queue that can be waited on. */
export class Inbox {
  #items = [];
  #waiting = [];
  #end = null;

  push(item) {
    const next = this.#waiting.shift();
    if (next) next.resolve(item);
    else this.#items.push(item);
  }

  /** Whoever waits, now or later, gets this once the items are used up. */
  end(error) {
    this.#end ??= error;
    for (const w of this.#waiting.splice(0)) w.reject(this.#end);
  }

  get length() {
    return this.#items.length;
  }

  next(ms = 5000, what = "a message") {
    if (this.#items.length) return Promise.resolve(this.#items.shift());
    if (this.#end) return Promise.reject(this.#end);
    return within(ms, what, new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
    }));
  }
}

/** A TCP connection that speaks HTTP once, then WebSocket frames. */
export class RawWebSocket {
  /** Messages: Buffer, or string for text. */
  messages = new Inbox();
  /** Resolves with { code, reason } of the peer's close frame, or with code 0
   * when the connection ended without one. */
  closed;

  #socket;
  #buffer = Buffer.alloc(0);
  #parts = [];
  #onClosed;
  #onHead;
  #closeFrame = null;
  #answersClose = true;

  static #open = new Set();

  /** End what a failed test has left open, as it would keep node waiting. */
  static destroyAll() {
    for (const ws of RawWebSocket.#open) ws.destroy();
  }

  /** secure: options of tls.connect, to speak TLS; unix: path of a Unix socket;
   * preface: bytes in front of everything, such as a PROXY header. */
  constructor(port, { host = "127.0.0.1", allowHalfOpen = false, secure, unix,
    preface } = {}) {
    this.closed = new Promise((resolve) => (this.#onClosed = resolve));
    const to = unix ? { path: unix } : { port, host };
    const plain = !secure || preface
      ? net.connect({ ...to, allowHalfOpen }) : undefined;
    if (preface) plain.write(preface);
    this.#socket = secure ? tls.connect({ servername: "localhost",
      ...(plain ? { socket: plain } : to), ...secure }) : plain;
    this.#socket.setNoDelay(true);
    this.#socket.on("data", (data) => this.#onData(data));
    this.#socket.on("error", () => {});
    this.#socket.on("close", () => this.#finish());
    this.pongs = new Inbox();
    RawWebSocket.#open.add(this);
  }

  get socket() {
    return this.#socket;
  }

  /** Send the upgrade request; resolves with { status, headers, body }. */
  handshake(options = {}) {
    const { path = "/v1/ws", protocol, headers = {}, rest = "" } = options;
    const key = options.key ?? randomBytes(16).toString("base64");
    const all = {
      Host: "localhost", Upgrade: "websocket", Connection: "Upgrade",
      "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": key,
      ...(protocol ? { "Sec-WebSocket-Protocol": protocol } : {}),
      ...headers,
    };
    const lines = Object.entries(all).map(([k, v]) => `${k}: ${v}\r\n`);
    this.#socket.write(`GET ${path} HTTP/1.1\r\n${lines.join("")}\r\n`);
    if (rest) this.#socket.write(rest);
    return within(options.ms ?? 5000, "an answer to the handshake",
      new Promise((resolve, reject) => {
        this.#onHead = { resolve, reject };
      })).then((answer) => {
      if (answer.status === 101) {
        const wanted = createHash("sha1").update(key + GUID).digest("base64");
        if (answer.headers["sec-websocket-accept"] !== wanted)
          throw new Error("wrong Sec-WebSocket-Accept");
      }
      return answer;
    });
  }

  write(bytes) {
    this.#socket.write(bytes);
  }

  /** Send a message: strings as text, buffers as binary. */
  send(data, options) {
    const opcode = typeof data === "string" ? TEXT : BINARY;
    this.#socket.write(encodeFrame(opcode, Buffer.from(data), options));
  }

  close(code = 1000, reason = "") {
    const body = Buffer.alloc(2 + Buffer.byteLength(reason));
    body.writeUInt16BE(code);
    body.write(reason, 2);
    this.#answersClose = false;
    if (!this.#socket.destroyed) this.#socket.write(encodeFrame(CLOSE, body));
    return this.closed;
  }

  /** Read no more, so that the kernel's buffers fill up. */
  pause() {
    this.#socket.pause();
  }

  resume() {
    this.#socket.resume();
  }

  destroy() {
    this.#socket.destroy();
  }

  #onData(data) {
    this.#buffer = Buffer.concat([this.#buffer, data]);
    if (this.#onHead) this.#readHead();
    if (!this.#onHead) while (this.#readFrame()) continue;
  }

  #readHead() {
    const end = this.#buffer.indexOf("\r\n\r\n");
    if (end < 0) return;
    const [first, ...lines] =
      this.#buffer.subarray(0, end).toString("latin1").split("\r\n");
    const headers = {};
    for (const line of lines) {
      const colon = line.indexOf(":");
      headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim();
    }
    const length = Number(headers["content-length"] ?? 0);
    if (this.#buffer.length < end + 4 + length) return;
    const body = this.#buffer.subarray(end + 4, end + 4 + length).toString();
    this.#buffer = this.#buffer.subarray(end + 4 + length);
    const { resolve } = this.#onHead;
    this.#onHead = null;
    resolve({ status: Number(first.split(" ")[1]), headers, body });
  }

  /** Takes one frame from the buffer; false when it is not whole yet. */
  #readFrame() {
    const b = this.#buffer;
    if (b.length < 2) return false;
    let length = b[1] & 0x7f, at = 2;
    if (length === 126) {
      if (b.length < 4) return false;
      length = b.readUInt16BE(2);
      at = 4;
    } else if (length === 127) {
      if (b.length < 10) return false;
      length = Number(b.readBigUInt64BE(2));
      at = 10;
    }
    if (b.length < at + length) return false;
    const payload = b.subarray(at, at + length);
    this.#buffer = b.subarray(at + length);
    this.#onFrame(b[0] & 15, (b[0] & 0x80) !== 0, payload);
    return true;
  }

  #onFrame(opcode, fin, payload) {
    if (opcode === PING) {
      this.#socket.write(encodeFrame(PONG, payload));
    } else if (opcode === PONG) {
      this.pongs.push(payload);
    } else if (opcode === CLOSE) {
      /* The first counts: what follows one is nothing to go by. */
      this.#closeFrame ??= {
        code: payload.length >= 2 ? payload.readUInt16BE(0) : 1005,
        reason: payload.subarray(2).toString(),
      };
      if (this.#answersClose)
        this.#socket.write(encodeFrame(CLOSE, payload.subarray(0, 2)));
      this.#answersClose = false;
    } else {
      if (opcode !== 0) this.#parts = [opcode];
      this.#parts.push(payload);
      if (!fin) return;
      const whole = Buffer.concat(this.#parts.slice(1));
      this.messages.push(this.#parts[0] === TEXT ? whole.toString() : whole);
      this.#parts = [];
    }
  }

  #finish() {
    RawWebSocket.#open.delete(this);
    const end = this.#closeFrame ?? { code: 0, reason: "" };
    this.#onClosed(end);
    const error = new Error(`closed: ${end.code} ${end.reason}`);
    this.messages.end(error);
    this.pongs.end(error);
    this.#onHead?.reject(error);
    this.#onHead = null;
  }
}

/** An open WebSocket of a subprotocol. */
export async function openWebSocket(port, options = {}) {
  const ws = new RawWebSocket(port, options);
  const answer = await ws.handshake({ protocol: "godwit.v1.json", ...options });
  if (answer.status !== 101) {
    ws.destroy();
    throw new Error(`HTTP ${answer.status}: ${answer.body}`);
  }
  return ws;
}
