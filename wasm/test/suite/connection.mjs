// SPDX-License-Identifier: MIT
// connection.mjs - states, reconnection, wake-up, closing and freeing.

import { equal, ok, quietly, rejects, settled, throws, until } from '../support/check.mjs';
import { frame, Type } from '../support/wire.mjs';

/** So that it is seen to be away: chance may bring it back within the moment. */
const LATER = { baseMs: 60_000, capMs: 60_000, jitter: 0 };

export const cases = [
  {
    name: 'connects through every state and tells facts',
    async run(t) {
      const client = t.client({ user: 'ann', agent: 'suite/1' });
      const states = [];
      client.on('state', ({ to }) => states.push(to));
      equal(client.state, 'idle');
      equal(client.info.transport, null);
      client.connect();
      await client.ready();
      equal(states, ['connecting', 'authenticating', 'syncing', 'ready']);
      const { info } = client;
      equal(info.state, 'ready');
      equal(info.reason, {
        code: 0, name: 'OK', class: 'ok', message: 'ok',
      });
      equal(info.clientId, '1122334455667788');
      equal(info.connectionId, '0000000000000abc');
      equal(info.user, 'ann');
      equal(info.endpoint, 'ws://test/v1/ws');
      equal(info.transport, 'websocket');
      equal(info.limits.maxFrameBytes, 65536);
      equal(info.outbox, { count: 0, bytes: 0 });
      equal(info.retryAt, null);
      ok(Math.abs(info.since - Date.now()) < 5000, 'a time of now');
      const [hello] = t.server.framesOf(Type.HELLO);
      equal(hello.body.version, 1);
      equal(hello.body.user, 'ann');
      equal(hello.body.agent, 'suite/1');
      equal(hello.body.instance.length, 16);
      equal(t.server.connection.protocols, 'godwit.v1');
    },
  },
  {
    name: 'grants credit as it hands publications on, or wants none',
    async run(t) {
      const CREDIT = 4;
      const said = [[undefined, 256 * 1024], [1000, 1000], [0, undefined]];
      for (const [creditBytes, credit] of said) {
        const client = await t.connected({ creditBytes });
        const hello = t.server.framesOf(Type.HELLO).at(-1).body;
        equal(hello.credit_bytes, credit);
        equal(hello.features & CREDIT, credit ? CREDIT : 0);
        client.close();
      }
      t.server.on[Type.HELLO] = (server, ws, { request }) =>
        server.sendTo(ws, frame(Type.WELCOME, { request },
          { version: 1, client: 1n, features: CREDIT }));
      const client = await t.connected({ creditBytes: 1000 });
      const { told } = await t.subscribed(client, 'room');
      let sent = 0;
      for (let n = 1; n <= 60; n++) {
        const publication = t.server.publication('room', n, 'x'.repeat(50));
        sent += publication.length;
        await t.server.deliver(publication);
      }
      equal(told.length, 60);
      const granted = t.server.framesOf(Type.CREDIT)
        .reduce((sum, { body }) => sum + body.bytes, 0);
      ok(granted > sent - 600 && granted < sent + 100, `${granted} of ${sent}`);
    },
  },
  {
    name: 'comes back after a lost connection, by the policy',
    async run(t) {
      const client = await t.connected();
      const waits = [];
      client.on('state', ({ to, retryAt, reason }) => {
        if (to === 'waiting') waits.push({ retryAt, reason });
      });
      t.server.cut();
      equal(client.state, 'waiting');
      equal(waits[0].reason.class, 'retry');
      ok(waits[0].retryAt >= Date.now() - 50 &&
        waits[0].retryAt <= Date.now() + 200, 'a time within the policy');
      await client.ready();
      equal(t.server.framesOf(Type.HELLO).length, 2);
    },
  },
  {
    name: 'draws a wait that runs again when the policy changes, and says so',
    async run(t) {
      t.server.isDown = true;
      const client = t.client({ retry: { baseMs: 60_000, jitter: 0 } });
      client.connect();
      await until(() => client.state === 'waiting');
      client.setRetry({ baseMs: 90_000, capMs: 90_000, jitter: 0 });
      const { retryAt } = client.info;
      ok(retryAt > Date.now() + 80_000 && retryAt < Date.now() + 91_000,
        `the new wait: ${retryAt - Date.now()}`);
      client.setRetry({ baseMs: 5, capMs: 5, jitter: 0 });
      t.server.isDown = false;
      await client.ready();
      equal(client.info.retryAt, null);
    },
  },
  {
    name: 'keeps trying while the server is down, and connect() hurries',
    async run(t) {
      t.server.isDown = true;
      const client = t.client({ retry: { baseMs: 20, capMs: 40, jitter: 0 } });
      client.connect();
      await until(() => client.info.attempt >= 2, 'two attempts');
      client.setRetry({ baseMs: 60_000, capMs: 60_000, jitter: 0 });
      await until(() => client.info.retryAt > Date.now() + 30_000, 'a long wait');
      t.server.isDown = false;
      client.connect();
      await client.ready();
    },
  },
  {
    name: 'fails for good at a terminal code, and connect() tries again',
    async run(t) {
      t.server.on[Type.HELLO] = (server, ws) => server.sendTo(
        ws, frame(Type.CLOSE, {}, { code: 507, reason: 'not you' }));
      const client = t.client();
      client.connect();
      const error = await rejects(client.ready(), 'PERMISSION_DENIED');
      ok(error instanceof t.GodwitError, 'a GodwitError');
      equal([error.code, error.class, error.message],
        [507, 'terminal', 'not you']);
      equal(client.state, 'failed');
      await rejects(client.ready(), 'PERMISSION_DENIED');
      delete t.server.on[Type.HELLO];
      client.connect();
      await client.ready();
    },
  },
  {
    name: 'obeys a close that names another endpoint and a delay',
    async run(t) {
      const client = await t.connected();
      const moves = [];
      client.on('state', (move) => moves.push(move));
      await t.server.deliver(frame(Type.CLOSE, {}, {
        code: 200, retry_after_ms: 30, endpoint: 'ws://other/v1/ws',
      }));
      await until(() => moves.length > 1 && client.state === 'ready');
      equal(moves[0].reason.name, 'SHUTDOWN');
      equal(moves[0].reason.class, 'retry-after');
      equal(t.server.connection.url, 'ws://other/v1/ws');
    },
  },
  {
    name: 'tries several endpoints in turn',
    async run(t) {
      t.server.isDown = true;
      const client = t.client({ retry: { baseMs: 1, capMs: 1 } },
        ['ws://one/v1/ws', 'https://two/v1/ws']);
      const seen = new Set();
      client.on('state', () => seen.add(client.info.endpoint));
      client.connect();
      await until(() => seen.size === 2);
      equal([...seen].sort(), ['ws://one/v1/ws', 'wss://two/v1/ws']);
    },
  },
  {
    name: 'says goodbye, rejects ready(), and can connect again',
    async run(t) {
      const client = await t.connected();
      const ws = t.server.connection;
      client.close();
      await until(() => client.state === 'closed');
      await until(() => ws.closed);
      equal(ws.closeCode, 1000);
      await rejects(client.ready(), 'CLOSED');
      client.connect();
      await client.ready();
    },
  },
  {
    name: 'closes before it was ever connected',
    async run(t) {
      const client = t.client();
      client.close();
      equal(client.state, 'closed');
      client.connect();
      client.close();
      await until(() => client.state === 'closed');
      await settled();
      equal(t.server.connections.length, 0);
    },
  },
  {
    name: 'is of no use after free(), and what waited is rejected',
    async run(t) {
      const client = await t.connected();
      t.server.on[Type.PUBLISH] = () => {};
      const publishing = client.publish('room', 1);
      const call = client.call('echo');
      const sub = client.subscribe('room');
      await settled();
      client.free();
      client.free();
      await rejects(publishing, 'CLOSED');
      await rejects(call, 'CLOSED');
      equal(sub.state, 'ended');
      equal(client.state, 'closed');
      throws(() => client.connect(), 'CLOSED');
      throws(() => client.subscribe('room'), 'CLOSED');
      await rejects(client.publish('room', 1), 'CLOSED');
      sub.unsubscribe();
      sub.leave?.();
      equal(t.server.connections.length, 0);
    },
  },
  {
    name: 'may be freed in a handler and while it is being loaded',
    async run(t) {
      const client = await t.connected();
      const { subscription } = await t.subscribed(client, 'room');
      let seen = 0;
      subscription.on('publication', () => {
        seen++;
        client.free();
      });
      await t.server.deliver(t.server.publication('room', 1, 'a'),
        t.server.publication('room', 2, 'b'));
      equal(seen, 1);
      const other = t.client();
      other.connect();
      const publishing = other.publish('room', 1);
      other.free();
      await rejects(publishing, 'CLOSED');
      await settled();
      equal(t.server.connections.length, 0);
    },
  },
  {
    name: 'takes a text message for a broken transport',
    async run(t) {
      const client = await t.connected();
      t.server.connection.onmessage({ data: 'hello' });
      equal(client.state, 'waiting');
      equal(client.info.reason.class, 'retry');
      await client.ready();
    },
  },
  {
    name: 'ends a connection whose bytes are no frames',
    async run(t) {
      const client = await t.connected({ retry: LATER });
      t.server.sendTo(t.server.connection, [3, 99, 0, 0, 0]);
      await until(() => client.state !== 'ready');
      equal(client.info.reason.name, 'PROTOCOL');
    },
  },
  {
    name: 'ends a connection that sends text',
    async run(t) {
      const client = await t.connected({ retry: LATER });
      t.server.connection.onmessage({ data: 'text' });
      await until(() => client.state !== 'ready');
      equal(client.info.reason.class, 'retry');
    },
  },
  {
    name: 'takes an error for the end where no close event follows',
    async run(t) {
      // Chromium, when the policy of the page forbids the connection.
      class Forbidden {
        readyState = 0;
        constructor() {
          setTimeout(() => {
            this.readyState = 3;
            this.onerror({});
          });
        }
        close() {}
      }
      const client = t.client({ WebSocket: Forbidden, retry: LATER });
      client.connect();
      await until(() => client.state === 'waiting');
      equal(client.info.reason.name, 'TRANSPORT');
    },
  },
  {
    name: 'survives a WebSocket class that throws',
    async run(t) {
      let made = 0;
      class Refusing {
        constructor() {
          made++;
          throw new SyntaxError('no');
        }
      }
      const client = t.client({
        WebSocket: Refusing, retry: { baseMs: 1, capMs: 1 },
      });
      client.connect();
      await until(() => made >= 3, 'three attempts');
      ok(client.info.reason.class === 'retry', 'a reason to retry');
    },
  },
  {
    name: 'asks mayMove before it connects',
    async run(t) {
      const asked = [];
      let allowed = false;
      const client = t.client({
        mayMove: (from, to, code) => {
          asked.push([from, to, code]);
          return to !== 'connecting' || allowed;
        },
      });
      client.connect();
      await until(() => asked.length > 0);
      await settled();
      equal(asked[0], ['idle', 'connecting', 0]);
      equal(client.state, 'idle');
      allowed = true;
      client.connect();
      await client.ready();
    },
  },
  {
    name: 'does not let log or mayMove use the client',
    async run(t) {
      const lines = [];
      const client = t.client({
        log: (level, text) => lines.push([level, text]),
        mayMove: () => {
          client.publish('room', 1).catch((e) => t.errors.push(e));
          return true;
        },
      });
      client.connect();
      await client.ready();
      ok(t.errors.length > 0, 'an error');
      ok(t.errors.every((e) => /inside log, mayMove/.test(e.message)),
        'errors that say what was wrong');
      t.errors.length = 0;
      ok(lines.every(([level, text]) =>
        ['error', 'warn', 'info', 'debug'].includes(level) && text.length > 0),
      'lines with levels');
    },
  },
  {
    name: 'refuses options that make no sense, with a reason',
    async run(t) {
      const make = (options, url = 'ws://test') => () =>
        new t.Client(url, options);
      throws(make({}, []), 'TypeError');
      throws(make({}, 'ws://['), 'TypeError');
      throws(make({ retry: 'never' }), 'TypeError');
      throws(make({ retry: { baseMs: -1 } }), 'RangeError');
      const client = t.client({ instance: new Uint8Array(3) });
      await quietly(() => {
        client.connect();
        return rejects(client.ready(), 'INTERNAL');
      });
      equal(client.state, 'failed');
      ok(/16 bytes/.test(client.info.reason.message), 'the reason');
      for (const creditBytes of [-1, 1e9]) {
        const hungry = t.client({ creditBytes });
        await quietly(() => {
          hungry.connect();
          return rejects(hungry.ready(), 'INTERNAL');
        });
      }
      t.errors.length = 0;
    },
  },
  {
    name: 'two clients share one core and do not meet',
    async run(t) {
      const one = await t.connected();
      const two = await t.connected();
      const a = await t.subscribed(one, 'room');
      const b = await t.subscribed(two, 'room');
      const [first] = t.server.connections;
      t.server.sendTo(first, t.server.publication('room', 1, 'one'));
      await t.server.deliver(t.server.publication('room', 1, 'two'));
      equal([a.told, b.told], [['one'], ['two']]);
      one.free();
      await t.server.deliver(t.server.publication('room', 2, 'more'));
      equal(b.told, ['two', 'more']);
    },
  },
  {
    name: 'gives round trips',
    async run(t) {
      const client = await t.connected({ pingIntervalMs: 1000 });
      const told = [];
      client.on('rtt', ({ ms }) => told.push(ms));
      globalThis.dispatchEvent?.(new Event('online'));
      await until(() => client.info.rttMs !== null || !globalThis.dispatchEvent);
      ok(told.length > 0 || client.info.rttMs !== null ||
        !globalThis.dispatchEvent, 'a round trip');
    },
  },
];
