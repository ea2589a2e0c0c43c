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
  let left = 0;
  return () => {
    if (left === 0) {
      crypto.getRandomValues(pool);
      left = POOL_WORDS;
    }
    return pool[--left]! | 0;
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
  const ask = (what: (host: Host, ...args: number[]) => number | boolean | void) =>
    (id: number, ...args: number[]): number => {
      const host = module.hosts.get(id)!;
      try {
        return Number(what(host, ...args));
      } catch (error) {
        host.failed(error);
        return 0;
      }
    };
  const godwit: ImportModule = {
    now: ask((host) => host.now()),
    random: makeRandom(),
    open: ask((host, generation, at, len) =>
      host.open(generation!, text(at!, len!))),
    send: ask((host, generation, at, len) =>
      host.send(generation!, bytes(at!, len!))),
    close: ask((host, generation, code, at, len) =>
      host.close(generation!, code!, text(at!, len!))),
    log: ask((host, level, at, len) => host.log(level!, text(at!, len!))),
    may_move: ask((host, from, to, code) => host.mayMove(from!, to!, code!)),
    store_put: ask((host, low, high, at, len) =>
      host.storePut(key(low!, high!), bytes(at!, len!))),
    store_remove: ask((host, low, high) =>
      host.storeRemove(key(low!, high!))),
  };
  // The views notice by themselves.
  return { godwit, env: { emscripten_notify_memory_growth: () => {} } };
}
