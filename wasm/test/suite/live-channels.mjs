// SPDX-License-Identifier: MIT
// live-channels.mjs - maps, filters, patterns, metadata and schemas against a real
// server with the namespaces below, whose URL is t.url.

import * as filter from '../../dist/filter.js';
import { ItemMap } from '../../dist/map.js';
import { equal, ok, rejects, until } from '../support/check.mjs';

/** Flags of a server that these cases need. */
export function namespaces(schema) {
  return ['--namespaces', JSON.stringify([
    { name: 'map', history: { mode: 'map' } },
    { name: 'doc', delta: { enabled: true } },
    { name: 'wild', channel: { wildcards: true } },
    { name: 'meta', allow: { channel: 'anyone' } },
    { name: 'typed', payload: { type: 'json', schema } },
  ])];
}

let rooms = 0;
const room = (space) => `${space}:${Date.now().toString(36)}-${++rooms}`;

async function connect(t, options) {
  const client = t.client({ ...t.live, ...options }, t.url);
  client.connect();
  await client.ready();
  return client;
}

async function mapOf(client, name) {
  const map = new ItemMap(client.subscribe(name, { since: 'start' }));
  await until(() => map.isWhole, 'the map to be whole');
  return map;
}

/** Adds to an item, again when somebody else was faster. */
async function add(map, item, num) {
  for (;;) {
    const value = (map.get(item) ?? 0) + num;
    const position = map.position(item);
    try {
      await map.set(item, value, { compareItem: position });
      return;
    } catch (error) {
      if (error.name !== 'CONFLICT') throw error;
      // What was faster is on its way.
      await until(() => map.position(item)?.offset !== position?.offset);
    }
  }
}

/** A document that changes in parts. */
const document = (n) => ({
  n, title: 'größe', rows: Array.from({ length: 40 }, (_, i) => (
    { id: i * 7919, value: (i + n) % 9 ? i : n, text: `row ${i}` })),
});

export const cases = [
  {
    name: 'deltas lead to the same publications',
    isLite: false,
    async run(t) {
      const name = room('doc');
      const [writer, reader, plain] =
        [await connect(t), await connect(t), await connect(t)];
      const a = await t.subscribed(reader, name, { delta: true });
      const b = await t.subscribed(plain, name);
      equal([a.subscription.deltas, b.subscription.deltas], [true, false]);
      const seen = [[], []];
      a.subscription.on('publication', (p) => seen[0].push(p.data));
      b.subscription.on('publication', (p) => seen[1].push(p.data));
      const want = [];
      for (let n = 0; n < 30; n++) {
        want.push(n % 10 === 9
          ? new TextEncoder().encode(`bytes ${n} `.repeat(50)) : document(n));
        await writer.publish(name, want.at(-1));
      }
      await until(() => seen.every((list) => list.length === want.length));
      equal(seen, [want, want]);
      const other = await t.subscribed(writer, room('sdk'), { delta: true });
      equal(other.subscription.deltas, false);
    },
  },
  {
    name: 'compare and set of three writers loses no addition',
    async run(t) {
      const name = room('map');
      const maps = [];
      for (let i = 0; i < 3; i++) maps.push(await mapOf(await connect(t), name));
      await Promise.all(maps.map(async (map) => {
        for (let n = 0; n < 20; n++) await add(map, 'sum', 1);
      }));
      const [first] = maps;
      await until(() => maps.every((map) => map.get('sum') === 60));
      await first.set('other', 'x', { ttlMs: 200 });
      await until(() => maps.every((map) => !map.has('other')),
        'the end of an item');
      await first.remove('sum');
      await until(() => maps.every((map) => map.size === 0));
      const late = await mapOf(await connect(t), name);
      equal([...late], []);
    },
  },
  {
    name: 'a map that is told anew tells no change of what is as it was',
    async run(t) {
      const name = room('map');
      const client = await connect(t);
      const map = await mapOf(client, name);
      await map.set('a', 1);
      await map.set('b', 2);
      const changes = [];
      map.on('change', ({ item, value }) => changes.push([item, value]));
      await until(() => map.size === 2);
      changes.length = 0;
      // Begins the part anew that both share.
      const second = await mapOf(client, name);
      equal([...second], [['a', 1], ['b', 2]]);
      await until(() => map.isWhole);
      await map.set('a', 3);
      await until(() => second.get('a') === 3);
      equal(changes, [['a', 3]]);
    },
  },
  {
    name: 'a filter shows what passes, and its position goes on over the rest',
    isLite: false,
    async run(t) {
      const name = room('sdk');
      const writer = await connect(t);
      const reader = await connect(t);
      const { and, eq, ge } = filter;
      const { told, subscription } = await t.subscribed(
        reader, name, { filter: and(eq('lang', 'es'), ge('n', 5)) });
      let last;
      for (let n = 0; n < 20; n++) {
        last = await writer.publish(
          name, n, { tags: filter.tags({ lang: n % 2 ? 'es' : 'en', n }) });
      }
      const wanted = [5, 7, 9, 11, 13, 15, 17, 19];
      await until(() => told.length === wanted.length);
      equal(told, wanted);
      equal(subscription.position, last.position);
      const late = await connect(t);
      const again = await t.subscribed(
        late, name, { since: 'start', filter: eq('lang', 'en') });
      equal(again.told, [0, 2, 4, 6, 8, 10, 12, 14, 16, 18]);
    },
  },
  {
    name: 'a pattern hears channels that were not there when it began',
    async run(t) {
      const base = room('wild');
      const writer = await connect(t);
      const reader = await connect(t);
      const { told, subscription } = await t.subscribed(reader, `${base}.*`);
      const from = [];
      subscription.on('publication', ({ channel, offset }) =>
        from.push(`${channel.slice(base.length)} ${offset}`));
      for (const part of ['a', 'b', 'a', 'a.b', 'c']) {
        await writer.publish(`${base}.${part}`, part);
      }
      await until(() => told.length === 4);
      equal(from.sort(), ['.a 1', '.a 2', '.b 1', '.c 1']);
      await rejects(writer.publish(`${base}.*`, 1), 'BAD_CHANNEL');
    },
  },
  {
    name: 'the first publisher says what a channel is about',
    isLite: false,
    async run(t) {
      const name = room('meta');
      const ann = await connect(t);
      const bob = await connect(t);
      const { subscription } = await t.subscribed(ann, name);
      const heard = [];
      subscription.on('metadata', (metadata) => heard.push(metadata));
      await bob.publish(name, 1, { metadata: { topic: 'grüße' } });
      await bob.publish(name, 2, { metadata: { topic: 'other' } });
      await until(() => heard.length > 0);
      equal(heard, [{ topic: 'grüße' }]);
      const later = await t.subscribed(bob, name);
      equal(later.subscription.metadata, { topic: 'grüße' });
      await rejects(
        ann.publish(room('sdk'), 1, { metadata: {} }), 'PERMISSION_DENIED');
    },
  },
  {
    name: 'what does not fit the schema is refused with its path',
    async run(t) {
      const client = await connect(t);
      const name = room('typed');
      await client.publish(name, { user: { address: [{ city: 'x' }] } });
      const error = await rejects(
        client.publish(name, { user: { address: [{ city: 'x' }, {}] } }),
        'SCHEMA_MISMATCH');
      equal(error.field, 'user.address[1].city');
      ok(/missing/.test(error.message), 'the sentence');
    },
  },
];
