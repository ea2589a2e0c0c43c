// SPDX-License-Identifier: MIT
// keep-exports.mjs - prints the graph by which wasm-metadce removes what
// Emscripten exports of its own, and fails when the module asks for something
// that JavaScript does not offer.
//
//   node keep-exports.mjs MODULE.wasm [NAME...]
//
// The names are of exports that the module shall not have.

import { readFileSync } from 'node:fs';

// _initialize would run constructors, which C has none of.
const OURS = /^(?!(_|stack[A-Z]))/;
const [path, ...leftOut] = process.argv.slice(2);
const module = new WebAssembly.Module(readFileSync(path));

const unknown = WebAssembly.Module.imports(module).filter(
  ({ module }) => module !== 'a');
if (unknown.length > 0) {
  const names = unknown.map(({ module, name }) => `${module}.${name}`);
  throw new Error(`undefined symbols: ${names.join(', ')}`);
}

const kept = WebAssembly.Module.exports(module)
  .map(({ name }) => name)
  .filter((name) => OURS.test(name) && !leftOut.includes(name));
console.log(JSON.stringify([
  { name: 'root', root: true, reaches: kept },
  ...kept.map((name) => ({ name, export: name })),
]));
