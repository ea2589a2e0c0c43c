// SPDX-License-Identifier: MIT
// index.ts - the package `godwit`: the client with the WebAssembly core.

import { FullClient } from './full-client.js';
import { loadWasm } from './load-wasm.js';
import type { Module } from './module.js';
import type { ClientOptions } from './options.js';

export * from './exports.js';
export { isWasmUsable } from './load-wasm.js';

/** A connection that stays up. */
export class Client extends FullClient {
  /** @internal */
  protected _load({ wasm }: ClientOptions): Promise<Module> {
    return loadWasm(wasm ?? new URL('./godwit.wasm', import.meta.url));
  }
}
