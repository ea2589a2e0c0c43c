// SPDX-License-Identifier: MIT
// sizes.mjs - prints what a page loads, after gzip -9, and fails above a budget.
//
//   node sizes.mjs BUDGET DIST

import { execFileSync } from 'node:child_process';

const [budget, dist] = process.argv.slice(2);

function zipped(name) {
  return execFileSync('gzip', ['-9nc', `${dist}/${name}`]).length;
}

const show = (bytes) => `${(bytes / 1000).toFixed(2)} KB`;
const script = zipped('index.js');
const core = zipped('godwit.wasm');
console.log(`  gzip -9 index.js ${show(script)} + godwit.wasm ${show(core)} = ` +
  `${show(script + core)}; plain.js ${show(zipped('plain.js'))}; ` +
  `besides groups.js ${show(zipped('groups.js'))}, ` +
  `people.js ${show(zipped('people.js'))}`);
if (script + core > Number(budget)) {
  console.error(`wasm: over the budget of ${show(budget)}`);
  process.exit(1);
}
