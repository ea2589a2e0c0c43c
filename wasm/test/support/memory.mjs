// SPDX-License-Identifier: MIT
// memory.mjs - lets a test see the memory of the core, which the package hides.

/** To be called before the core is loaded; returns a function that tells the
 * memory's size. Hosts have modules of their own, which are smaller. */
export function watchMemory() {
  const memories = [];
  for (const name of ['instantiate', 'instantiateStreaming']) {
    const original = WebAssembly[name];
    if (original === undefined) continue;
    WebAssembly[name] = async (...args) => {
      const result = await original.apply(WebAssembly, args);
      memories.push((result.instance ?? result).exports.memory);
      return result;
    };
  }
  return () => Math.max(
    0, ...memories.map((memory) => memory?.buffer.byteLength ?? 0));
}
