// SPDX-License-Identifier: MIT
// subscription.mjs - publications, positions, gaps, and handlers that end what
// they are called by.

import {
  equal, ok, quietly, rejects, settled, throws, until,
} from '../support/check.mjs';
import { EPOCH } from '../support/fake-server.mjs';
import { frame, Type } from '../support/wire.mjs';

const EPOCH_HEX = '00000000deadbeef';
const at = (offset) => ({ epoch: EPOCH_HEX, offset });

/** Publications with their offset as value. */
function batch(server, channel, from, to) {
  const frames = [];
  for (let n = from; n <= to; n++) frames.push(server.publication(channel, n, n));
  return frames;
}

/** A push that the server has subscribed the client. */
function byServer(server, channel, offset) {
  return frame(Type.SERVER_SUBSCRIBED, { channel: server.number(channel) },
    { channel, epoch: EPOCH, offset });
}

function subscribes(server) {
  return server.framesOf(Type.SUBSCRIBE).map(({ body }) => body);
}

export const cases = [
  {
    name: 'a publication has all its parts',
    async run(t) {
      const client = await t.connected();
      const { subscription } = await t.subscribed(client, 'room');
      const told = [];
      subscription.on('publication', (p) => told.push(p));
      await t.server.deliver(
        t.server.publication('room', 1, { text: 'grüß 🌍' }, {
          client: 0xabcdefn, key: 7, user: 'bob', time_ms: 1_700_000_000_123,
          item: 'número 7',
        }),
        frame(Type.PUBLICATION, { channel: t.server.number('room') },
          { offset: 2, data: [0, 255, 7], client: 0x1122334455667788n }));
      const [json, bytes] = told;
      equal(json.data, { text: 'grüß 🌍' });
      ok(json.data === json.data, 'the same value each time');
      equal(json.position, at(1));
      equal(json.clientId, '0000000000abcdef');
      equal(json.key, '0000000000000007');
      equal(json.user, 'bob');
      equal(json.item, 'número 7');
      equal(json.time, 1_700_000_000_123);
      equal(json.own, false);
      equal(JSON.parse(JSON.stringify(json)).data, { text: 'grüß 🌍' });
      ok(bytes.data instanceof Uint8Array, 'bytes');
      equal(bytes.data, Uint8Array.of(0, 255, 7));
      equal([bytes.key, bytes.user, bytes.item, bytes.own], [null, '', '', true]);
      equal(subscription.position, at(2));
    },
  },
  {
    name: 'data stays readable after later messages',
    async run(t) {
      const client = await t.connected();
      const { subscription } = await t.subscribed(client, 'room');
      const told = [];
      subscription.on('publication', (p) => told.push(p));
      for (let n = 1; n <= 50; n++) {
        t.server.send(t.server.publication('room', n, `value ${n}`));
      }
      equal(told.map((p) => p.data), told.map((_, i) => `value ${i + 1}`));
    },
  },
  {
    name: 'a batch comes in order, each once',
    async run(t) {
      const client = await t.connected();
      const { told } = await t.subscribed(client, 'room');
      await t.server.deliver(...batch(t.server, 'room', 1, 300));
      equal(told, Array.from({ length: 300 }, (_, i) => i + 1));
      await t.server.deliver(...batch(t.server, 'room', 299, 301));
      equal(told.length, 301);
      equal(client.info.duplicates, 2);
    },
  },
  {
    name: 'messages in quick succession are gathered, and come in order, each once',
    async run(t) {
      const client = await t.connected();
      const { told } = await t.subscribed(client, 'room');
      const values = (to) => Array.from({ length: to }, (_, i) => i + 1);
      const one = (n, more) => t.server.send(
        t.server.publication('room', n, n, more));
      await settled();
      one(1);
      equal(told, [1], 'the first is handed over at once');
      for (let n = 2; n <= 100; n++) one(n);
      equal(told, [1], 'others wait until the host has looked around');
      await settled();
      equal(told, values(100));
      // Of so many bytes that not all are gathered.
      for (let n = 101; n <= 500; n++) one(n, { user: 'a'.repeat(200) });
      ok(told.length > 200 && told.length < 500, 'most of them at once');
      await settled();
      equal(told, values(500));
    },
  },
  {
    name: 'what came before the end of a connection is handed over before it',
    async run(t) {
      const client = await t.connected();
      const { told } = await t.subscribed(client, 'room');
      await settled();
      client.on('state', ({ to }) => told.push(to));
      for (let n = 1; n <= 3; n++) t.server.send(t.server.publication('room', n, n));
      t.server.cut();
      equal(told, [1, 2, 3, 'waiting']);
      // After one's own end nothing is handed over.
      await client.ready();
      await settled();
      told.length = 0;
      for (let n = 4; n <= 6; n++) t.server.send(t.server.publication('room', n, n));
      client.close();
      await settled();
      // The first of them at once, unless the host took it for one of a row.
      equal(told.at(-1), 'closed');
      ok(told.length <= 2, told.join());
    },
  },
  {
    name: 'the position in a handler is that of the message in hand',
    async run(t) {
      const client = await t.connected();
      const { subscription } = await t.subscribed(client, 'room');
      const seen = [];
      subscription.on('publication', (p) =>
        seen.push([p.position.offset, subscription.position.offset]));
      await t.server.deliver(...batch(t.server, 'room', 1, 4));
      equal(seen, [[1, 1], [2, 2], [3, 3], [4, 4]]);
    },
  },
  {
    name: 'unsubscribing in the handler of message N and subscribing since N ' +
      'neither loses nor repeats',
    async run(t) {
      const client = await t.connected();
      const told = [];
      const begin = (options) => {
        const subscription = client.subscribe('room', options);
        subscription.on('publication', (p) => {
          told.push(p.data);
          if (p.data !== 2 || told.length > 2) return;
          subscription.unsubscribe();
          equal(subscription.position, at(2));
          begin({ since: subscription.position });
        });
        return subscription;
      };
      const first = begin();
      await until(() => first.state === 'live');
      t.server.on[Type.SUBSCRIBE] = (server, ws, received) => server.send(
        server.subscribed(received, { live: 0 }),
        ...batch(server, 'room', received.body.offset + 1, 7),
        frame(Type.RECOVERY, { channel: server.number('room') },
          { from: received.body.offset + 1, to: 7, live: 1 }));
      await settled();
      t.server.send(...batch(t.server, 'room', 1, 5));
      equal(told, [1, 2]);
      equal(first.state, 'ended');
      await until(() => told.length >= 7);
      await settled();
      equal(told, [1, 2, 3, 4, 5, 6, 7]);
      const last = subscribes(t.server).at(-1);
      equal([last.recover, last.epoch, last.offset], [1, EPOCH, 2]);
      equal(t.server.framesOf(Type.UNSUBSCRIBE).length, 1);
    },
  },
  {
    name: 'unsubscribing in a handler without subscribing again gets no more',
    async run(t) {
      const client = await t.connected();
      const { subscription, told } = await t.subscribed(client, 'room');
      const states = [];
      subscription.on('state', ({ to, reason }) => states.push([to, reason.name]));
      subscription.on('publication', () => subscription.unsubscribe());
      await settled();
      t.server.send(...batch(t.server, 'room', 1, 5));
      equal(told, [1]);
      equal(states, []);
      await settled();
      equal(states, [['ended', 'UNSUBSCRIBED']]);
      equal(subscription.position, at(1));
    },
  },
  {
    name: 'two subscriptions share one, and one may end in the middle of a ' +
      'batch and come back from where it was',
    async run(t) {
      const client = await t.connected();
      const a = await t.subscribed(client, 'room');
      const b = await t.subscribed(client, 'room');
      const again = [];
      b.subscription.on('publication', (p) => {
        if (p.data !== 2) return;
        b.subscription.unsubscribe();
        const back = client.subscribe('room',
          { since: b.subscription.position });
        back.on('publication', (q) => again.push(q.data));
      });
      await t.server.deliver(...batch(t.server, 'room', 1, 5));
      await settled();
      equal([a.told, b.told, again], [[1, 2, 3, 4, 5], [1, 2], [3, 4, 5]]);
      equal(subscribes(t.server).length, 1);
      equal(t.server.framesOf(Type.UNSUBSCRIBE).length, 0);
    },
  },
  {
    name: 'a subscription that wants more than the shared one has begins anew, ' +
      'and the others see nothing twice',
    async run(t) {
      const client = await t.connected();
      const a = await t.subscribed(client, 'room');
      await t.server.deliver(...batch(t.server, 'room', 1, 4));
      t.server.on[Type.SUBSCRIBE] = (server, ws, received) => {
        equal([received.body.recover, received.body.epoch ?? 0n], [1, 0n]);
        server.send(
          server.subscribed(received, { epoch: EPOCH, offset: 0, live: 0 }),
          ...batch(server, 'room', 1, 6),
          frame(Type.RECOVERY, { channel: server.number('room') },
            { from: 1, to: 6, live: 1 }));
      };
      const b = await t.subscribed(client, 'room', { since: 'start' });
      await settled();
      equal(a.told, [1, 2, 3, 4, 5, 6]);
      equal(b.told, [1, 2, 3, 4, 5, 6]);
      equal(a.subscription.position, b.subscription.position);
    },
  },
  {
    name: 'a subscription that has had more than the shared one skips',
    async run(t) {
      const client = await t.connected();
      const a = await t.subscribed(client, 'room');
      await t.server.deliver(...batch(t.server, 'room', 1, 2));
      const b = await t.subscribed(client, 'room', { since: at(4) });
      await t.server.deliver(...batch(t.server, 'room', 3, 6));
      equal([a.told, b.told], [[1, 2, 3, 4, 5, 6], [5, 6]]);
    },
  },
  {
    name: 'one that begins now gets nothing of what another recovers',
    async run(t) {
      t.server.on[Type.SUBSCRIBE] = (server, ws, received) => server.send(
        server.subscribed(received, { live: 0 }),
        ...batch(server, 'room', 1, 3),
        frame(Type.RECOVERY, { channel: server.number('room') },
          { from: 1, to: 3, live: 1 }));
      const client = await t.connected();
      const now = client.subscribe('room');
      const all = client.subscribe('room', { since: 'start' });
      const told = { now: [], all: [] };
      now.on('publication', (p) => told.now.push(p.data));
      all.on('publication', (p) => told.all.push(p.data));
      await until(() => now.state === 'live' && all.state === 'live');
      await t.server.deliver(t.server.publication('room', 4, 4));
      equal(told, { now: [4], all: [1, 2, 3, 4] });
      equal(now.position, at(4));
    },
  },
  {
    name: 'closing in a handler lets the rest of the batch come',
    async run(t) {
      const client = await t.connected();
      const { subscription, told } = await t.subscribed(client, 'room');
      subscription.on('publication', (p) => p.data === 1 && client.close());
      await t.server.deliver(...batch(t.server, 'room', 1, 3));
      equal(told, [1, 2, 3]);
      await until(() => client.state === 'closed');
      client.connect();
      await client.ready();
      const last = subscribes(t.server).at(-1);
      equal([last.recover, last.offset], [1, 3]);
    },
  },
  {
    name: 'recovers after a lost connection and says how it went',
    async run(t) {
      const client = await t.connected();
      const { subscription, told } = await t.subscribed(client, 'room');
      await t.server.deliver(...batch(t.server, 'room', 1, 2));
      const states = [];
      subscription.on('state', ({ from, to, recovery, reason }) =>
        states.push([from, to, to === 'live' ? recovery : reason.name]));
      t.server.on[Type.SUBSCRIBE] = (server, ws, received) => {
        equal([received.body.epoch, received.body.offset], [EPOCH, 2]);
        server.send(server.subscribed(received, { live: 0, result: 1 }),
          ...batch(server, 'room', 3, 4),
          frame(Type.RECOVERY, { channel: server.number('room') },
            { from: 3, to: 4, live: 1 }));
      };
      t.server.cut();
      await until(() => subscription.state === 'live');
      equal(told, [1, 2, 3, 4]);
      equal(states, [
        ['live', 'idle', 'CONNECTION_LOST'], ['idle', 'subscribing', 'OK'],
        ['subscribing', 'recovering', 'OK'],
        ['recovering', 'live', 'recovered'],
      ]);
    },
  },
  {
    name: 'asks for each policy, and tells each run that it skips',
    async run(t) {
      const client = await t.connected();
      const overflows = ['close', 'drop', 'conflate', 'sample'];
      for (const overflow of overflows) {
        await t.subscribed(client, overflow, { overflow });
      }
      equal(subscribes(t.server).map((body) => body.overflow ?? 0), [0, 1, 2, 3]);
      const { told, subscription } = await t.subscribed(client, 'room');
      const lagged = (from, to) =>
        frame(Type.LAGGED, { channel: t.server.number('room') },
          { from, to, count: to - from + 1, reason: 6 });
      await t.server.deliver(lagged(1, 3),
        t.server.publication('room', 4, 'a'), lagged(5, 5),
        t.server.publication('room', 6, 'b'), lagged(7, 9));
      const gap = (from, to) =>
        ({ gap: { reason: 'slow-reader', from, to, position: at(to) } });
      equal(told, [gap(1, 3), 'a', gap(5, 5), 'b', gap(7, 9)]);
      equal(subscription.position, at(9));
    },
  },
  {
    name: 'tells gaps with reason and place',
    async run(t) {
      const client = await t.connected();
      const { subscription, told } = await t.subscribed(client, 'room');
      await t.server.deliver(...batch(t.server, 'room', 1, 2));
      t.server.on[Type.SUBSCRIBE] = (server, ws, received) => server.send(
        server.subscribed(received, {
          epoch: 0xfeedn, offset: 40, result: 2, gap: 1, gap_from: 3,
        }));
      t.server.cut();
      await until(() => told.length === 3);
      const position = { epoch: '000000000000feed', offset: 40 };
      equal(told[2], {
        gap: { reason: 'epoch-changed', from: 3, to: null, position },
      });
      equal(subscription.position, position);
      await t.server.deliver(frame(Type.LAGGED, { channel: t.server.number('room') },
        { from: 41, to: 45, count: 5, reason: 6 }));
      equal(told[3].gap, {
        reason: 'slow-reader', from: 41, to: 45,
        position: { epoch: '000000000000feed', offset: 45 },
      });
    },
  },
  {
    name: 'a handler that throws is reported, and delivery goes on',
    async run(t) {
      const client = await t.connected();
      const { subscription, told } = await t.subscribed(client, 'room');
      const later = [];
      subscription.on('publication', (p) => {
        if (p.data === 2) throw new Error('mine');
      });
      subscription.on('publication', (p) => later.push(p.data));
      const reported = await quietly(() =>
        t.server.deliver(...batch(t.server, 'room', 1, 3)));
      equal([told, later], [[1, 2, 3], [1, 2, 3]]);
      equal(t.errors.map((e) => e.message), ['mine']);
      equal(reported, 1);
      t.errors.length = 0;
    },
  },
  {
    name: 'a value that is not JSON is an error of its reader only',
    async run(t) {
      const client = await t.connected();
      const { subscription } = await t.subscribed(client, 'room');
      let last;
      subscription.on('publication', (p) => {
        last = p;
      });
      const channel = t.server.number('room');
      await quietly(() => t.server.deliver(
        frame(Type.PUBLICATION, { channel }, { offset: 1, json: '{"a":' }),
        t.server.publication('room', 2, 'fine')));
      equal(last.data, 'fine');
      equal(t.errors.map((e) => e.name), ['SyntaxError']);
      t.errors.length = 0;
    },
  },
  {
    name: 'a refused channel ends with the reason, and may be wanted again',
    async run(t) {
      const client = await t.connected();
      t.server.on[Type.SUBSCRIBE] = (server, ws, { request }) => server.send(
        frame(Type.ERROR, { request }, { code: 507, message: 'no' }));
      const first = client.subscribe('secret');
      const states = [];
      first.on('state', ({ to, reason }) => states.push([to, reason.message]));
      await until(() => first.state === 'ended');
      equal(states.at(-1), ['ended', 'no']);
      first.unsubscribe();
      delete t.server.on[Type.SUBSCRIBE];
      await t.subscribed(client, 'secret');
    },
  },
  {
    name: 'a channel name that is none ends at once, with the reason',
    async run(t) {
      const client = await t.connected();
      const names = { '': 'BAD_CHANNEL', 'a\0b': 'BAD_TEXT', ['x'.repeat(300)]: 'TOO_BIG' };
      for (const [name, reason] of Object.entries(names)) {
        const sub = client.subscribe(name);
        let last;
        sub.on('state', (event) => {
          last = event;
        });
        await until(() => sub.state === 'ended');
        equal(last.reason.name, reason);
        if (reason !== 'BAD_TEXT') {
          equal(last.reason.message, 'a channel has 1 to 255 bytes');
        }
      }
      const epoch = '00000000deadbeef';
      for (const since of [{ epoch: 'x', offset: 0 }, { epoch }, {},
        { epoch: 'deadbeef', offset: 1 }, { epoch: `${epoch}0`, offset: 1 },
        { epoch, offset: -1 }, { epoch, offset: 0.5 }]) {
        throws(() => client.subscribe('room', { since }), 'BAD_REQUEST');
      }
      await rejects(
        client.publish('room', 1, { expected: { epoch: '1', offset: 1 } }),
        'BAD_REQUEST');
      throws(() => client.subscribe('room', { overflow: 'never' }), 'TypeError');
    },
  },
  {
    name: 'commands given before the core is there are done in order',
    async run(t) {
      const client = t.client();
      const gone = client.subscribe('gone');
      const sub = client.subscribe('room', { since: at(3) });
      sub.enter?.('away', { name: 'Ann' });
      gone.unsubscribe();
      const value = { n: 1 };
      const publishing = client.publish('room', value);
      value.n = 2;
      equal(publishing.key, null);
      client.connect();
      await publishing;
      ok(publishing.key !== null, 'a key');
      equal(subscribes(t.server).map((body) => body.channel), ['room']);
      equal(t.server.framesOf(Type.PUBLISH)[0].body.json, '{"n":1}');
      equal(t.server.framesOf(Type.PRESENCE_SET).map(({ body }) => body),
        t.isLite ? [] : [{ state: 'away', json: '{"name":"Ann"}' }]);
    },
  },
  {
    name: 'the last of several subscriptions ends the channel',
    async run(t) {
      const client = await t.connected();
      const a = await t.subscribed(client, 'room');
      const b = await t.subscribed(client, 'room');
      a.subscription.unsubscribe();
      a.subscription.unsubscribe();
      await settled();
      equal(t.server.framesOf(Type.UNSUBSCRIBE).length, 0);
      await t.server.deliver(t.server.publication('room', 1, 1));
      equal([a.told, b.told], [[], [1]]);
      b.subscription.unsubscribe();
      await until(() => t.server.framesOf(Type.UNSUBSCRIBE).length === 1);
    },
  },
  {
    name: 'the server subscribes by itself, and what it sends is heard',
    async run(t) {
      const client = await t.connected();
      const told = [];
      const states = [];
      let subscription;
      client.on('subscription', (s) => {
        subscription = s;
        s.on('publication', (p) => told.push(p.data));
        s.on('state', ({ to }) => states.push(to));
      });
      await t.server.deliver(byServer(t.server, 'news', 4),
        t.server.publication('news', 5, 'first'));
      equal(subscription.channel, 'news');
      equal([told, states], [['first'], ['subscribing', 'live']]);
      equal(subscription.position, at(5));

      t.server.cut();
      await until(() => subscribes(t.server).length === 1, 'it asks again');
      equal(subscribes(t.server)[0].by_server, 1);
      equal(subscribes(t.server)[0].offset, 5);
      await until(() => subscription.state === 'live');
      await t.server.deliver(t.server.publication('news', 6, 'second'));
      equal(told, ['first', 'second']);

      await t.server.deliver(frame(Type.UNSUBSCRIBED,
        { channel: t.server.number('news') }, { code: 514 }));
      equal(subscription.state, 'ended');
      await t.server.deliver(byServer(t.server, 'news', 9));
      ok(subscription.state === 'live', 'another one begins');
      equal(subscription.position, at(9));
    },
  },
  {
    name: 'what the server began may be shared, and left',
    async run(t) {
      const client = await t.connected();
      let first;
      client.on('subscription', (s) => {
        first = s;
      });
      await t.server.deliver(byServer(t.server, 'news', 0));
      const { subscription: second, told } = await t.subscribed(client, 'news');
      equal(subscribes(t.server).length, 0);
      await t.server.deliver(t.server.publication('news', 1, 'both'));
      equal(told, ['both']);
      equal(first.position, at(1));
      first.unsubscribe();
      second.unsubscribe();
      await until(() => t.server.framesOf(Type.UNSUBSCRIBE).length === 1);
      const [{ channel, flags }] = t.server.framesOf(Type.UNSUBSCRIBE);
      equal([channel, flags], [t.server.number('news'), 0]);
    },
  },
  {
    name: 'many clients of messages do not make the memory grow',
    async run(t) {
      const client = await t.connected();
      const { subscription } = await t.subscribed(client, 'room');
      let seen = 0;
      subscription.on('publication', () => seen++);
      const sizes = [];
      let offset = 0;
      for (let round = 0; round < 40; round++) {
        for (let i = 0; i < 20; i++) {
          t.server.send(...batch(t.server, 'room', offset + 1, offset + 10));
          offset += 10;
        }
        await settled();
        sizes.push(t.memoryBytes?.() ?? 0);
      }
      equal(seen, 8000);
      equal(sizes.at(-1), sizes[0], 'bytes of memory');
    },
  },
];
