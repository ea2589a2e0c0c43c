// SPDX-License-Identifier: MIT
// meter.mjs - lets one client receive bursts, checks what it hands over, and
// takes the time. Runs in pages and in Node.

import { channelOf, clients } from './clients.mjs';

/** burst.h and wires.h. */
const BURST = 1000;
const FIRST = 2_100_000;

/** As many bursts are asked for at once as are handled in this time, since asking
 * has its price; and the next ones before these are done, so that nobody waits.
 */
const AHEAD_MS = 20;

/** Without a message for so long, a run has failed. */
const PATIENCE_MS = 10_000;

export class Meter {
  #control;
  #end;
  #next = FIRST;
  /** Bursts that came whole, and that were asked for. */
  #done = 0;
  #asked = 0;
  #step = 1;
  /** A real server queues only so much for a client. */
  #maxStep = Infinity;
  #error = null;
  #onBurst = () => {};

  /** where: { base, size, batch, real, WebSocket, lib }, base being the blaster's;
   * real: in its place the addresses of a relay and a Godwit server. */
  async open(name, { base, size, batch, real, WebSocket, lib }) {
    const { wire, open } = clients[name];
    const realUrl = wire === 'bare' ? `${real?.relay}/bare/${size}` : real?.godwit;
    this.#control = new WebSocket(real
      ? `${real.relay}/control/${name}/${wire}/${size}` : `${base}/control`);
    if (real) this.#maxStep = 1;
    await new Promise((resolve, reject) => {
      this.#control.onopen = resolve;
      this.#control.onerror = () => reject(new Error('no control connection'));
    });
    await new Promise((resolve) => {
      const mark = (what) => what === 'connected' && resolve();
      this.#end = open({
        lib, url: real ? realUrl : `${base}/${wire}/${size}/${batch}/0`,
        channel: channelOf(name), WebSocket, mark,
        onData: (object) => this.#take(object),
      });
    });
  }

  /** Each object has to follow the last. */
  #take({ n }) {
    if (n !== this.#next && this.#error === null) {
      this.#error = new Error(`object ${n} came in place of ${this.#next}`);
    }
    if ((++this.#next - FIRST) % BURST !== 0) return;
    this.#done++;
    this.#onBurst();
  }

  #ask(bursts) {
    this.#asked += bursts;
    this.#control.send(String(bursts));
  }

  /** Takes bursts, until so many messages are there or so long has passed. */
  async run({ messages = Infinity, ms = Infinity }) {
    const first = this.#done;
    const start = performance.now();
    const last = first + Math.ceil(messages / BURST);
    const wants = () => this.#asked < last &&
      this.#asked - this.#done < this.#step && performance.now() - start < ms;
    await new Promise((resolve, reject) => {
      this.#onBurst = () => {
        if (this.#error !== null) reject(this.#error);
        if (wants()) this.#ask(Math.min(this.#step, last - this.#asked));
        else if (this.#done === this.#asked) resolve();
      };
      this.#watch(reject);
      this.#ask(Math.min(2 * this.#step, last - first));
    }).finally(() => {
      this.#onBurst = () => {};
    });
    const took = performance.now() - start;
    const bursts = this.#done - first;
    this.#step = Math.min(this.#maxStep,
      Math.max(1, Math.floor(bursts / took * AHEAD_MS)));
    return { messages: bursts * BURST, ms: took };
  }

  /** Ends a run in which nothing comes any more. */
  #watch(fail) {
    let seen = this.#next;
    const onBurst = this.#onBurst;
    const timer = setInterval(() => {
      if (this.#onBurst !== onBurst) clearInterval(timer);
      else if (this.#next === seen) fail(new Error(`nothing after ${seen - 1}`));
      seen = this.#next;
    }, PATIENCE_MS);
  }

  close() {
    this.#end();
    this.#control.close();
  }
}

/** Opens a client that is sent a burst at once; resolves with the time of each
 * step at its first message. */
export function firstMessage(name, { base, WebSocket, lib }) {
  const { wire, open } = clients[name];
  const times = { loaded: performance.now() };
  return new Promise((resolve, reject) => {
    setTimeout(() => reject(new Error('no first message')), PATIENCE_MS);
    open({
      lib, url: `${base}/${wire}/64/1/1`, channel: channelOf(name), WebSocket,
      mark: (what) => (times[what] = performance.now()),
      onData: () => {
        times.first ??= performance.now();
        resolve(times);
      },
    });
  });
}
