// SPDX-License-Identifier: MIT
// backend.mjs - an application's backend that answers hooks: well, late, badly or
// not at all, as a test wants it.

import { createHmac, timingSafeEqual } from "node:crypto";
import http from "node:http";
import { Inbox } from "./websocket.mjs";

export const SECRET = "a secret of the test";

/** Whether a request is signed by who has the secret, as docs/hooks.md says. */
export function isSigned(headers, body, secret = SECRET) {
  const given = Buffer.from(headers["godwit-signature"] ?? "");
  const mac = createHmac("sha256", secret)
    .update(headers["godwit-timestamp"] + "." + body).digest("hex");
  const wanted = Buffer.from("v1=" + mac);
  const age = Date.now() / 1000 - Number(headers["godwit-timestamp"]);
  return given.length === wanted.length && timingSafeEqual(given, wanted) &&
    Math.abs(age) < 300;
}

export class Backend {
  /** Requests in the order of their coming: { hook, body, headers, signed }. */
  requests = [];
  /** The same, to be awaited. */
  inbox = new Inbox();
  /** hook -> (body, request) => reply, or { status, text, delayMs, headers },
   * or "hang" or "reset". */
  answers = {};
  sockets = 0;
  #server;
  #port = 0;

  static async start(answers = {}) {
    const backend = new Backend();
    backend.answers = answers;
    await backend.listen();
    return backend;
  }

  listen() {
    this.#server = http.createServer((q, s) => this.#on(q, s));
    this.#server.keepAliveTimeout = 60000;
    this.#server.on("connection", () => this.sockets++);
    return new Promise((resolve) => {
      this.#server.listen(this.#port, "127.0.0.1", () => {
        this.#port = this.#server.address().port;
        resolve();
      });
    });
  }

  get url() {
    return `http://127.0.0.1:${this.#port}/hooks`;
  }

  /** Flags of a server that uses these hooks. */
  args(...use) {
    return ["--hooks.url", this.url, "--hooks.use", use.join(" "),
      "--hooks.secret", SECRET];
  }

  async #on(request, response) {
    const parts = [];
    for await (const part of request) parts.push(part);
    const text = Buffer.concat(parts).toString();
    const hook = request.headers["godwit-hook"];
    const seen = {
      hook, body: JSON.parse(text), headers: request.headers,
      signed: isSigned(request.headers, text), path: request.url,
    };
    this.requests.push(seen);
    this.inbox.push(seen);
    const answer = this.answers[hook];
    const reply = await (answer ? answer(seen.body, seen) : {});
    if (reply === "hang") return;
    if (reply === "reset") {
      request.socket.destroy();
      return;
    }
    const { status = 200, text: raw, delayMs = 0, headers = {} } =
      reply && ("status" in reply || "text" in reply || "delayMs" in reply)
        ? reply : {};
    const content = raw ?? JSON.stringify(reply?.reply ?? (
      reply && !("status" in reply) && !("delayMs" in reply) ? reply : {}));
    if (delayMs) await new Promise((r) => setTimeout(r, delayMs));
    response.writeHead(status, { "content-type": "application/json", ...headers });
    response.end(content);
  }

  /** The next request of a hook. */
  async next(hook, ms = 5000) {
    for (;;) {
      const request = await this.inbox.next(ms, hook);
      if (request.hook === hook) return request;
    }
  }

  count(hook) {
    return this.requests.filter((r) => r.hook === hook).length;
  }

  stop() {
    this.#server.closeAllConnections();
    return new Promise((resolve) => this.#server.close(resolve));
  }
}

/** Runs fn(backend) and stops it. */
export async function withBackend(answers, fn) {
  const backend = await Backend.start(answers);
  try {
    await fn(backend);
  } finally {
    await backend.stop().catch(() => {});
  }
}
