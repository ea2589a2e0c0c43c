// SPDX-License-Identifier: MIT
// sizes.mjs - prints what a page loads, after gzip -9, and fails above a budget.
//
//   node sizes.mjs BUDGET DIST

import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';

const [budget, dist] = process.argv.slice(2);

function zipped(name) {
  return gzipSync(readFileSync(`${dist}/${name}`), { level: 9 }).length;
}

const show = (bytes) => `${(bytes / 1024).toFixed(1)} KB`;
const script = zipped('index.js');
const core = zipped('godwit.wasm');
console.log(`  gzip -9 index.js ${show(script)} + godwit.wasm ${show(core)} = ` +
  `${show(script + core)}; plain.js ${show(zipped('plain.js'))}`);
if (script + core > Number(budget)) {
  console.error(`wasm: over the budget of ${show(budget)}`);
  process.exit(1);
}
