// SPDX-License-Identifier: MIT
// plain-core.mjs - turns what wasm2js writes, a module that makes its one
// instance while it is imported, into a module that exports a function to make
// instances with given imports.
//
//   node plain-core.mjs IN OUT

import { readFileSync, writeFileSync } from 'node:fs';

const [input, output] = process.argv.slice(2);
const text = readFileSync(input, 'utf8');

const IMPORT = /^import \{ \w+ \} from 'a';\n/gm;
const INSTANCE = 'var retasmFunc = asmFunc(';
const at = text.indexOf(INSTANCE);
if (at < 0 || !text.includes('function asmFunc(')) {
  throw new Error('plain-core: wasm2js has changed the form of its output');
}
const body = text.slice(0, at).replace(IMPORT, '');
if (/\beval\b|new Function\b/.test(body)) {
  throw new Error('plain-core: wasm2js put code into strings');
}
const abort = "abort() { throw new Error('abort'); }";
writeFileSync(output, `${body}
export default (imports) =>
  asmFunc({ ${abort}, ...imports.a });
`);
