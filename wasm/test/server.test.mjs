// SPDX-License-Identifier: MIT
// server.test.mjs - each build against the real server, in Node.

import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import WebSocket from 'ws';

import { Certificates, flagsOf } from
  '../../tests/integration/support/certificate.mjs';
import { builds, casesFor, load } from './support/builds.mjs';
import { equal, until } from './support/check.mjs';
import { BINARY, RealServer } from './support/real-server.mjs';
import { Context, runCase } from './support/run.mjs';
import { cases } from './suite/live.mjs';
import { cases as channels, namespaces } from './suite/live-channels.mjs';

const server = new RealServer(
  '--routes', '[{path: "/rooms/:id", channels: "room:{id}"}]');
const certificate = new Certificates().make('sdk');
const secureServer = new RealServer(...flagsOf(certificate));
const folder = mkdtempSync(join(tmpdir(), 'godwit-schema-'));
const schema = join(folder, 'schema.json');
writeFileSync(schema, JSON.stringify({
  properties: { user: { properties: { address: {
    items: { type: 'object', required: ['city'] },
  } } } },
}));
const spacesServer = new RealServer(...namespaces(schema));
const options = existsSync(BINARY) ? {} : { skip: `${BINARY} is not built` };

/** As NODE_EXTRA_CA_CERTS does for a process that starts with it. */
class TrustingWebSocket extends WebSocket {
  constructor(url, protocols) {
    super(url, protocols, { ca: certificate.ca });
  }
}

const servers = [server, secureServer, spacesServer];
before(() => options.skip || Promise.all(servers.map((s) => s.start())));
after(async () => {
  if (!options.skip) await Promise.all(servers.map((s) => s.close()));
  rmSync(folder, { recursive: true, force: true });
});

for (const [build, about] of Object.entries(builds)) {
  const godwit = await load(about);
  const context = () => ({ ...godwit, url: server.url, live: { WebSocket } });
  for (const each of casesFor(about, cases)) {
    test(`${build}: live: ${each.name}`, options,
      () => runCase(context(), about, each));
    test(`${build}: live, over TLS: ${each.name}`, options, () => runCase({
      ...context(), url: secureServer.url, live: { WebSocket: TrustingWebSocket },
    }, about, each));
  }

  for (const each of casesFor(about, channels)) {
    test(`${build}: live channels: ${each.name}`, options,
      () => runCase({ ...context(), url: spacesServer.url }, about, each));
  }

  test(`${build}: live: a server that is killed loses nothing that it did not ` +
    'acknowledge', options, async () => {
    const t = new Context(context(), {});
    const client = () => t.client({
      ...t.live, outbox: { maxCount: 5000 },
      retry: { baseMs: 20, capMs: 100 },
    }, server.url);
    try {
      await killWhileWriting(t, client(), client());
    } finally {
      t.end();
    }
  });

  test(`${build}: live: a route subscribes its clients, and again after a lost ` +
    'connection', options, async () => {
    const t = new Context(context(), {});
    try {
      await comeByRoute(t.client({
        ...t.live, retry: { baseMs: 20, capMs: 100 },
      }, server.url.replace('/v1/ws', `/rooms/${build}`)), `room:${build}`);
    } finally {
      t.end();
    }
  });
}

async function comeByRoute(client, channel) {
  const told = [];
  client.on('subscription', (subscription) => {
    told.push(subscription.channel);
    subscription.on('publication', ({ data }) => told.push(data));
  });
  client.connect();
  await until(() => told.length === 1);
  await client.publish(channel, 1);
  await until(() => told.length === 2);
  await server.kill();
  await server.start();
  await client.publish(channel, 2);
  await until(() => told.at(-1) === 2);
  equal(told, [channel, 1, 2]);
}

/** What the writer wrote is seen once and in order, but for what a memory-only
 * server forgot: that is in a gap. */
async function killWhileWriting(t, writer, reader) {
  const name = `sdk:killed-${Date.now()}`;
  writer.connect();
  reader.connect();
  const { subscription, told } = await t.subscribed(reader, name);
  let written = 0;
  const outcomes = [];
  const timer = setInterval(
    () => outcomes.push(writer.publish(name, ++written)), 2);
  for (let kill = 0; kill < 3; kill++) {
    await new Promise((resolve) => setTimeout(resolve, 150));
    await server.kill();
    await server.start();
    await Promise.all([writer.ready(), reader.ready()]);
  }
  await new Promise((resolve) => setTimeout(resolve, 150));
  clearInterval(timer);
  const last = await Promise.all(outcomes).then((all) => all.at(-1));
  await until(() => subscription.position.epoch === last.position.epoch &&
    subscription.position.offset >= last.position.offset, 'the last position');
  const values = told.filter((each) => typeof each === 'number');
  const sorted = values.slice().sort((a, b) => a - b);
  equal(values, sorted, 'order');
  equal(new Set(values).size, values.length, 'each once');
  equal(values.at(-1), written);
  // Every hole between two values has a gap between them.
  for (let i = 1, before = 0; i < told.length; i++) {
    if (typeof told[i] !== 'number') continue;
    const isHole = told[i] > before + 1;
    const hasGap = typeof told[i - 1] !== 'number';
    if (isHole && before > 0 && !hasGap) {
      throw new Error(`a hole without a gap: ${before} to ${told[i]}`);
    }
    before = told[i];
  }
}
