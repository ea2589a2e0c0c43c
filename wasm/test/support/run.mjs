// SPDX-License-Identifier: MIT
// run.mjs - runs a case of the suite: in Node, in pages, with any build.
//
// A case is { name, run, timeoutMs }; with isLite, true or false, it is for
// `godwit/lite` alone, or for the other builds, which have all features.

import { FakeServer } from './fake-server.mjs';
import { until } from './check.mjs';

const TIMEOUT_MS = 10_000;

/** What a case gets: the package, a fake server, and clients that are freed at
 * its end. */
export class Context {
  #clients = [];
  server = new FakeServer();
  /** What `error` events of the clients told, which a case that expects some
   * has to take out. */
  errors = [];

  constructor(godwit, options) {
    Object.assign(this, godwit);
    this.isPlain = options.isPlain;
    this.isLite = options.isLite;
    /** Source of the module, where the default one does not do. */
    this.wasm = options.wasm;
  }

  client(options = {}, url = 'ws://test/v1/ws') {
    const client = new this.Client(url, {
      WebSocket: this.server.WebSocket, retry: 'aggressive', ...options,
    });
    client.on('error', (error) => this.errors.push(error));
    this.#clients.push(client);
    return client;
  }

  async connected(options) {
    const client = this.client(options);
    client.connect();
    await client.ready();
    return client;
  }

  /** A live subscription, and what it was told. */
  async subscribed(client, channel, options) {
    const subscription = client.subscribe(channel, options);
    const told = [];
    subscription.on('publication', (p) => told.push(p.data));
    subscription.on('gap', (gap) => told.push({ gap }));
    await until(() => subscription.state === 'live', `${channel} to be live`);
    return { subscription, told };
  }

  end() {
    for (const client of this.#clients) client.free();
    if (this.errors.length > 0) throw this.errors[0];
  }
}

/** Resolves when the case passed. */
export async function runCase(godwit, options, { run, timeoutMs = TIMEOUT_MS }) {
  const context = new Context(godwit, options);
  let timer;
  const timeout = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error('timeout')), timeoutMs);
  });
  try {
    await Promise.race([run(context), timeout]);
  } finally {
    clearTimeout(timer);
    context.end();
  }
}
