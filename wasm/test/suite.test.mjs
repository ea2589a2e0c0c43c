// SPDX-License-Identifier: MIT
// suite.test.mjs - the suite in Node, against both builds.

import { test } from 'node:test';

import { cases } from './suite/index.mjs';
import { runCase } from './support/run.mjs';
import { watchMemory } from './support/memory.mjs';

const builds = [
  ['wasm', await import('../dist/index.js'), {}],
  ['plain', await import('../dist/plain.js'), { isPlain: true }],
];
const memoryBytes = watchMemory();

for (const [build, godwit, options] of builds) {
  for (const each of cases) {
    const context = options.isPlain ? godwit : { ...godwit, memoryBytes };
    test(`${build}: ${each.name}`, () => runCase(context, options, each));
  }
}
