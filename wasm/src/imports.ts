// SPDX-License-Identifier: MIT
// imports.ts - what the core asks of its host: the functions of wasm/abi.h,
// handed on to the client that they are asked for.

import { toHex } from './bytes.js';
import type { Module } from './module.js';

/** What the core asks of the client that it runs for. Bytes are views of the
 * core's memory, to be copied before anything else is done. */
export interface Host {
  now(): number;
  open(generation: number, endpoint: string): void;
  send(generation: number, message: Uint8Array): void;
  close(generation: number, code: number, reason: string): void;
  log(level: number, text: string): void;
  mayMove(from: number, to: number, code: number): boolean;
  storePut(key: string, entry: Uint8Array): void;
  storeRemove(key: string): void;
  /** One of these functions, or code that it called, threw. */
  failed(error: unknown): void;
}

type ImportModule = Record<string, (...args: number[]) => number | void>;
export type Imports = Record<'godwit' | 'env', ImportModule>;

/** Words that random numbers are drawn for at once. */
const POOL_WORDS = 64;

function makeRandom(): () => number {
  const pool = new Uint32Array(POOL_WORDS);
  let used = POOL_WORDS;
  return () => {
    if (used === POOL_WORDS) {
      crypto.getRandomValues(pool);
      used = 0;
    }
    return pool[used++]! | 0;
  };
}

/** Words come from the core with a sign. */
function key(low: number, high: number): string {
  return toHex(low >>> 0, high >>> 0);
}

export function importsFor(module: Module): Imports {
  const text = (at: number, len: number) => module.text(at, len);
  const bytes = (at: number, len: number) => module.u8.subarray(at, at + len);
  // An exception must not unwind the core's frames: it would be left in the
  // middle of something.
  const ask = <T>(id: number, otherwise: T, what: (host: Host) => T): T => {
    const host = module.hosts.get(id);
    if (host === undefined) return otherwise;
    try {
      return what(host);
    } catch (error) {
      host.failed(error);
      return otherwise;
    }
  };
  const tell = (id: number, what: (host: Host) => void) =>
    ask<void>(id, undefined, what);
  const godwit = {
    now: (id: number) => ask(id, 0, (host) => host.now()),
    random: makeRandom(),
    open: (id: number, generation: number, at: number, len: number) =>
      tell(id, (host) => host.open(generation, text(at, len))),
    send: (id: number, generation: number, at: number, len: number) =>
      tell(id, (host) => host.send(generation, bytes(at, len))),
    close: (id: number, generation: number, code: number, at: number,
      len: number) =>
      tell(id, (host) => host.close(generation, code, text(at, len))),
    log: (id: number, level: number, at: number, len: number) =>
      tell(id, (host) => host.log(level, text(at, len))),
    may_move: (id: number, from: number, to: number, code: number) =>
      Number(ask(id, true, (host) => host.mayMove(from, to, code))),
    store_put: (id: number, low: number, high: number, at: number,
      len: number) =>
      tell(id, (host) => host.storePut(key(low, high), bytes(at, len))),
    store_remove: (id: number, low: number, high: number) =>
      tell(id, (host) => host.storeRemove(key(low, high))),
  };
  // The views notice by themselves.
  return { godwit, env: { emscripten_notify_memory_growth: () => {} } };
}

