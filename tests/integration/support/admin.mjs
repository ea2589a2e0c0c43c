// SPDX-License-Identifier: MIT
// admin.mjs - an administrator's browser: keeps the cookie and the token, says
// where its page is from.

import { get } from "./server.mjs";

export const PASSWORD = "correct horse battery";
/** The hash of it, of the least cost: godwit hash-password --cost 14. */
export const HASH = "scrypt$14$8$3$MDEyMzQ1Njc4OWFiY2RlZg" +
  "$8U8tg4UhdqsJ_m5mfUx7-t1QG6-u3y1gOCZ7JKXhK68";

/** A configuration with administrators of that password. */
export const withAdmins = (more = {}, ...names) => ({
  admin: {
    users: (names.length ? names : ["ada"])
      .map((name) => ({ name, password: HASH })),
    ...more,
  },
});

export class AdminBrowser {
  cookie = "";
  csrf = "";
  #port;

  constructor(server) {
    this.#port = server.internal;
  }

  get origin() {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** One request as the page makes it: { status, headers, body, json }. headers:
   * more of them; one that is undefined is left out. */
  async ask(method, path, { body, headers = {} } = {}) {
    const bytes = body === undefined ? undefined :
      typeof body === "string" ? body : JSON.stringify(body);
    const all = {
      origin: method === "GET" ? undefined : this.origin,
      cookie: this.cookie || undefined,
      "x-csrf-token": (method !== "GET" && this.csrf) || undefined,
      "content-type": bytes && "application/json",
      "content-length": method === "GET" ? undefined :
        Buffer.byteLength(bytes ?? ""),
      ...headers,
    };
    const sent = Object.fromEntries(
      Object.entries(all).filter(([, value]) => value !== undefined));
    const answer = await get(this.#port, path,
      { method, headers: sent, bodyBytes: bytes });
    let json;
    try {
      json = JSON.parse(answer.body);
    } catch {
      json = undefined;
    }
    return { ...answer, json };
  }

  /** The answer to a login; what it brings is kept. */
  async logIn(name = "ada", password = PASSWORD, options = {}) {
    const answer = await this.ask("POST", "/admin/login",
      { body: { name, password }, ...options });
    if (answer.status === 200) {
      this.csrf = answer.json.csrf;
      this.cookie = answer.headers["set-cookie"][0].split(";")[0];
    }
    return answer;
  }

  api(method, request = {}, options = {}) {
    return this.ask("POST", `/v1/api/${method}`, { body: request, ...options });
  }
}
