// SPDX-License-Identifier: MIT
// client.mjs - a client of godwit.v1.json, as small as tests need it.

import { randomBytes } from "node:crypto";
import { Inbox, openWebSocket, within } from "./websocket.mjs";

const HEADER = new Set(["id", "channel", "alias", "more", "own"]);

/** The name of the message that a frame carries. */
export function kindOf(frame) {
  return Object.keys(frame).find((key) => !HEADER.has(key));
}

export class Client {
  /** Frames that answer nothing, but for pings. */
  pushes = new Inbox();
  welcome = null;
  instance;
  ws;
  #next = 1;
  #waiting = new Map();
  #pongs;
  #numbers = new Map(); // channel's number to its name
  #aliases = new Map();

  /** Connects and says Hello. pongs: whether pings are answered. */
  static async connect(port, options = {}) {
    const client = new Client();
    client.instance = options.instance ?? randomBytes(16).toString("base64");
    client.#pongs = options.pongs ?? true;
    client.ws = await openWebSocket(port, options);
    client.#read();
    const frame = await client.request({
      hello: {
        version: 1, instance: client.instance, agent: "test",
        ...(options.user ? { user: options.user } : {}),
        ...(options.hello ?? {}),
      },
    });
    if (!frame.welcome) throw new Error(`no welcome: ${JSON.stringify(frame)}`);
    client.welcome = frame.welcome;
    return client;
  }

  get closed() {
    return this.ws.closed;
  }

  async #read() {
    try {
      for (;;) {
        const text = await this.ws.messages.next(0x7fffffff);
        for (const line of text.split("\n")) if (line) this.#take(line);
      }
    } catch (error) {
      this.pushes.end(error);
      for (const { reject } of this.#waiting.values()) reject(error);
      this.#waiting.clear();
    }
  }

  #take(line) {
    const frame = JSON.parse(line);
    if (frame.ping) {
      if (this.#pongs) this.send({ pong: frame.ping });
      return;
    }
    const waiting = frame.id && this.#waiting.get(frame.id);
    if (!waiting) {
      this.pushes.push(frame);
      return;
    }
    this.#waiting.delete(frame.id);
    waiting.resolve(frame);
  }

  /** Send frames as one message. */
  send(...frames) {
    this.ws.send(frames.map((f) => JSON.stringify(f)).join("\n"));
  }

  /** Send a frame with an id, and wait for its answer. */
  request(frame, ms = 5000) {
    const id = this.#next++;
    const answer = new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
    });
    answer.catch(() => {});
    this.send({ id, ...frame });
    return within(ms, `an answer to ${JSON.stringify(frame).slice(0, 100)}`,
      answer);
  }

  async subscribe(channel, options = {}) {
    const alias = this.#aliases.size + 1;
    this.#aliases.set(channel, alias);
    const frame = await this.request(
      { channel: alias, alias: true, subscribe: { channel, ...options } });
    if (!frame.subscribed)
      throw new Error(`not subscribed: ${JSON.stringify(frame)}`);
    this.#numbers.set(frame.channel, channel);
    return frame.subscribed;
  }

  /** The name of the channel that a push is of. */
  channelOf(push) {
    return this.#numbers.get(push.channel);
  }

  async publish(channel, value, options = {}) {
    const frame = await this.request(
      { publish: { channel, json: JSON.stringify(value), ...options } });
    if (!frame.published)
      throw new Error(`not published: ${JSON.stringify(frame)}`);
    return frame.published;
  }

  /** The next push of a kind; others are skipped. */
  async next(kind, ms = 5000) {
    for (;;) {
      const push = await this.pushes.next(ms, kind);
      if (push[kind]) return push;
    }
  }

  /** The next num publications: [{ offset, value }]. */
  async publications(num, ms = 5000) {
    const all = [];
    while (all.length < num) {
      const { publication } = await this.next("publication", ms);
      all.push({
        offset: Number(publication.offset),
        value: publication.json && JSON.parse(publication.json),
      });
    }
    return all;
  }

  close(code, reason) {
    return this.ws.close(code, reason);
  }
}

/** Connects many clients, a few at a time. */
export async function connectMany(port, num, options = {}) {
  const clients = [];
  while (clients.length < num) {
    const some = Math.min(50, num - clients.length);
    clients.push(...await Promise.all(
      Array.from({ length: some }, () => Client.connect(port, options))));
  }
  return clients;
}
