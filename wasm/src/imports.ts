// SPDX-License-Identifier: MIT
// imports.ts - what the core asks of its host: the functions of wasm/abi.h,
// handed on to the client that they are asked for.

import type { Module } from './module.js';
import { importNode } from './node.js';

/** What the core asks of the client that it runs for: functions of wasm/abi.h,
 * less the client's number. Texts and bytes come as address and length, keys as
 * two words. */
export interface Host {
  now(): number;
  open(generation: number, at: number, len: number): void;
  send(generation: number, at: number, len: number): void;
  close(generation: number, code: number, at: number, len: number): void;
  log(level: number, at: number, len: number): void;
  may_move(from: number, to: number, code: number): boolean;
  store_put(low: number, high: number, at: number, len: number): void;
  store_remove(low: number, high: number): void;
  /** One of these functions, or code that it called, threw. */
  _failed(error: unknown): void;
}

const NAMES = [
  'now', 'open', 'send', 'close', 'log', 'may_move', 'store_put', 'store_remove',
] as const;

type Asked = (this: Host, ...args: number[]) => unknown;
type ImportModule = Record<string, (...args: number[]) => number | void>;
export type Imports = Record<'godwit', ImportModule>;

/** Words that random numbers are drawn for at once. */
const POOL_WORDS = 64;

function makeRandom(crypto: Crypto): () => number {
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

export async function importsFor(module: Module): Promise<Imports> {
  // Node 18 has it, but not as a global.
  const crypto = globalThis.crypto ?? (await importNode('crypto')).webcrypto;
  const godwit: ImportModule = { random: makeRandom(crypto) };
  for (const name of NAMES) {
    godwit[name] = (id, ...args) => {
      const host = module._hosts.get(id!)!;
      // An exception must not unwind the core's frames: it would be left in the
      // middle of something.
      try {
        return Number((host[name] as Asked).apply(host, args));
      } catch (error) {
        host._failed(error);
        return 0;
      }
    };
  }
  return { godwit };
}
