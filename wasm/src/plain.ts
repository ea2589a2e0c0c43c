// SPDX-License-Identifier: MIT
// plain.ts - `godwit/plain`: the client with the core in plain JavaScript, for
// hosts without WebAssembly and pages that forbid it.

import { FullClient } from './full-client.js';
import { loadPlain } from './load-plain.js';
import type { Module } from './module.js';

export * from './exports.js';

/** A connection that stays up. */
export class Client extends FullClient {
  /** @internal */
  protected _load(): Promise<Module> {
    return loadPlain();
  }
}
