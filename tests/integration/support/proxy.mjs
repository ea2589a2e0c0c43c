// SPDX-License-Identifier: MIT
// proxy.mjs - a TCP proxy that is a bad network: it cuts bytes anywhere, holds them
// back, stalls, half-closes and resets, by numbers from a seed.

import net from "node:net";

/** Numbers from 0 to below 1; the same seed, the same numbers. */
export function randomOf(seed) {
  let a = seed >>> 0;
  return () => {
    a = (a + 0x6d2b79f5) >>> 0;
    let t = Math.imul(a ^ (a >>> 15), a | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

export class BadNetwork {
  port = 0;
  /** What was done so far. */
  counts = { connections: 0, pieces: 0, resets: 0, halfCloses: 0 };
  #server;
  #target;
  #faults;
  #random;
  #pairs = new Set();
  #stalledUntil = 0;

  /** faults: splitBytes (pieces of up to so many bytes), delayMs (each piece up
   * to so late, in order), resetBytes (about so many bytes until a reset; 0:
   * never), halfCloses (resets begin as the end of one direction). */
  static async start(target, faults = {}, seed = 1) {
    const proxy = new BadNetwork();
    proxy.#target = target;
    proxy.#faults = faults;
    proxy.#random = randomOf(seed);
    proxy.#server = net.createServer((s) => proxy.#join(s));
    await new Promise((r) => proxy.#server.listen(0, "127.0.0.1", r));
    proxy.port = proxy.#server.address().port;
    return proxy;
  }

  /** Nothing moves for a while. */
  stall(ms) {
    this.#stalledUntil = Date.now() + ms;
  }

  /** From now on. */
  mend() {
    this.#faults = {};
  }

  /** Where connections lead from now on. */
  lead(target) {
    this.#target = target;
  }

  resetAll() {
    for (const pair of this.#pairs) this.#reset(pair);
  }

  async stop() {
    for (const pair of this.#pairs)
      for (const socket of pair) socket.destroy();
    await new Promise((r) => this.#server.close(r));
  }

  #join(client) {
    const server = net.connect({ port: this.#target, host: "127.0.0.1",
      allowHalfOpen: true });
    const pair = [client, server];
    this.counts.connections++;
    this.#pairs.add(pair);
    for (const socket of pair) {
      socket.setNoDelay(true);
      socket.on("error", () => {});
      socket.on("close", () => {
        this.#pairs.delete(pair);
        for (const s of pair) s.destroy();
      });
    }
    this.#carry(client, server, pair);
    this.#carry(server, client, pair);
  }

  #reset(pair) {
    this.counts.resets++;
    for (const socket of pair) socket.resetAndDestroy();
  }

  async #carry(from, to, pair) {
    const { resetBytes } = this.#faults;
    let left = resetBytes ? this.#random() * 2 * resetBytes : Infinity;
    try {
      for await (const data of from)
        for (let at = 0; at < data.length;) {
          const { splitBytes, delayMs, halfCloses } = this.#faults;
          const some = splitBytes
            ? 1 + Math.floor(this.#random() * splitBytes) : data.length;
          await this.#wait(delayMs);
          if (to.destroyed) return;
          to.write(data.subarray(at, at + some));
          this.counts.pieces++;
          at += some;
          left -= some;
          if (left > 0 || !this.#faults.resetBytes) continue;
          if (halfCloses && this.#random() < 0.5) {
            this.counts.halfCloses++;
            to.end();
            await this.#wait(50);
          }
          this.#reset(pair);
          return;
        }
      to.end();
    } catch {
      /* Its other half has told. */
    }
  }

  async #wait(delayMs) {
    const now = Date.now();
    const ms = Math.max(this.#stalledUntil - now,
      delayMs ? this.#random() * delayMs : 0);
    if (ms > 0) await new Promise((r) => setTimeout(r, ms));
  }
}
