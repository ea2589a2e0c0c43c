// SPDX-License-Identifier: MIT
// sdk.mjs - the real server with clients of the npm package, as `make wasm` built
// it, and what tests ask of them.

import assert from "node:assert/strict";
import fs from "node:fs";
import { createRequire } from "node:module";
import os from "node:os";
import path from "node:path";
import { Client, GodwitError } from "../../../wasm/dist/index.js";
import { Server, withServer } from "./server.mjs";
import { within } from "./websocket.mjs";

export { Client, GodwitError, WebSocket };

// Node before 22 has no WebSocket of its own.
const require = createRequire(
  new URL("../../../wasm/package.json", import.meta.url));
const { WebSocket } = require("ws");
const WAIT_MS = 10000;

/** Waits until a condition holds, and returns what it says. */
export async function until(condition, what = String(condition)) {
  const deadline = Date.now() + WAIT_MS;
  for (;;) {
    const value = await condition();
    if (value) return value;
    if (Date.now() > deadline) throw new Error(`waited in vain for ${what}`);
    await new Promise((r) => setTimeout(r, 5));
  }
}

/** The error, of this name, that something fails with. */
export async function fails(name, promise) {
  try {
    await promise;
  } catch (error) {
    assert.ok(error instanceof GodwitError, `${name}: ${error.stack}`);
    assert.equal(error.name, name, error.message);
    return error;
  }
  throw new assert.AssertionError({ message: `${name}: it did not fail` });
}

/** An id of the package as the API has it. */
export const apiId = (id) => BigInt(`0x${id}`).toString();

/** Everything that comes of an event, in its order. */
export function listTo(emitter, event, map = (e) => e) {
  const told = [];
  emitter.on(event, (e) => told.push(map(e)));
  return told;
}

/** A class of WebSockets for one client: the last can be cut, and it keeps the
 * first message of each, which is the Hello. */
export function cuttable() {
  return class extends WebSocket {
    static last;
    static hellos = [];
    #has_said = false;

    constructor(...args) {
      super(...args);
      this.constructor.last = this;
    }

    send(data, ...rest) {
      if (!this.#has_said) this.constructor.hellos.push(Buffer.from(data));
      this.#has_said = true;
      super.send(data, ...rest);
    }

    /** As a network does it that fails. */
    static cut() {
      this.last.terminate();
    }
  };
}

/** A server and the clients of a test. */
export class Stage {
  #clients = [];
  server;
  host = "localhost";
  /** What goes wrong in handlers; a test that wants some takes them out. */
  errors = [];

  constructor(server) {
    this.server = server;
  }

  url(path = "/v1/ws") {
    return `ws://${this.host}:${this.server.port}${path}`;
  }

  /** A client that has not connected yet. */
  client(options = {}, path) {
    const client = new Client(this.url(path), {
      WebSocket, retry: { baseMs: 20, capMs: 100 }, ...options,
    });
    client.on("error", (error) => this.errors.push(error));
    this.#clients.push(client);
    return client;
  }

  /** A ready one. */
  async join(user, options = {}, path) {
    const client = this.client({ user, ...options }, path);
    client.connect();
    await within(WAIT_MS, `${user} to be ready`, client.ready());
    return client;
  }

  async joinAll(...users) {
    return Promise.all(users.map((user) => this.join(user)));
  }

  /** A live subscription; `told` has the data of its publications. */
  async live(client, channel, options) {
    const sub = client.subscribe(channel, options);
    const told = listTo(sub, "publication", (p) => p.data);
    await until(() => sub.state === "live", `${channel} to be live`);
    return Object.assign(sub, { told });
  }

  /** The reason that a subscription is refused with. */
  async refused(client, channel, options) {
    const sub = client.subscribe(channel, options);
    let reason;
    sub.on("state", (e) => (reason = e.reason));
    await until(() => sub.state === "ended", `${channel} to be refused`);
    return reason;
  }

  end() {
    for (const client of this.#clients) client.free();
    assert.deepEqual(this.errors, []);
  }
}

/** A folder with files of these contents: fn(folder); gone after. */
export async function withFiles(files, fn) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "godwit-ledger-"));
  for (const [name, content] of Object.entries(files)) {
    const file = path.join(folder, name);
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(file, content);
  }
  try {
    await fn(folder);
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

/** Runs fn(stage) with a server of this configuration, an object as godwit.yaml
 * would hold it. Users are believed their names unless there are tokens. */
export function onStage({ config = {}, args = [], ...options }, fn) {
  // Any JSON is YAML.
  return withFiles({ "godwit.yaml": JSON.stringify(config) }, (folder) =>
    withServer({
      ...options,
      args: ["--config", path.join(folder, "godwit.yaml"), ...args],
    }, async (server) => {
      const stage = new Stage(server);
      try {
        await fn(stage);
      } finally {
        stage.end();
      }
    }));
}

/** The same in development, where the name that a client claims counts. */
export const inDevelopment = (config, fn, options = {}) =>
  onStage({ config: { dev: true, ...config }, ...options }, fn);

/** The log of a server that has to refuse its configuration. */
export async function refusedConfig(config) {
  let log;
  await withFiles({ "godwit.yaml": JSON.stringify(config) }, async (folder) => {
    const run = await Server.run(["serve", "--listen.public", "localhost:0",
      "--listen.internal", "", "--config", path.join(folder, "godwit.yaml")]);
    assert.equal(run.code, 2, run.log);
    log = run.log;
  });
  return log;
}
