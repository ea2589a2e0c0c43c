// SPDX-License-Identifier: MIT
// suite.test.mjs - the suite in Node, against each build.

import { test } from 'node:test';

import { cases } from './suite/index.mjs';
import { builds, casesFor, load } from './support/builds.mjs';
import { runCase } from './support/run.mjs';
import { watchMemory } from './support/memory.mjs';

const memoryBytes = watchMemory();

for (const [name, build] of Object.entries(builds)) {
  const godwit = await load(build);
  const context = build.isPlain ? godwit : { ...godwit, memoryBytes };
  for (const each of casesFor(build, cases)) {
    test(`${name}: ${each.name}`, () => runCase(context, build, each));
  }
}
