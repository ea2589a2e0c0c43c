// SPDX-License-Identifier: MIT
// tokens.test.mjs - each build against a real server that checks tokens, which
// Node's crypto makes.

import { createHmac } from 'node:crypto';
import { existsSync } from 'node:fs';
import { after, before, test } from 'node:test';

import WebSocket from 'ws';

import { builds, load } from './support/builds.mjs';
import { equal, ok, rejects, until } from './support/check.mjs';
import { BINARY, RealServer } from './support/real-server.mjs';
import { runCase } from './support/run.mjs';

const SECRET = 'a secret of more than 32 characters, for tests';
const LIFE_S = 1.6;

const server = new RealServer('--auth.jwt.secret', SECRET,
  '--auth.jwt.leeway', '0', '--allow.subscribe', 'token');
const options = existsSync(BINARY) ? {} : { skip: `${BINARY} is not built` };

before(() => options.skip || server.start());
after(() => options.skip || server.close());

function sign(claims) {
  const encode = (value) =>
    Buffer.from(JSON.stringify(value)).toString('base64url');
  const now = Date.now() / 1000;
  const text = `${encode({ alg: 'HS256' })}.` +
    encode({ sub: 'ann', iat: now, exp: now + LIFE_S, ...claims });
  const signature = createHmac('sha256', SECRET).update(text);
  return `${text}.${signature.digest('base64url')}`;
}

/** Gives tokens, and counts them. */
function issuer(claims) {
  const getToken = async () => {
    getToken.calls++;
    return sign(claims);
  };
  getToken.calls = 0;
  return getToken;
}

const cases = {
  async 'outlive their tokens on one connection'(t) {
    const ofClient = issuer({}), ofRoom = issuer({ channel: 'room:a' });
    const client = t.client({ WebSocket, getToken: ofClient }, server.url);
    const states = [];
    client.on('state', ({ to }) => states.push(to));
    client.connect();
    const { subscription, told } =
      await t.subscribed(client, 'room:a', { getToken: ofRoom });
    await until(() => ofClient.calls > 2 && ofRoom.calls > 2, 'two renewals');
    equal(client.info.user, 'ann');
    await client.publish('room:a', 'still here');
    await until(() => told.length > 0);
    equal(told, ['still here']);
    equal(subscription.state, 'live');
    equal(states, ['connecting', 'authenticating', 'syncing', 'ready']);
  },
  async 'end with a token that nobody renews'(t) {
    const client = t.client({ WebSocket, token: sign({}) }, server.url);
    client.connect();
    await client.ready();
    await until(() => client.state === 'failed', 'the end');
    equal(client.info.reason.name, 'TOKEN_EXPIRED');
    client.connect();
    await rejects(client.ready(), 'TOKEN_EXPIRED');
  },
  async 'are not tried for long with tokens that are no good'(t) {
    let calls = 0;
    const client = t.client({
      WebSocket, retry: { baseMs: 1, capMs: 5 },
      getToken: () => `no token ${++calls}`,
    }, server.url);
    client.connect();
    await rejects(client.ready(), 'TOKEN_INVALID');
    ok(calls > 1 && calls < 10, 'some tries');
  },
};

for (const [name, build] of Object.entries(builds)) {
  const godwit = await load(build);
  for (const [what, run] of Object.entries(cases)) {
    test(`${name}: clients ${what}`, options, () =>
      runCase(godwit, build, { run }));
  }
}
