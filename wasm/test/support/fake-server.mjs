// SPDX-License-Identifier: MIT
// fake-server.mjs - a server in the same program, whose every answer a test may
// script; server.WebSocket is what a client connects to it with.

import { settled } from './check.mjs';
import { frame, parse, Type } from './wire.mjs';

/** Epoch of every stream, and public id of every client, unless a test says
 * otherwise. */
export const EPOCH = 0x00000000deadbeefn;
export const CLIENT = 0x1122334455667788n;

const ALIAS = 1;

export class FakeServer {
  /** Open connections, the last one last. */
  connections = [];
  /** Every frame of every client, in order. */
  received = [];
  isDown = false;
  /** Frame type: (connection, frame) => void, in place of what follows. */
  on = {};
  #numbers = new Map();

  constructor() {
    const server = this;
    this.WebSocket = class FakeWebSocket {
      onopen = null;
      onmessage = null;
      onclose = null;
      onerror = null;
      binaryType = 'blob';

      constructor(url, protocols) {
        this.url = url;
        this.protocols = protocols;
        setTimeout(() => server.#accept(this), 0);
      }

      send(data) {
        if (this.closed) return;
        server.#receive(this, new Uint8Array(data));
      }

      close(code, reason) {
        if (code !== undefined && code !== 1000 && !(code >= 3000)) {
          throw new Error(`close code ${code}`);
        }
        this.closeCode = code;
        server.#gone(this);
        setTimeout(() => this.onclose?.({ code, reason, wasClean: true }), 0);
      }
    };
  }

  get connection() {
    return this.connections.at(-1);
  }

  framesOf(type) {
    return this.received.filter((f) => f.type === type);
  }

  /** Number of a channel by its name. */
  number(channel) {
    if (!this.#numbers.has(channel)) {
      this.#numbers.set(channel, 100 + this.#numbers.size);
    }
    return this.#numbers.get(channel);
  }

  #accept(ws) {
    if (ws.closed) return;
    if (this.isDown) {
      ws.closed = true;
      ws.onerror?.({});
      ws.onclose?.({ code: 1006, reason: '', wasClean: false });
      return;
    }
    ws.alias = new Map();
    this.connections.push(ws);
    ws.onopen?.({});
  }

  #gone(ws) {
    ws.closed = true;
    this.connections = this.connections.filter((c) => c !== ws);
  }

  #receive(ws, bytes) {
    for (const received of parse(bytes)) {
      this.received.push(received);
      const answer = this.on[received.type] ?? ANSWERS[received.type];
      setTimeout(() => ws.closed || answer?.(this, ws, received), 0);
    }
  }

  /** Send frames, in one message. */
  send(...frames) {
    this.sendTo(this.connection, ...frames);
  }

  /** The same, until the client has taken them in. */
  async deliver(...frames) {
    this.send(...frames);
    await settled();
  }

  sendTo(ws, ...frames) {
    ws.onmessage?.({ data: Uint8Array.from(frames.flat()).buffer });
  }

  /** Cut all connections, as a crash does. */
  cut(code = 1006, reason = '') {
    for (const ws of this.connections) {
      ws.closed = true;
      ws.onclose?.({ code, reason, wasClean: false });
    }
    this.connections = [];
  }

  /** Answer to a Hello; more: other fields. */
  welcome({ request }, more = {}) {
    return frame(Type.WELCOME, { request }, {
      version: 1, connection: 0xabcn, client: CLIENT, user: 'ann',
      limits: { max_frame_bytes: 65536, max_channel_bytes: 255 },
      ping_interval_ms: 25000, ping_timeout_ms: 10000, time_ms: Date.now(),
      server: 'fake/1', ...more,
    });
  }

  /** A publication frame. */
  publication(channel, offset, json, more = {}) {
    return frame(Type.PUBLICATION, { channel: this.number(channel) },
      { offset, json: JSON.stringify(json), ...more });
  }

  /** Answer to a Subscribe, live at once; more: other fields. */
  subscribed({ request, body, channel }, more = {}) {
    this.connection.alias.set(channel, body.channel);
    const position = body.recover
      ? { epoch: body.epoch || EPOCH, offset: body.offset ?? 0 }
      : { epoch: EPOCH, offset: 0 };
    return frame(Type.SUBSCRIBED,
      { request, channel: this.number(body.channel) },
      { ...position, live: 1, ...more });
  }
}

/** What a server does that nobody scripted: it agrees. */
const ANSWERS = {
  [Type.HELLO]: (server, ws, received) =>
    server.sendTo(ws, server.welcome(received)),
  [Type.SUBSCRIBE]: (server, ws, received) =>
    server.sendTo(ws, server.subscribed(received)),
  [Type.UNSUBSCRIBE]: (server, ws, { request }) =>
    server.sendTo(ws, frame(Type.UNSUBSCRIBED, { request })),
  [Type.PUBLISH]: (server, ws, { request, body }) =>
    server.sendTo(ws, frame(Type.PUBLISHED, { request },
      { epoch: EPOCH, offset: body.key ?? 1 })),
  [Type.PRESENCE_SET]: (server, ws, { request }) =>
    server.sendTo(ws, frame(Type.OK, { request })),
  [Type.PRESENCE_LEAVE]: (server, ws, { request }) =>
    server.sendTo(ws, frame(Type.OK, { request })),
  [Type.REFRESH]: (server, ws, { request }) =>
    server.sendTo(ws, frame(Type.REFRESHED, { request })),
  [Type.PING]: (server, ws, { request, body }) =>
    server.sendTo(ws, frame(Type.PONG, { request }, body)),
};

export { ALIAS };
