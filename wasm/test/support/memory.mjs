// SPDX-License-Identifier: MIT
// memory.mjs - lets a test see the memory of the core, which the package hides.

/** To be called before the core is loaded; returns a function that tells the
 * memory's size. */
export function watchMemory() {
  let memory;
  for (const name of ['instantiate', 'instantiateStreaming']) {
    const original = WebAssembly[name];
    if (original === undefined) continue;
    WebAssembly[name] = async (...args) => {
      const result = await original.apply(WebAssembly, args);
      memory = (result.instance ?? result).exports.memory;
      return result;
    };
  }
  return () => memory?.buffer.byteLength ?? 0;
}
