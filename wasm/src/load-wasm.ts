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
    return Boolean(new WebAssembly.Module(empty));
  } catch {
    return false;
  }
}

const loaded = new Map<unknown, Promise<Module>>();

/** One instance serves all clients with the same source. */
export async function loadWasm(source: WasmSource): Promise<Module> {
  const key = source instanceof URL ? source.href : source;
  const known = loaded.get(key);
  if (known && !(await known)._isBroken) return known;
  const module = Module.load((imports) => instantiate(source, imports));
  loaded.set(key, module);
  // The next attempt may find the network again.
  module.catch(() => loaded.delete(key));
  return module;
}

async function instantiate(
  source: WasmSource, imports: Imports,
): Promise<Exports> {
  const isUrl = source instanceof URL || typeof source === 'string';
  const code = isUrl ? await fetchCode(new URL(source, import.meta.url)) : source;
  // With a module the instance comes alone.
  const result: Partial<WebAssembly.WebAssemblyInstantiatedSource> =
    await (code instanceof Response
      ? WebAssembly.instantiateStreaming(code, imports)
      : WebAssembly.instantiate(code as BufferSource, imports));
  return (result.instance ?? result as WebAssembly.Instance)
    .exports as unknown as Exports;
}

async function fetchCode(url: URL): Promise<Response | BufferSource> {
  if (url.protocol === 'file:') {
    return (await importNode('fs/promises')).readFile(url);
  }
  const response = await fetch(url);
  if (!response.ok) {
    // A server that is being restarted is there again soon.
    throw (response.status < 500 ? Error : TypeError)(
      `${url}: ${response.status}`);
  }
  // Streaming insists on the bare type; servers that do not know it are common.
  const isStreamed = 'instantiateStreaming' in WebAssembly &&
    response.headers.get('content-type') === 'application/wasm';
  return isStreamed ? response : response.arrayBuffer();
}
