// SPDX-License-Identifier: MIT
// live.mjs - cases against a real server, whose URL is t.url; each in a room of
// its own.

import { equal, ok, rejects, until } from '../support/check.mjs';

let rooms = 0;
const room = () => `sdk:${Date.now().toString(36)}-${++rooms}`;

/** A ready client at the real server. */
async function connect(t, options) {
  const client = t.client({ ...t.live, ...options }, t.url);
  client.connect();
  await client.ready();
  return client;
}

export const cases = [
  {
    name: 'two clients hear each other, in order',
    async run(t) {
      const name = room();
      const ann = await connect(t, { user: 'ann' });
      const bob = await connect(t, { user: 'bob' });
      const a = await t.subscribed(ann, name);
      const b = await t.subscribed(bob, name);
      const publications = [];
      b.subscription.on('publication', (p) => publications.push(p));
      const outcomes = [];
      for (let n = 0; n < 50; n++) {
        outcomes.push((n % 2 ? ann : bob).publish(name, { n, text: 'grüß 🌍' }));
      }
      const positions = (await Promise.all(outcomes)).map((o) => o.position);
      await until(() => a.told.length === 50 && b.told.length === 50);
      equal(a.told, b.told);
      equal(a.told.map(({ n }) => n).sort((x, y) => x - y),
        Array.from({ length: 50 }, (_, n) => n));
      for (const parity of [0, 1]) {
        const own = a.told.map(({ n }) => n).filter((n) => n % 2 === parity);
        equal(own, own.slice().sort((x, y) => x - y), 'order of a publisher');
      }
      equal(new Set(positions.map((p) => p.epoch)).size, 1);
      equal(positions.map((p) => p.offset).sort((x, y) => x - y),
        Array.from({ length: 50 }, (_, n) => n + 1));
      const byAnn = publications.find((p) => p.user === 'ann');
      equal(byAnn.clientId, ann.info.clientId);
      equal(byAnn.own, false);
      ok(Math.abs(byAnn.time - Date.now()) < 60_000, 'a time of now');
      equal(publications.find((p) => p.user === 'bob').own, true);
    },
  },
  {
    name: 'a small window of credit lets everything come, with its item',
    async run(t) {
      const name = room();
      const ann = await connect(t, { creditBytes: 300 });
      const bob = await connect(t, { creditBytes: 0 });
      const { told, subscription } = await t.subscribed(ann, name);
      const items = new Set();
      subscription.on('publication', ({ item }) => items.add(item));
      const text = 'x'.repeat(500);
      await Promise.all(Array.from({ length: 40 }, (_, n) =>
        bob.publish(name, { n, text }, { item: `bus ${n % 3}` })));
      await until(() => told.length === 40);
      equal(told.map(({ n }) => n), Array.from({ length: 40 }, (_, n) => n));
      equal([...items].sort(), ['bus 0', 'bus 1', 'bus 2']);
    },
  },
  {
    name: 'bytes arrive as bytes, and the key as the publisher has it',
    async run(t) {
      const name = room();
      const client = await connect(t);
      const { subscription } = await t.subscribed(client, name);
      let got;
      subscription.on('publication', (p) => {
        got = p;
      });
      const publishing = client.publish(name, Uint8Array.of(0, 1, 254, 255));
      await publishing;
      await until(() => got);
      equal(got.data, Uint8Array.of(0, 1, 254, 255));
      equal(got.key, publishing.key);
      equal(got.own, true);
      equal(client.info.outbox.count, 0);
    },
  },
  {
    name: 'no echo means not to oneself, and positions go on',
    async run(t) {
      const name = room();
      const ann = await connect(t);
      const bob = await connect(t);
      const a = await t.subscribed(ann, name);
      const b = await t.subscribed(bob, name);
      await ann.publish(name, 'quiet', { echo: false });
      await ann.publish(name, 'loud');
      await until(() => a.told.length === 1 && b.told.length === 2);
      equal([a.told, b.told], [['loud'], ['quiet', 'loud']]);
      const last = await ann.publish(name, 'last', { echo: false });
      await until(() => b.told.length === 3);
      await until(() => a.subscription.position.offset === 3);
      equal(a.subscription.position, last.position);
    },
  },
  {
    name: 'a subscription since a position or the start gets what it missed',
    async run(t) {
      const name = room();
      const client = await connect(t);
      const other = await connect(t);
      for (let n = 1; n <= 10; n++) await client.publish(name, n);
      const all = await t.subscribed(client, name, { since: 'start' });
      await until(() => all.told.length === 10);
      equal(all.told, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
      const { epoch } = all.subscription.position;
      const some = await t.subscribed(other, name, { since: { epoch, offset: 7 } });
      await until(() => some.told.length === 3);
      equal(some.told, [8, 9, 10]);
    },
  },
  {
    name: 'ending and beginning again in the handler of each message neither ' +
      'loses nor repeats',
    async run(t) {
      const name = room();
      const client = await connect(t);
      const writer = await connect(t);
      const told = [];
      const begin = (since) => {
        const sub = client.subscribe(name, { since });
        sub.on('publication', (p) => {
          told.push(p.data);
          if (p.data % 3 !== 0) return;
          sub.unsubscribe();
          begin(sub.position);
        });
        return sub;
      };
      const first = begin('start');
      await until(() => first.state === 'live');
      const all = [];
      for (let n = 1; n <= 60; n++) all.push(writer.publish(name, n));
      await Promise.all(all);
      await until(() => told.length >= 60, 'all of them');
      equal(told, Array.from({ length: 60 }, (_, n) => n + 1));
    },
  },
  {
    name: 'compare and set lets one of two through',
    async run(t) {
      const name = room();
      const client = await connect(t);
      const { position } = await client.publish(name, 0);
      const outcomes = await Promise.allSettled([
        client.publish(name, 1, { expected: position }),
        client.publish(name, 2, { expected: position }),
      ]);
      equal(outcomes.map((o) => o.status).sort(), ['fulfilled', 'rejected']);
      const { reason } = outcomes.find((o) => o.status === 'rejected');
      equal(reason.name, 'CONFLICT');
    },
  },
  {
    name: 'members see each other enter, change and leave',
    isLite: false,
    async run(t) {
      const name = room();
      const ann = await connect(t, { user: 'ann' });
      const bob = await connect(t, { user: 'bob' });
      const a = ann.subscribe(name, { presence: true });
      const b = bob.subscribe(name, { presence: true });
      const users = (sub) =>
        [...sub.members.values()].map((m) => `${m.user} ${m.state}`).sort();
      a.enter('online', { color: 'red' });
      b.enter('away');
      await until(() => users(a).length === 2 && users(b).length === 2);
      equal(users(b), ['ann online', 'bob away']);
      equal(b.members.get(ann.info.clientId).data, { color: 'red' });
      b.update('busy');
      await until(() => users(a).includes('bob busy'));
      equal((await ann.members(name)).map((m) => m.user).sort(), ['ann', 'bob']);
      b.leave();
      await until(() => users(a).length === 1);
      a.unsubscribe();
      await until(() => users(b).length === 0);
    },
  },
  {
    name: 'calls between clients through the server, and to the server',
    async run(t) {
      const ann = await connect(t, { user: 'ann' });
      const bob = await connect(t, { user: 'bob' });
      bob.handle('greet', (data, { user }) => `${data} from ${user}`);
      const { clientId } = bob.info;
      equal(await ann.call('greet', 'hello', { to: clientId }), 'hello from ann');
      await rejects(ann.call('unheard of', 1, { to: clientId }), 'UNKNOWN_METHOD');
      await rejects(ann.call('unheard of'), 'UNKNOWN_METHOD');
    },
  },
  {
    name: 'a refused publish says why',
    async run(t) {
      const client = await connect(t);
      await rejects(client.publish('bad\u0000name', 1), 'BAD_TEXT');
      await rejects(
        client.publish(room(), 'x'.repeat(client.info.limits.maxFrameBytes)),
        'TOO_BIG');
    },
  },
  {
    name: 'many messages, many channels',
    async run(t) {
      const base = room();
      const client = await connect(t);
      const writer = await connect(t, { outbox: { maxCount: 10_000 } });
      const subs = await Promise.all(Array.from({ length: 20 }, (_, n) =>
        t.subscribed(client, `${base}-${n}`)));
      const all = [];
      for (let n = 0; n < 1000; n++) {
        all.push(writer.publish(`${base}-${n % 20}`, n));
      }
      await Promise.all(all);
      await until(() => subs.every(({ told }) => told.length === 50));
      subs.forEach(({ told }, i) =>
        equal(told, Array.from({ length: 50 }, (_, n) => n * 20 + i)));
    },
    timeoutMs: 30_000,
  },
];
