// SPDX-License-Identifier: MIT
// load-plain.ts - the core as plain JavaScript, which is a part of the script.

import instantiate from '#godwit-core';
import { Module } from './module.js';

let loaded: Promise<Module> | undefined;

/** One instance serves all clients. */
export async function loadPlain(): Promise<Module> {
  if (loaded === undefined || (await loaded)._isBroken) {
    loaded = Module.load(async (imports) => instantiate(imports));
    // The next attempt may find memory again.
    loaded.catch(() => { loaded = undefined; });
  }
  return loaded;
}
