// SPDX-License-Identifier: MIT
// chaos.test.mjs - each build, used in any order and at any time, while connections
// and the server end. SEED and CHAOS_S (seconds) repeat one for longer.

import { existsSync } from 'node:fs';
import { test } from 'node:test';

import WebSocket from 'ws';

import { builds, load } from './support/builds.mjs';
import { Chaos } from './support/chaos.mjs';
import { equal, ok, quietly } from './support/check.mjs';
import { BINARY, RealServer } from './support/real-server.mjs';

const options = existsSync(BINARY) ? {} : { skip: `${BINARY} is not built` };
const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 1e9));
const seconds = Number(process.env.CHAOS_S ?? 5);

for (const [name, build] of Object.entries(builds)) {
  const godwit = await load(build);
  test(`${name}: anything at any time (SEED=${seed})`, options, async (t) => {
    const server = new RealServer();
    t.after(() => server.close());
    await server.start();
    const chaos = new Chaos(godwit, {
      isLite: build.isLite, server, WebSocket, seed,
    });
    await quietly(async () => {
      await chaos.run(seconds);
      await chaos.heal();
    });
    t.diagnostic(`${chaos.numPromises} promises, ${chaos.numTold} events`);
    equal([...chaos.failures].slice(0, 5), []);
    ok(chaos.numPromises > 0 && chaos.numTold > 0, 'something happened');
  });
}
