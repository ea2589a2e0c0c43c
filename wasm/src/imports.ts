// SPDX-License-Identifier: MIT
// imports.ts - what the core asks of its host: the functions of wasm/abi.h,
// handed on to the client that they are asked for.

import type { Module } from './module.js';
import { importNode } from './node.js';

/** What the core asks of the client that it runs for: functions of wasm/abi.h,
 * less the client's number. Texts and bytes come as address and length, keys as
 * two words. */
export interface Host {
  _now(): number;
  _open(generation: number, at: number, len: number): void;
  _send(generation: number, at: number, len: number): void;
  _close(generation: number, code: number): void;
  _log(level: number, at: number, len: number): void;
  _mayMove(from: number, to: number, code: number): boolean;
  _storePut(low: number, high: number, at: number, len: number): void;
  _storeRemove(low: number, high: number): void;
  /** One of these functions, or code that it called, threw. */
  _failed(error: unknown): void;
}

/** In the order of the letters that the core imports them as, from a. */
const ASKED: readonly Exclude<keyof Host, '_failed'>[] = [
  /* @__KEY__ */ '_now', /* @__KEY__ */ '_open', /* @__KEY__ */ '_send',
  /* @__KEY__ */ '_close', /* @__KEY__ */ '_log', /* @__KEY__ */ '_mayMove',
  /* @__KEY__ */ '_storePut', /* @__KEY__ */ '_storeRemove',
];

type Asked = Record<string, (...args: number[]) => unknown>;
type ImportModule = Record<string, (...args: number[]) => number | void>;
export type Imports = Record<'a', ImportModule>;

export async function importsFor(module: Module): Promise<Imports> {
  // Node 18 has it, but not as a global.
  const crypto = globalThis.crypto ?? (await importNode('crypto')).webcrypto;
  const functions: ImportModule = {
    i: () => crypto.getRandomValues(new Int32Array(1))[0],
  };
  ASKED.forEach((name, i) => {
    functions[(10 + i).toString(36)] = (id, ...args) => {
      const host = module._hosts.get(id!)!;
      // An exception must not unwind the core's frames: it would be left in the
      // middle of something.
      try {
        return Number((host as unknown as Asked)[name]!(...args));
      } catch (error) {
        host._failed(error);
        return 0;
      }
    };
  });
  return { a: functions };
}
