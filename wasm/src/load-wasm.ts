// SPDX-License-Identifier: MIT
// load-wasm.ts - fetches and instantiates the WebAssembly core, in pages,
// workers, Node, Deno, Bun and at the edge.

import type { Imports } from './imports.js';
import { Module, type Exports } from './module.js';
import { importNode } from './node.js';
import type { WasmSource } from './options.js';

/** Whether WebAssembly is there and the page's policy allows it; if not, use
 * `godwit/plain`. */
export function isWasmUsable(): boolean {
  try {
    // The header of an empty module.
    const empty = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0);
    return new WebAssembly.Module(empty) instanceof WebAssembly.Module;
  } catch {
    return false;
  }
}

const loaded = new Map<unknown, Promise<Module>>();

/** One instance serves all clients with the same source. */
export async function loadWasm(source?: WasmSource): Promise<Module> {
  const key = source instanceof URL ? source.href : source;
  const known = loaded.get(key);
  if (known !== undefined && !(await known)._isBroken) return known;
  const module = Module.load((imports) => instantiate(
    source ?? new URL('./godwit.wasm', import.meta.url), imports));
  loaded.set(key, module);
  // The next attempt may find the network again.
  module.catch(() => loaded.delete(key));
  return module;
}

async function instantiate(
  source: WasmSource, imports: Imports,
): Promise<Exports> {
  if (source instanceof WebAssembly.Module) {
    const instance = await WebAssembly.instantiate(source, imports);
    return instance.exports as unknown as Exports;
  }
  const { instance } = source instanceof URL || typeof source === 'string'
    ? await instantiateUrl(new URL(source, import.meta.url), imports)
    : await WebAssembly.instantiate(source as BufferSource, imports);
  return instance.exports as unknown as Exports;
}

async function instantiateUrl(
  url: URL, imports: Imports,
): Promise<WebAssembly.WebAssemblyInstantiatedSource> {
  if (url.protocol === 'file:') {
    return WebAssembly.instantiate(await readFile(url), imports);
  }
  const response = await fetch(url, { credentials: 'same-origin' });
  if (!response.ok) throw new Error(`${url}: ${response.status}`);
  // Streaming insists on the type; servers that do not know .wasm are common.
  const type = response.headers.get('content-type') ?? '';
  const isStreamed =
    /^application\/wasm\b/.test(type) && 'instantiateStreaming' in WebAssembly;
  return isStreamed
    ? WebAssembly.instantiateStreaming(response, imports)
    : WebAssembly.instantiate(await response.arrayBuffer(), imports);
}

async function readFile(url: URL): Promise<Uint8Array<ArrayBuffer>> {
  return (await importNode('fs/promises')).readFile(url);
}
