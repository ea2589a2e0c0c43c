// SPDX-License-Identifier: MIT
// ends.mjs - nothing is left hanging: promises settle, whatever ends meanwhile, and
// what one part of an application ends, or does with what it was handed, is its
// own affair.

import {
  equal, ok, quietly, rejects, settled, throws, until,
} from '../support/check.mjs';
import { EPOCH } from '../support/fake-server.mjs';
import { frame, Type } from '../support/wire.mjs';

/** What becomes of a promise, before the case's own timeout. */
const outcome = (promise) => Promise.race([
  promise.then(() => 'resolved', ({ name }) => name),
  new Promise((resolve) => setTimeout(resolve, 2000, 'nothing')),
]);

/** A call of the client's method, and what it answers. */
async function called(t, method, json) {
  await quietly(async () => {
    t.server.send(frame(Type.RPC, { request: 1 }, { method, json }));
    await until(() => t.server.received.some(({ type }) =>
      type === Type.RPC_RESULT || type === Type.ERROR));
    await settled();
  });
  return t.server.received.at(-1);
}

const all = [
  {
    name: 'ready() is told of an end that no change of state tells',
    async run(t) {
      const client = await t.connected();
      client.close();
      await until(() => client.state === 'closed');
      client.connect();
      const ready = client.ready();
      client.close();
      equal(await outcome(ready), 'CLOSED');
    },
  },
  ...['close', 'free'].map((end) => ({
    name: `ready() is told of ${end}() while the core of a closed client loads`,
    async run(t) {
      const client = t.client();
      client.close();
      client.connect();
      const ready = client.ready();
      client[end]();
      equal(await outcome(ready), 'CLOSED');
    },
  })),
  {
    name: 'ready() is told of the second failure in a row',
    isPlain: false,
    async run(t) {
      const client = t.client({ wasm: new Uint8Array(3) });
      await quietly(async () => {
        for (let n = 0; n < 2; n++) {
          client.connect();
          equal(await outcome(client.ready()), 'INTERNAL');
        }
      });
      equal([client.state, t.errors.length], ['failed', 2]);
      t.errors.length = 0;
    },
  },
  {
    name: 'a client that was freed while it loaded can be closed, and is not ready',
    async run(t) {
      const client = t.client();
      client.connect();
      client.free();
      client.close();
      throws(() => client.connect(), 'CLOSED');
      equal(await outcome(client.ready()), 'CLOSED');
    },
  },
  {
    name: 'an error whose words are no text is a failure of its handler, and no ' +
      'unhandled rejection',
    async run(t) {
      const client = await t.connected();
      client.handle('greet', (name) => {
        throw new t.GodwitError(900, `no ${name}`);
      });
      const { body } = await called(t, 'greet', '"\\u0000"');
      equal(body.code, 520);
      equal(t.errors.map(({ name }) => name), ['BAD_TEXT']);
      t.errors.length = 0;
    },
  },
  {
    name: 'a handler that is given twice is ended once at a time',
    async run(t) {
      const client = await t.connected();
      const { subscription } = await t.subscribed(client, 'room');
      let told = 0;
      const count = () => told++;
      const [first, second] = [0, 0].map(() =>
        subscription.on('publication', count));
      const next = async (n) => {
        told = 0;
        await t.server.deliver(t.server.publication('room', n, n));
        return told;
      };
      equal(await next(1), 2);
      first();
      first();
      equal(await next(2), 1);
      second();
      equal(await next(3), 0);
      subscription.on('publication', count);
      subscription.on('publication', count);
      subscription.off('publication', count);
      equal(await next(4), 0);
    },
  },
  {
    name: 'numbers that the core has no room for are refused',
    async run(t) {
      const client = await t.connected();
      for (const ttlMs of [2 ** 32, -1, NaN]) {
        await rejects(client.publish('room', 1, { ttlMs }), 'RangeError');
      }
      for (const timeoutMs of [2 ** 32, -1, Infinity]) {
        await rejects(client.call('x', 1, { timeoutMs }), 'RangeError');
      }
      await client.publish('room', 1, { ttlMs: 2 ** 32 - 1 });
      const sent = t.server.framesOf(Type.PUBLISH);
      equal(sent.map(({ body }) => body.ttl_ms), [2 ** 32 - 1]);
      equal(t.server.framesOf(Type.RPC).length, 0);
    },
  },
  {
    name: 'what a handler was handed may be transferred, though it be nothing',
    async run(t) {
      const client = await t.connected();
      const { subscription } = await t.subscribed(client, 'room');
      let seen = 0;
      subscription.on('publication', ({ data, tagBytes }) => {
        seen++;
        ok(data instanceof Uint8Array && data.length === 0, 'no bytes');
        structuredClone([data, tagBytes],
          { transfer: [data.buffer, tagBytes.buffer] });
      });
      const nothing = frame(Type.PUBLICATION,
        { channel: t.server.number('room') }, { offset: 1 });
      await t.server.deliver(nothing);
      equal(seen, 1);
      // Commands without a payload, of this client and of another.
      t.server.on[Type.RPC] = (server, ws, { request }) =>
        server.sendTo(ws, frame(Type.RPC_RESULT, { request }));
      equal(await outcome(client.call('x')), 'resolved');
      equal(await outcome(t.connected()), 'resolved');
    },
  },
  {
    name: 'one bad entry of a store is told, and costs nothing else',
    async run(t) {
      const kept = new Map();
      const store = {
        load: () => [...kept, ['f'.repeat(16), Uint8Array.of(1, 2, 3)]],
        put: (key, entry) => kept.set(key, entry),
        remove: (key) => kept.delete(key),
      };
      const options = { instance: new Uint8Array(16).fill(7), outbox: { store } };
      t.server.on[Type.PUBLISH] = () => {};
      await quietly(async () => {
        const before = await t.connected(options);
        before.publish('room', 'kept').catch(() => {});
        await until(() => kept.size === 1);
        before.free();
        delete t.server.on[Type.PUBLISH];
        await t.connected(options);
      });
      await until(() => kept.size === 0);
      equal(t.errors.map(({ name }) => name), ['BAD_REQUEST', 'BAD_REQUEST']);
      t.errors.length = 0;
    },
  },
  {
    name: 'what the server began while a handler asked for it ends as a whole',
    async run(t) {
      t.server.on[Type.HELLO] = (server, ws, received) => server.sendTo(ws,
        server.welcome(received),
        frame(Type.SERVER_SUBSCRIBED, { channel: server.number('news') },
          { channel: 'news', epoch: EPOCH, offset: 0 }));
      const client = t.client();
      let subscription;
      client.on('state', ({ to }) => {
        if (to === 'syncing') subscription = client.subscribe('news');
      });
      client.connect();
      await client.ready();
      await until(() => subscription.state === 'live');
      subscription.unsubscribe();
      await until(() => t.server.framesOf(Type.UNSUBSCRIBE).length === 1);
    },
  },
  {
    name: 'what a page says last goes out before the page is gone',
    async run(t) {
      const client = await t.connected();
      await settled();
      const publishing = client.publish('room', 'last');
      await null;
      equal(t.server.received.at(-1).type, Type.PUBLISH);
      await publishing;
      await settled();
      client.close();
      await null;
      equal(t.server.received.at(-1).type, Type.CLOSE);
    },
  },
  ...[
    ['connects when it has failed', 'NO_TOKEN', (t, ended) => {
      const client = t.client({ getToken: () => null });
      client.on('state', ({ to, reason }) => {
        if (to === 'failed' && ended(reason.name)) client.connect();
      });
      client.connect();
    }],
    ['subscribes when it is refused', 'TOO_BIG', (t, ended) => {
      const client = t.client();
      const begin = () => client.subscribe('x'.repeat(300)).on('state',
        ({ to, reason }) => {
          if (to === 'ended' && ended(reason.name)) begin();
        });
      begin();
    }],
  ].map(([what, why, run]) => ({
    name: `a handler that ${what}, again and again, leaves the host its time`,
    async run(t) {
      let turns = 0, left = 100, others = 0;
      run(t, (name) => {
        equal(name, why);
        if (turns++ === 0) setTimeout(() => { others = turns; });
        return left-- > 0;
      });
      await until(() => left < 0);
      ok(others > 0 && others < 100, `others after ${others} turns`);
    },
  })),
  {
    name: 'a presence that is refused at once leaves the one before as it was',
    isLite: false,
    async run(t) {
      const client = await t.connected();
      const { subscription } = await t.subscribed(client, 'room');
      subscription.enter('online');
      await until(() => t.server.framesOf(Type.PRESENCE_SET).length === 1);
      throws(() => subscription.update('x'.repeat(1000)), 'TOO_BIG');
      // Begins the shared part anew, and with it what the client tells of itself.
      client.subscribe('room', { presence: true });
      await until(() => t.server.framesOf(Type.PRESENCE_SET).length === 2);
      equal(t.server.framesOf(Type.PRESENCE_SET)[1].body.state, 'online');
    },
  },
];

export const cases = all.map(({ isPlain, ...each }) => isPlain === undefined
  ? each : { ...each, run: (t) => t.isPlain || each.run(t) });
