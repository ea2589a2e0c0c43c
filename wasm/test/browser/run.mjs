// SPDX-License-Identifier: MIT
// run.mjs - runs the suite in a page or a worker and puts the results where the
// one who opened it finds them: `results`, an array of { name, error } with error
// null for a case that passed; `done` is true after the last.
//
// Of the page's address: ?build=wasm, plain or lite; &live=URL of a real server, whose
// cases then run too; &only=TEXT in the names.

import { cases as live } from '../suite/live.mjs';
import { cases as fake } from '../suite/index.mjs';
import { cases as page } from '../suite/page.mjs';
import { builds, casesFor, load } from '../support/builds.mjs';
import { watchMemory } from '../support/memory.mjs';
import { runCase } from '../support/run.mjs';

export async function runAll(search, tell) {
  const query = new URLSearchParams(search);
  const build = builds[query.get('build')];
  const url = query.get('live');
  const only = query.get('only') ?? '';
  const memoryBytes = build.isPlain ? undefined : watchMemory();
  const godwit = await load(build);
  const all = [...fake, ...page];
  // A page's own WebSocket, where the other cases have a fake one.
  if (url) all.push(...live.map((c) => ({ ...c, name: `live: ${c.name}` })));
  const context = {
    ...godwit, memoryBytes, url, live: { WebSocket: globalThis.WebSocket },
  };
  const chosen = casesFor(build, all).filter(({ name }) => name.includes(only));
  for (const each of chosen) {
    let error = null;
    try {
      await runCase(context, build, each);
    } catch (thrown) {
      // The stack of WebKit has no message.
      error = `${thrown}\n${thrown?.stack ?? ''}`;
    }
    tell({ name: each.name, error });
  }
}
