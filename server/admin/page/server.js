// SPDX-License-Identifier: MIT
// server.js - asks the server: logging in and out, and the methods of the API with
// the session's token.

/** What the server said no to, or that it said nothing. */
export class Refusal extends Error {
  /** status 0: there was no answer. */
  constructor(status, message, retryAfterMs = 0) {
    super(message);
    this.status = status;
    this.retryAfterMs = retryAfterMs;
  }
}

async function ask(path, options) {
  let response;
  let body;
  try {
    response = await fetch(path, { cache: 'no-store', ...options });
    body = await response.json().catch(() => ({}));
  } catch {
    throw new Refusal(0, 'The server does not answer.');
  }
  if (response.ok) return body;
  const { message = `Status ${response.status}`, retryAfterMs } =
    body.error ?? {};
  throw new Refusal(response.status, message, retryAfterMs);
}

const post = (path, body, headers = {}) => ask(path, {
  method: 'POST',
  headers: { 'content-type': 'application/json', ...headers },
  body: JSON.stringify(body),
});

export class Server {
  /** Who is logged in; empty: nobody. */
  user = '';
  #csrf = '';

  /** Whether there is a session already, as after a reload. */
  async resume() {
    this.#take(await ask('admin/session'));
    return this.user !== '';
  }

  async logIn(name, password) {
    this.#take(await post('admin/login', { name, password }));
  }

  async logOut() {
    const headers = { 'x-csrf-token': this.#csrf };
    this.forget();
    await ask('admin/logout', { method: 'POST', headers });
  }

  forget() {
    this.#take({});
  }

  /** The reply of a method. isBackground: nobody did anything for it, so it does
   * not keep the session alive. */
  call(method, request, { isBackground = false } = {}) {
    return post(`v1/api/${method}`, request, {
      'x-csrf-token': this.#csrf,
      ...(isBackground && { 'x-godwit-background': '1' }),
    });
  }

  #take({ user = '', csrf = '' }) {
    this.user = user;
    this.#csrf = csrf;
  }
}
