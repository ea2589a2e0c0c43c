// SPDX-License-Identifier: MIT
// publish.mjs - publications on their way, calls in both directions, payloads.

import { equal, ok, quietly, rejects, settled, until } from '../support/check.mjs';
import { EPOCH } from '../support/fake-server.mjs';
import { frame, Type } from '../support/wire.mjs';

const EPOCH_HEX = '00000000deadbeef';

export const cases = [
  {
    name: 'text with a NUL is refused wherever it stands, any other goes out',
    async run(t) {
      const client = await t.connected();
      for (let length = 1; length < 18; length++) {
        for (let at = 0; at < length; at++) {
          const item = `${'ü€😀\u0080\uffff'.slice(0, at)}${'x'.repeat(at)}\0` +
            'y'.repeat(length - at);
          await rejects(client.publish('room', 1, { item }), 'BAD_TEXT');
        }
      }
      await rejects(client.publish('room\0', 1), 'BAD_TEXT');
      const item = 'a\u0001\u007f\u0080\u0100ü€😀\uffff'.repeat(8);
      await client.publish('room', '\0', { item });
      equal(t.server.framesOf(Type.PUBLISH).map(({ body }) =>
        [body.item, body.json]), [[item, '"\\u0000"']]);
    },
  },
  {
    name: 'a publish resolves with its position and carries its key',
    async run(t) {
      const client = await t.connected();
      const publishing = client.publish('room', { text: 'hi' });
      const { key } = publishing;
      const published = await publishing;
      equal(key, '0000000000000001');
      equal(published, {
        position: { epoch: '00000000deadbeef', offset: 1 }, duplicate: false,
      });
      const [{ body }] = t.server.framesOf(Type.PUBLISH);
      equal(body, { channel: 'room', json: '{"text":"hi"}', key: 1 });
      equal(client.info.outbox.count, 0);
    },
  },
  {
    name: 'options of a publish reach the wire',
    async run(t) {
      const client = await t.connected();
      await client.publish('room', Uint8Array.of(1, 2), {
        echo: false, ttlMs: 5000, expected: { epoch: EPOCH_HEX, offset: 2 ** 40 },
        item: 'bus número 7',
      });
      equal(t.server.framesOf(Type.PUBLISH)[0].body, {
        channel: 'room', data: Uint8Array.of(1, 2), key: 1, no_echo: 1,
        compare: 1, epoch: EPOCH, offset: 2 ** 40, ttl_ms: 5000,
        item: 'bus número 7',
      });
      await rejects(client.publish('room', 1, { item: 'x'.repeat(256) }), 'TOO_BIG');
      await rejects(client.publish('room', 1, { item: '\0' }), 'BAD_TEXT');
      const once = client.publish('room', 1, { atMostOnce: true });
      equal(once.key, null);
      await once;
      equal(t.server.framesOf(Type.PUBLISH)[1].body.key, undefined);
    },
  },
  {
    name: 'every kind of value arrives as it is',
    async run(t) {
      const client = await t.connected();
      const { told } = await t.subscribed(client, 'room');
      let offset = 0;
      t.server.on[Type.PUBLISH] = (server, ws, { request, body, channel }) => {
        offset++;
        server.send(
          frame(Type.PUBLICATION, { channel: server.number('room') },
            { offset, data: body.data, json: body.json }),
          frame(Type.PUBLISHED, { request }, { epoch: EPOCH, offset }));
      };
      const values = [
        'text', '', 0, -1.5, true, false, null, [], {}, [1, { a: null }],
        'grüß 🌍', Uint8Array.of(), Uint8Array.of(0, 255),
      ];
      for (const value of values) await client.publish('room', value);
      equal(told, values);
      const { buffer } = Uint8Array.of(9, 8, 7, 6);
      await client.publish('room', buffer);
      await client.publish('room', new DataView(buffer, 1, 2));
      equal(told.slice(-2), [Uint8Array.of(9, 8, 7, 6), Uint8Array.of(8, 7)]);
    },
  },
  {
    name: 'a value without a form in JSON is refused',
    async run(t) {
      const client = await t.connected();
      await rejects(client.publish('room', undefined), 'TypeError');
      await rejects(client.publish('room', () => {}), 'TypeError');
      const loop = {};
      loop.loop = loop;
      await rejects(client.publish('room', loop), 'TypeError');
    },
  },
  {
    name: 'a refused publish rejects with code, class and words',
    async run(t) {
      const client = await t.connected();
      t.server.on[Type.PUBLISH] = (server, ws, { request }) => server.send(
        frame(Type.ERROR, { request }, { code: 511, message: 'not there' }));
      const error = await rejects(client.publish('room', 1), 'CONFLICT');
      equal([error.code, error.class, error.message],
        [511, 'terminal', 'not there']);
      ok(error instanceof t.GodwitError && error instanceof Error, 'its class');
      // Of the name, by its bytes: the core has no words for it.
      for (const [name, its] of Object.entries(
        { '': 'BAD_CHANNEL', ['ä'.repeat(128)]: 'TOO_BIG' })) {
        const bad = await rejects(client.publish(name, 1), its);
        equal([bad.class, bad.message],
          ['terminal', 'a channel has 1 to 255 bytes']);
        ok(bad instanceof t.GodwitError, 'its class');
      }
      const tooBig = await rejects(
        client.publish('room', 'x'.repeat(70_000)), 'TOO_BIG');
      equal(tooBig.class, 'terminal');
    },
  },
  {
    name: 'what is not acknowledged is sent again with the same key',
    async run(t) {
      const client = await t.connected();
      const answer = t.server.on;
      answer[Type.PUBLISH] = () => {};
      const publishing = client.publish('room', 'again');
      await until(() => t.server.framesOf(Type.PUBLISH).length === 1);
      equal(client.info.outbox.count, 1);
      ok(client.info.outbox.bytes > 0, 'bytes');
      answer[Type.PUBLISH] = (server, ws, { request }) => server.send(
        frame(Type.PUBLISHED, { request },
          { epoch: EPOCH, offset: 1, duplicate: 1 }));
      t.server.cut();
      equal((await publishing).duplicate, true);
      const keys = t.server.framesOf(Type.PUBLISH).map(({ body }) => body.key);
      equal(keys, [1, 1]);
    },
  },
  {
    name: 'at most once means not again',
    async run(t) {
      const client = await t.connected();
      t.server.on[Type.PUBLISH] = () => {};
      const publishing = client.publish('room', 1, { atMostOnce: true });
      await until(() => t.server.framesOf(Type.PUBLISH).length === 1);
      t.server.cut();
      await rejects(publishing, 'CONNECTION_LOST');
      await client.ready();
      equal(t.server.framesOf(Type.PUBLISH).length, 1);
    },
  },
  {
    name: 'a closed client says that it is closed',
    async run(t) {
      const client = await t.connected();
      client.close();
      await until(() => client.state === 'closed');
      const error = await rejects(client.publish('room', 1), 'CLOSED');
      equal(error.class, 'terminal');
    },
  },
  {
    name: 'commands of one turn leave in one message',
    async run(t) {
      const client = await t.connected();
      const { send } = t.server.connection;
      let messages = 0;
      t.server.connection.send = function counted(data) {
        messages++;
        return send.call(this, data);
      };
      const all = [];
      for (let n = 0; n < 20; n++) all.push(client.publish('room', n));
      await until(() => t.server.framesOf(Type.PUBLISH).length === 20);
      equal(messages, 1);
      await Promise.all(all);
      equal(t.server.framesOf(Type.PUBLISH).map(({ body }) => body.json),
        Array.from({ length: 20 }, (_, n) => String(n)));
    },
  },
  {
    name: 'the outbox has limits',
    async run(t) {
      const client = t.client({ outbox: { maxCount: 2 } });
      t.server.isDown = true;
      client.connect();
      await until(() => client.state !== 'idle');
      const first = [client.publish('room', 1), client.publish('room', 2)];
      await rejects(client.publish('room', 3), 'OUTBOX_FULL');
      t.server.isDown = false;
      client.connect();
      await Promise.all(first);
      equal(client.info.outbox.count, 0);
    },
  },
  {
    name: 'a store is given what waits, and gives it back',
    async run(t) {
      const kept = new Map();
      const store = {
        load: () => kept,
        put: (key, entry) => kept.set(key, entry),
        remove: (key) => kept.delete(key),
      };
      const instance = Uint8Array.from({ length: 16 }, (_, n) => n + 1);
      t.server.on[Type.PUBLISH] = () => {};
      const before = await t.connected({ instance, outbox: { store } });
      before.publish('room', 'kept').catch(() => {});
      before.publish('room', 'too').catch(() => {});
      await until(() => t.server.framesOf(Type.PUBLISH).length === 2);
      equal(kept.size, 2);
      before.free();
      delete t.server.on[Type.PUBLISH];
      const after = await t.connected({ instance, outbox: { store } });
      await until(() => kept.size === 0);
      const sent = t.server.framesOf(Type.PUBLISH);
      equal(sent.slice(2).map(({ body }) => [body.json, body.key]),
        sent.slice(0, 2).map(({ body }) => [body.json, body.key]));
      const [hello, again] = t.server.framesOf(Type.HELLO);
      equal(hello.body.instance, instance);
      equal(again.body.instance, instance);
      const publishing = after.publish('room', 'new');
      const { key } = publishing;
      await publishing;
      ok(parseInt(key, 16) > sent[1].body.key, 'a key above those of before');
    },
  },
  {
    name: 'a large message makes the memory grow and nothing break',
    async run(t) {
      t.server.on[Type.HELLO] = (server, ws, { request }) => server.sendTo(ws,
        frame(Type.WELCOME, { request }, {
          version: 1, connection: 1n, client: 2n, ping_interval_ms: 25000,
          ping_timeout_ms: 10000, limits: { max_frame_bytes: 16 << 20 },
        }));
      const client = await t.connected({ outbox: { maxBytes: 8 << 20 } });
      const { told } = await t.subscribed(client, 'room');
      const big = 'grow '.repeat(400_000);
      t.server.on[Type.PUBLISH] = () => {};
      client.publish('room', big).catch(() => {});
      await until(() => t.server.framesOf(Type.PUBLISH).length === 1);
      equal(t.server.framesOf(Type.PUBLISH)[0].body.json.length, big.length + 2);
      const half = big.slice(0, 900_000);
      await t.server.deliver(t.server.publication('room', 1, half),
        t.server.publication('room', 2, 'small'));
      equal(told.map((value) => value.length), [900_000, 5]);
    },
  },
  {
    name: 'calls a method and gets its answer, or its error',
    async run(t) {
      const client = await t.connected();
      t.server.on[Type.RPC] = (server, ws, { request, body }) => {
        const answers = {
          add: () => frame(Type.RPC_RESULT, { request },
            { json: String(JSON.parse(body.json).reduce((a, b) => a + b)) }),
          bytes: () => frame(Type.RPC_RESULT, { request }, { data: body.data }),
          nothing: () => frame(Type.RPC_RESULT, { request }),
          limited: () => frame(Type.ERROR, { request },
            { code: 202, message: 'slow down', retry_after_ms: 70 }),
        };
        server.send(answers[body.method]());
      };
      equal(await client.call('add', [1, 2, 3]), 6);
      equal(await client.call('bytes', Uint8Array.of(5)), Uint8Array.of(5));
      equal(await client.call('nothing'), Uint8Array.of());
      const error = await rejects(client.call('limited'), 'RATE_LIMITED');
      equal([error.class, error.retryAfterMs], ['retry-after', 70]);
      const rpc = t.server.framesOf(Type.RPC)[0].body;
      equal([rpc.method, rpc.to], ['add', undefined]);
      t.server.on[Type.RPC] = () => {};
      await rejects(
        client.call('slow', null, { timeoutMs: 20, to: 'abc' }), 'TIMEOUT');
      equal(t.server.framesOf(Type.RPC).at(-1).body.to, 0xabcn);
      await rejects(client.call(''), 'BAD_REQUEST');
    },
  },
  {
    name: 'answers calls, also late and with errors',
    async run(t) {
      const client = await t.connected();
      const { GodwitError } = t;
      client.handle('greet', async (name, { from, user }) => {
        await settled();
        return `${name} ${from} ${user}`;
      });
      client.handle('refuse', () => {
        throw new GodwitError(507, 'not for you', 3000);
      });
      client.handle('fail', () => {
        throw new Error('secret of the program');
      });
      // Codes that tell of no failure.
      for (const [i, code] of [0, NaN, 2 ** 32].entries()) {
        client.handle(`fine${i}`, () => {
          throw new GodwitError(code, 'fine?');
        });
      }
      client.handle('large', () => 'x'.repeat(70_000));
      const end = client.handle('gone', () => 1);
      end();
      const methods = ['greet', 'refuse', 'fail', 'gone', 'large', 'fine0',
        'fine1', 'fine2'];
      const answers = () => t.server.received.filter(
        ({ type }) => type === Type.RPC_RESULT || type === Type.ERROR);
      const call = () => t.server.send(...methods.map((method, i) => frame(Type.RPC,
        { request: i + 1 },
        { method, json: '"hi"', from: 0xabn, from_user: 'bob' })));
      await quietly(() => {
        call();
        return until(() => answers().length === methods.length);
      });
      const byRequest = Object.fromEntries(
        answers().map(({ request, body }) => [request, body]));
      equal(byRequest[1], { json: '"hi 00000000000000ab bob"' });
      equal(byRequest[2],
        { code: 507, message: 'not for you', retry_after_ms: 3000 });
      equal(byRequest[3], { code: 520 });
      equal(byRequest[4], { code: 506 });
      equal([byRequest[5].code, byRequest[5].json], [502, undefined]);
      for (const i of [6, 7, 8]) equal(byRequest[i], { code: 520 });
      equal(t.errors.map((e) => e.message),
        ['secret of the program', ...Array(3).fill('fine?')]);
      t.errors.length = 0;
    },
  },
];
