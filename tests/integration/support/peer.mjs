// SPDX-License-Identifier: MIT
// peer.mjs - the raw end of a TCP connection that speaks WebSocket: each frame of
// the server is kept as it came, head and all.

import net from "node:net";
import { encodeFrame, Inbox, TEXT, within } from "./websocket.mjs";

const KEY = "dGhlIHNhbXBsZSBub25jZQ==";

/** The upgrade of RFC 6455, section 1.3; lines: headers in place of its own. */
export function upgrade({ protocol = "godwit.v1.json", path = "/v1/ws",
  version = "HTTP/1.1", method = "GET", headers = {} } = {}) {
  const all = {
    Host: "localhost", Upgrade: "websocket", Connection: "Upgrade",
    "Sec-WebSocket-Key": KEY, "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Protocol": protocol, ...headers,
  };
  const lines = Object.entries(all).filter(([, v]) => v !== undefined)
    .map(([k, v]) => `${k}: ${v}\r\n`).join("");
  return Buffer.from(`${method} ${path} ${version}\r\n${lines}\r\n`, "latin1");
}

export const ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/** The whole frame at the front of the bytes, or null. */
function parse(b) {
  if (b.length < 2) return null;
  let at = 2, length = b[1] & 127;
  if (length === 126) {
    if (b.length < 4) return null;
    length = b.readUInt16BE(2);
    at = 4;
  } else if (length === 127) {
    if (b.length < 10) return null;
    length = Number(b.readBigUInt64BE(2));
    at = 10;
  }
  if (b.length < at + length) return null;
  return {
    fin: b[0] >> 7, rsv: (b[0] >> 4) & 7, opcode: b[0] & 15, masked: b[1] >> 7,
    head: at, payload: b.subarray(at, at + length), size: at + length,
  };
}

export class Peer {
  /** { fin, rsv, opcode, masked, head (bytes), payload } */
  frames = new Inbox();
  /** Resolves when TCP has ended. */
  ended;
  socket;
  #buffer = Buffer.alloc(0);
  #head;
  #isOpen = false;

  static #all = new Set();
  static destroyAll() {
    for (const peer of Peer.#all) peer.socket.destroy();
  }

  constructor(port, host = "127.0.0.1") {
    this.socket = net.connect(port, host);
    this.socket.setNoDelay(true);
    this.socket.on("error", () => {});
    this.socket.on("data", (d) => this.#take(d));
    Peer.#all.add(this);
    this.ended = new Promise((resolve) => this.socket.on("close", () => {
      Peer.#all.delete(this);
      this.frames.end(new Error("the connection has ended"));
      this.#head?.(this.#buffer.toString("latin1"));
      resolve();
    }));
  }

  /** A socket that was upgraded. */
  static async open(port, options) {
    const peer = new Peer(port);
    const head = await peer.ask(upgrade(options));
    if (!head.startsWith("HTTP/1.1 101 ")) throw new Error(head);
    return peer;
  }

  /** Send a request: the head of the answer, or "" when the end comes first. */
  ask(bytes, ms = 5000) {
    const head = new Promise((resolve) => (this.#head = resolve));
    this.write(bytes);
    return within(ms, "an answer", head);
  }

  write(bytes) {
    if (!this.socket.destroyed) this.socket.write(bytes);
  }

  /** So many bytes at a time, each a packet of its own. */
  async drip(bytes, some = 1) {
    for (let at = 0; at < bytes.length; at += some) {
      this.write(bytes.subarray(at, at + some));
      await new Promise((r) => setImmediate(r));
    }
  }

  text(message, options) {
    this.write(encodeFrame(TEXT, message, options));
  }

  /** The next frame with an opcode; others are skipped. */
  async next(opcode, ms = 5000) {
    for (;;) {
      const frame = await this.frames.next(ms, `a frame ${opcode}`);
      if (frame.opcode === opcode) return frame;
    }
  }

  destroy() {
    this.socket.destroy();
  }

  #take(data) {
    this.#buffer = Buffer.concat([this.#buffer, data]);
    if (!this.#isOpen) this.#takeHead();
    for (let f; this.#isOpen && (f = parse(this.#buffer)); ) {
      this.#buffer = this.#buffer.subarray(f.size);
      this.frames.push(f);
    }
  }

  #takeHead() {
    const end = this.#buffer.indexOf("\r\n\r\n");
    if (end < 0 || !this.#head) return;
    const head = this.#buffer.subarray(0, end).toString("latin1");
    this.#buffer = this.#buffer.subarray(end + 4);
    this.#isOpen = head.startsWith("HTTP/1.1 101 ");
    this.#head(head);
    this.#head = null;
  }
}
