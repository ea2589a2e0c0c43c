// SPDX-License-Identifier: MIT
// sizes.mjs - prints what a page loads, after gzip -9, and fails above a budget.
//
//   node sizes.mjs DIST SCRIPT+MODULE=BYTES...

import { execFileSync } from 'node:child_process';

const [dist, ...budgets] = process.argv.slice(2);

function zipped(name) {
  return execFileSync('gzip', ['-9nc', `${dist}/${name}`]).length;
}

const show = (bytes) => `${(bytes / 1000).toFixed(2)} KB`;
const each = (names) => names.map((name) => `${name} ${show(zipped(name))}`);

for (const budget of budgets) {
  const [, files, bytes] = /^(.*)=(\d+)$/.exec(budget);
  const names = files.split('+');
  const sum = names.reduce((all, name) => all + zipped(name), 0);
  console.log(`  gzip -9 ${each(names).join(' + ')} = ${show(sum)}`);
  if (sum > Number(bytes)) {
    console.error(`wasm: ${files} is over its budget of ${show(bytes)}`);
    process.exitCode = 1;
  }
}
const others = ['plain', 'events', 'filter', 'groups', 'map', 'people', 'record',
  'state'].map((name) => `${name}.js`);
console.log(`  ${each(others).join('; ')}`);
