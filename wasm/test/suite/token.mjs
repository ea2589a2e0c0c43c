// SPDX-License-Identifier: MIT
// token.mjs - tokens: who is asked for them, when, and what comes of answers.

import { equal, ok, quietly, rejects, settled, until } from '../support/check.mjs';
import { frame, Type } from '../support/wire.mjs';

const FAST = { baseMs: 1, capMs: 5 };

/** An application whose answers a test gives by hand; most calls that ran at the
 * same time are counted. */
class Source {
  calls = 0;
  running = 0;
  mostRunning = 0;
  #open = [];

  get = async () => {
    this.calls++;
    this.mostRunning = Math.max(this.mostRunning, ++this.running);
    try {
      return await new Promise((resolve, reject) =>
        this.#open.push({ resolve, reject }));
    } finally {
      this.running--;
    }
  };

  async give(token) {
    await until(() => this.#open.length > 0, `a question for ${token}`);
    this.#open.shift().resolve(token);
    await settled();
  }
}

/** Numbered tokens. */
function counting() {
  let n = 0;
  return () => `t${++n}`;
}

const tokensOf = (t, type) => t.server.framesOf(type).map((f) => f.body.token);

const refusing = (code) => (server, ws) =>
  server.sendTo(ws, frame(Type.CLOSE, {}, { code }));

export const cases = [
  {
    name: 'is asked for before anything is opened',
    async run(t) {
      const source = new Source();
      const client = t.client({ getToken: source.get });
      client.connect();
      await until(() => source.calls === 1);
      await settled();
      equal([client.state, t.server.connections.length], ['connecting', 0]);
      await source.give('first');
      await client.ready();
      equal(tokensOf(t, Type.HELLO), ['first']);
    },
  },
  {
    name: 'given as an option comes first, then the function',
    async run(t) {
      t.server.on[Type.HELLO] = (server, ws, received) =>
        received.body.token === 'old'
          ? refusing(300)(server, ws)
          : server.sendTo(ws, server.welcome(received));
      const client =
        await t.connected({ token: 'old', getToken: () => 'new', retry: FAST });
      equal(tokensOf(t, Type.HELLO), ['old', 'new']);
      client.free();
    },
  },
  {
    name: 'is renewed ahead of its end, on the connection that is there',
    async run(t) {
      t.server.on[Type.HELLO] = (server, ws, received) =>
        server.sendTo(ws, server.welcome(received, { token_ttl_ms: 1300 }));
      const client = await t.connected({ getToken: counting() });
      await until(() => tokensOf(t, Type.REFRESH).length > 0, 'a Refresh');
      equal(tokensOf(t, Type.REFRESH), ['t2']);
      equal(tokensOf(t, Type.HELLO), ['t1']);
      equal(client.state, 'ready');
    },
  },
  {
    name: 'is never asked for twice at a time',
    async run(t) {
      const source = new Source();
      const client = t.client({ getToken: source.get, retry: FAST });
      for (let i = 0; i < 3; i++) {
        client.connect();
        await settled();
        client.close();
        await settled();
      }
      client.connect();
      await settled();
      equal([source.calls, source.mostRunning], [1, 1]);
      await source.give('of the first attempt');
      equal(t.server.framesOf(Type.HELLO).length, 0, 'Hellos');
      await source.give('fresh');
      await client.ready();
      equal(tokensOf(t, Type.HELLO), ['fresh']);
      equal([source.calls, source.mostRunning], [2, 1]);
    },
  },
  {
    name: 'that comes after free() goes nowhere',
    async run(t) {
      const source = new Source();
      const client = t.client({ getToken: source.get });
      client.connect();
      await until(() => source.calls === 1);
      client.free();
      await source.give('late');
      equal(t.server.connections.length, 0);
    },
  },
  {
    name: 'that expired and is the only one is the end',
    async run(t) {
      t.server.on[Type.HELLO] = refusing(300);
      const client = t.client({ token: 'static', retry: FAST });
      client.connect();
      await rejects(client.ready(), 'TOKEN_EXPIRED');
      await settled();
      equal([client.state, t.server.framesOf(Type.HELLO).length],
        ['failed', 1]);
    },
  },
  {
    name: 'that the application has not is the end, not an anonymous start',
    async run(t) {
      for (const nothing of [null, undefined, '']) {
        const client = t.client({ getToken: () => nothing, retry: FAST });
        client.connect();
        await rejects(client.ready(), 'NO_TOKEN');
        equal(client.state, 'failed');
      }
      await settled();
      equal(t.server.framesOf(Type.HELLO).length, 0, 'Hellos');
    },
  },
  {
    name: 'is asked for again when the function throws, and that is told',
    async run(t) {
      let calls = 0;
      const client = t.client({
        retry: FAST,
        getToken: async () => {
          if (++calls < 3) throw new Error('no network');
          return 'third';
        },
      });
      const reasons = new Set();
      client.on('state', ({ to, reason }) =>
        to === 'waiting' && reasons.add(reason.name));
      await quietly(() => {
        client.connect();
        return client.ready();
      });
      equal(t.errors.map((e) => e.message), ['no network', 'no network']);
      equal([...reasons], ['AUTH_UNAVAILABLE']);
      equal(tokensOf(t, Type.HELLO), ['third']);
      t.errors.length = 0;
    },
  },
  {
    name: 'that is refused by the application with a code ends with it',
    async run(t) {
      const client = t.client({
        getToken: () => {
          throw new t.GodwitError(507, 'signed out');
        },
      });
      client.connect();
      await rejects(client.ready(), 'PERMISSION_DENIED');
      equal([client.state, t.server.connections.length], ['failed', 0]);
      const odd = t.client({
        getToken: () => {
          throw new t.GodwitError(0);
        },
      });
      odd.connect();
      await rejects(odd.ready(), 'NO_TOKEN');
    },
  },
  {
    name: 'that is too long, or no text, is the end',
    async run(t) {
      for (const [token, name] of [
        ['x'.repeat(1 << 20), 'TOO_BIG'], ['a\0b', 'BAD_TEXT'],
      ]) {
        const client = t.client({ getToken: () => token });
        client.connect();
        await rejects(client.ready(), name);
      }
      equal(t.server.connections.length, 0);
    },
  },
  {
    name: 'that is refused whatever it is does not make a loop',
    async run(t) {
      t.server.on[Type.HELLO] = refusing(301);
      const client = t.client({ getToken: counting(), retry: FAST });
      client.connect();
      await rejects(client.ready(), 'TOKEN_INVALID');
      await settled();
      const tokens = tokensOf(t, Type.HELLO);
      ok(tokens.length > 1 && tokens.length < 10, 'some tries');
      equal(new Set(tokens).size, tokens.length, 'none twice');
    },
  },
  {
    name: 'for a channel goes with its Subscribe',
    async run(t) {
      const client = await t.connected();
      await t.subscribed(client, 'a', { token: 'static' });
      await t.subscribed(client, 'b', { getToken: () => 'asked' });
      await t.subscribed(client, 'c');
      equal(tokensOf(t, Type.SUBSCRIBE), ['static', 'asked', undefined]);
    },
  },
  {
    name: 'for a channel is renewed on its own',
    async run(t) {
      t.server.on[Type.SUBSCRIBE] = (server, ws, received) => server.sendTo(
        ws, server.subscribed(received, { token_ttl_ms: 1300 }));
      const client = await t.connected();
      await t.subscribed(client, 'room', { getToken: counting() });
      const [refresh] = await until(() => {
        const list = t.server.framesOf(Type.REFRESH);
        return list.length > 0 && list;
      }, 'a Refresh');
      const [subscribe] = t.server.framesOf(Type.SUBSCRIBE);
      equal([refresh.channel, refresh.body.token], [subscribe.channel, 't2']);
    },
  },
  {
    name: 'for a channel that is revoked is replaced, or is the end',
    async run(t) {
      const client = await t.connected();
      const { subscription: one } =
        await t.subscribed(client, 'one', { getToken: counting() });
      const { subscription: two } =
        await t.subscribed(client, 'two', { token: 'static' });
      for (const name of ['one', 'two']) {
        const channel = t.server.number(name);
        t.server.send(frame(Type.UNSUBSCRIBED, { channel }, { code: 302 }));
      }
      await until(() => one.state === 'live' && two.state === 'ended');
      equal(tokensOf(t, Type.SUBSCRIBE), ['t1', 'static', 't2']);
      equal(client.state, 'ready');
    },
  },
  {
    name: 'for a channel that the application has not ends the subscription',
    async run(t) {
      const client = await t.connected();
      const ends = [];
      const subscription = client.subscribe('room', { getToken: () => null });
      subscription.on('state', ({ to, reason }) => ends.push([to, reason.name]));
      await until(() => subscription.state === 'ended');
      await settled();
      equal(ends.at(-1), ['ended', 'NO_TOKEN']);
      equal(t.server.framesOf(Type.SUBSCRIBE).length, 0, 'Subscribes');
      equal(client.state, 'ready');
    },
  },
  {
    name: 'for a channel is asked for once when its core starts anew',
    isLite: false,
    async run(t) {
      const source = new Source();
      const client = await t.connected();
      const first = client.subscribe('room', { getToken: source.get });
      await until(() => source.calls === 1);
      // Members are wanted now: the feed begins again, with another question.
      client.subscribe('room', { presence: true });
      await settled();
      equal([source.calls, source.mostRunning], [1, 1]);
      await source.give('of the first');
      equal(t.server.framesOf(Type.SUBSCRIBE).length, 0, 'Subscribes');
      await source.give('fresh');
      await until(() => first.state === 'live');
      equal(tokensOf(t, Type.SUBSCRIBE), ['fresh']);
      equal(source.mostRunning, 1);
    },
  },
];
