// SPDX-License-Identifier: MIT
// bug-classes.mjs - faults that clients of this kind have had: ten classes, each
// with a name and cases that fail on a client without the defence. tests/mutants.py
// takes the defences away, one by one, and demands just that.
//
//   old-transport            news of an old transport tear down a new connection
//   reentry                  connect or close in a handler leave something stuck
//   refused-early            who refuses before it opened is asked without delay
//   token-race               two refreshes at once, late tokens, loops, anonymity
//   epoch                    no epoch, or a new one with an old offset
//   unsubscribe-in-handler   loses or repeats what comes next
//   delta-base               a delta for who does not hold its base: with more than
//                            a client, in hub_delta_test.c, client_delta_test.c and
//                            the simulator (watch.c)
//   throwing-handler         an exception of the application stops delivery
//   channel-token            outlives its end when it was given at connect
//   invalidation             what is void stays, where the server subscribed

import {
  equal, ok, quietly, rejects, settled, until,
} from '../support/check.mjs';
import { EPOCH } from '../support/fake-server.mjs';
import { frame, Type } from '../support/wire.mjs';

const EPOCH_HEX = '00000000deadbeef';
const FAST = { baseMs: 1, capMs: 5 };

/** Every state that a client moves to, each from where it was. */
function watchStates(client) {
  const states = [client.state];
  client.on('state', ({ from, to }) => {
    equal(from, states.at(-1), 'the state that was left');
    states.push(to);
  });
  return states;
}

/** A server that tells everything that there is to tell after Subscribed, each
 * time of another epoch. */
function talkative(t) {
  const member = (client) => ({ client, user: 'bob', state: 'online' });
  let epoch = EPOCH;
  t.server.on[Type.SUBSCRIBE] = (server, ws, received) => {
    const channel = server.number('room');
    server.sendTo(ws,
      server.subscribed(received, {
        epoch: epoch++, offset: 9, result: 2, gap: 1, gap_from: 1,
        meta: '{"topic":"birds"}',
      }),
      frame(Type.PRESENCE_SNAPSHOT, { channel },
        { version: 1, members: [member(1n)] }),
      frame(Type.PRESENCE_DIFF, { channel },
        { version: 2, changes: [{ kind: 0, member: member(2n) }] }),
      server.publication('room', 10, 'ten'),
      server.publication('room', 11, 'eleven'));
  };
}

/** Where code of an application may run. */
const LITE_HANDLERS = ['publication', 'gap', 'state'];
const HANDLERS = [...LITE_HANDLERS, 'presence', 'members', 'metadata'];

/** From where all is told, as far as the build can want it. */
const everything = (t) => ({
  since: { epoch: '0000000000000001', offset: 0 }, ...(t.isLite ? {} : { presence: true }),
});

const all = [
  {
    of: 'old-transport',
    name: 'news of an old transport do not touch the new connection',
    async run(t) {
      const client = await t.connected();
      const { told } = await t.subscribed(client, 'room');
      const old = t.server.connection;
      const { onopen, onmessage, onclose, onerror } = old;
      t.server.cut();
      await until(() => client.state === 'waiting' || t.server.connection);
      await client.ready();
      const states = watchStates(client);
      onclose?.({ code: 1006, reason: '', wasClean: false });
      onerror?.({});
      onopen?.({});
      onmessage?.({
        data: Uint8Array.from(frame(Type.CLOSE, {}, { code: 500 })).buffer,
      });
      await settled();
      equal(states, ['ready']);
      equal(t.server.connections.length, 1);
      await t.server.deliver(t.server.publication('room', 1, 'still here'));
      equal(told, ['still here']);
    },
  },
  ...HANDLERS.map((event) => ({
    of: 'reentry',
    name: `close() and connect() in a handler of ${event} leave nothing stuck`,
    ...(LITE_HANDLERS.includes(event) ? {} : { isLite: false }),
    async run(t) {
      talkative(t);
      const client = await t.connected();
      const states = watchStates(client);
      const subscription = client.subscribe('room', everything(t));
      const heard = [];
      let turns = 0;
      subscription.on('publication', ({ position }) =>
        heard.push(`${position.epoch} ${position.offset}`));
      subscription.on(event, () => {
        if (turns === 3) return;
        turns++;
        client.close();
        client.connect();
      });
      await until(() => turns === 3, `three times ${event}`);
      await until(() => client.state === 'ready');
      await until(() => subscription.state === 'live');
      await until(() => heard.at(-1)?.endsWith(' 11'), 'the last publication');
      equal([client.state, subscription.state], ['ready', 'live']);
      // Whatever came twice from the server was handed on once.
      equal(heard, [...new Set(heard)].sort());
      await client.publish('room', 'works');
      ok(states.length >= 4, 'it was closed and opened');
    },
  })),
  {
    of: 'reentry',
    name: 'close() and connect() in a handler of the connection leave nothing ' +
      'stuck',
    async run(t) {
      for (const at of ['connecting', 'authenticating', 'syncing', 'ready']) {
        const client = t.client();
        const states = watchStates(client);
        let turns = 0;
        client.on('state', ({ to }) => {
          if (to !== at || turns++ === 2) return;
          client.close();
          client.connect();
        });
        client.connect();
        await until(() => turns >= 2 && client.state === 'ready', `ready: ${at}`);
        ok(states.includes('closed'), 'it was closed');
        await client.publish('room', 'works');
        client.close();
        await until(() => client.state === 'closed');
      }
    },
  },
  {
    of: 'refused-early',
    name: 'a server that refuses before the connection opened is not hurried',
    async run(t) {
      t.server.isDown = true;
      const client = t.client({
        retry: { baseMs: 40, capMs: 40, jitter: 0 },
      });
      const waits = [];
      client.on('state', ({ to, retryAt }) => {
        if (to === 'waiting') waits.push(retryAt - Date.now());
      });
      client.connect();
      await until(() => waits.length === 4, 'four attempts');
      ok(waits.every((ms) => ms > 20), `delays of 40 ms, got ${waits}`);
    },
  },
  {
    of: 'epoch',
    name: 'a Subscribed without an epoch is a fault, and nothing is believed of it',
    async run(t) {
      let wrong = 1;
      t.server.on[Type.SUBSCRIBE] = (server, ws, received) => server.sendTo(ws,
        server.subscribed(received, wrong-- > 0 ? { epoch: 0n, offset: 7 } : {}),
        server.publication('room', 4, 'four'));
      const client = await t.connected();
      const states = watchStates(client);
      const { subscription, told } = await t.subscribed(
        client, 'room', { since: { epoch: EPOCH_HEX, offset: 3 } });
      ok(states.includes('waiting'), 'the connection was given up');
      await until(() => told.length === 1);
      equal(told, ['four']);
      equal(subscription.position, { epoch: EPOCH_HEX, offset: 4 });
    },
  },
  {
    of: 'epoch',
    name: 'a new epoch comes with its own offset, and is told',
    async run(t) {
      const client = await t.connected();
      const { subscription, told } = await t.subscribed(client, 'room');
      await t.server.deliver(t.server.publication('room', 1, 1));
      const positions = [];
      subscription.on('gap', () => positions.push(subscription.position));
      subscription.on('state', () => positions.push(subscription.position));
      t.server.on[Type.SUBSCRIBE] = (server, ws, received) => server.sendTo(ws,
        server.subscribed(received, {
          epoch: 0xfeedn, offset: 40, result: 2, gap: 1, gap_from: 2,
        }));
      t.server.cut();
      await until(() => subscription.position.offset === 40);
      equal(told.at(-1).gap.reason, 'epoch-changed');
      for (const { epoch, offset } of positions) {
        equal(offset, epoch === EPOCH_HEX ? 1 : 40, `of ${epoch}`);
      }
    },
  },
  {
    of: 'unsubscribe-in-handler',
    name: 'ending in the handler of a message and beginning again from there ' +
      'loses and repeats nothing',
    async run(t) {
      const client = await t.connected();
      const got = [];
      const begin = (since) => {
        const subscription = client.subscribe('room', { since });
        subscription.on('publication', (p) => {
          got.push(p.offset);
          if (p.offset % 2 === 0) return;
          subscription.unsubscribe();
          begin(subscription.position);
        });
      };
      t.server.on[Type.SUBSCRIBE] = (server, ws, received) => {
        const from = received.body.offset ?? 0;
        const rest = [];
        for (let n = from + 1; n <= 9; n++) {
          rest.push(server.publication('room', n, n));
        }
        server.sendTo(ws, server.subscribed(received), ...rest);
      };
      begin({ epoch: EPOCH_HEX, offset: 0 });
      await until(() => got.at(-1) === 9);
      equal(got, [1, 2, 3, 4, 5, 6, 7, 8, 9]);
    },
  },
  {
    of: 'throwing-handler',
    name: 'handlers that throw stop nothing',
    async run(t) {
      talkative(t);
      const client = await t.connected();
      const subscription = client.subscribe('room', everything(t));
      const after = [];
      const ends = [];
      const handlers = t.isLite ? LITE_HANDLERS : HANDLERS;
      for (const event of handlers) {
        ends.push(subscription.on(event, () => { throw new Error(event); }));
        subscription.on(event, () => after.push(event));
      }
      await quietly(() => until(() =>
        after.filter((event) => event === 'publication').length === 2));
      for (const end of ends) end();
      equal([...new Set(after)].sort(), [...handlers].sort());
      equal(t.errors.length, after.length);
      equal(t.errors.map((e) => e.message), after);
      t.errors.length = 0;
      await client.publish('room', 'works');
    },
  },
  {
    of: 'token-race',
    name: 'one question at a time, and no answer for a newer session',
    async run(t) {
      const answers = [];
      let running = 0, most = 0;
      const getToken = async () => {
        most = Math.max(most, ++running);
        const token = await new Promise((resolve) => answers.push(resolve));
        running--;
        return token;
      };
      t.server.on[Type.HELLO] = (server, ws, received) =>
        server.sendTo(ws, server.welcome(received, { token_ttl_ms: 1300 }));
      const client = t.client({ getToken, retry: FAST });
      client.connect();
      await until(() => answers.length === 1);
      answers[0]('first');
      await client.ready();
      await until(() => answers.length === 2, 'the question for a refresh');
      for (let i = 0; i < 3; i++) {
        t.server.cut();
        client.close();
        client.connect();
        await settled();
      }
      equal([answers.length, most], [2, 1]);
      answers[1]('of an older session');
      await settled();
      await until(() => answers.length === 3 || client.state === 'ready');
      answers[2]?.('fresh');
      await client.ready();
      await settled();
      const told = [Type.HELLO, Type.REFRESH].flatMap((type) =>
        t.server.framesOf(type).map(({ body }) => body.token));
      ok(!told.includes('of an older session'), `no late token, got ${told}`);
      equal(most, 1);
    },
  },
  ...[
    ['an expired token that is the only one is the end',
      { token: 'static' }, 'TOKEN_EXPIRED', 1],
    ['no token is the end, and no anonymous start',
      { getToken: () => null }, 'NO_TOKEN', 0],
  ].map(([name, options, reason, hellos]) => ({
    of: 'token-race',
    name,
    async run(t) {
      t.server.on[Type.HELLO] = (server, ws, received) =>
        server.sendTo(ws, received.body.token
          ? frame(Type.CLOSE, {}, { code: 300 }) : server.welcome(received));
      const client = t.client({ ...options, retry: FAST });
      client.connect();
      await rejects(client.ready(), reason);
      await new Promise((resolve) => setTimeout(resolve, 30));
      equal([client.state, t.server.framesOf(Type.HELLO).length],
        ['failed', hellos]);
    },
  })),
  ...[[300, 'TOKEN_EXPIRED'], [302, 'TOKEN_REVOKED']].map(([code, reason]) => ({
    of: 'channel-token',
    name: `${reason} ends what was subscribed to together with the Hello`,
    async run(t) {
      const client = t.client({ retry: FAST });
      const subscription = client.subscribe('room', { token: 'brief' });
      const told = [];
      subscription.on('publication', (p) => told.push(p.data));
      subscription.on('state', (e) => told.push(e.to));
      client.connect();
      await until(() => subscription.state === 'live');
      equal(t.server.framesOf(Type.SUBSCRIBE)[0].body.token, 'brief');
      const channel = t.server.number('room');
      await t.server.deliver(frame(Type.UNSUBSCRIBED, { channel }, { code }),
        t.server.publication('room', 1, 'too late'));
      await new Promise((resolve) => setTimeout(resolve, 30));
      equal(told, ['subscribing', 'live', 'ended']);
      equal(t.server.framesOf(Type.SUBSCRIBE).length, 1);
      equal(client.state, 'ready');
    },
  })),
  {
    of: 'invalidation',
    name: 'a channel of the server is told anew of its gaps, and withdrawn',
    async run(t) {
      const client = await t.connected();
      const told = [];
      client.on('subscription', (subscription) => {
        subscription.on('gap', ({ reason, position }) =>
          told.push(`${reason} ${position.epoch} ${position.offset}`));
        subscription.on('state', (e) => told.push(`${e.to} ${e.reason.name}`));
      });
      const grant = (server) => frame(Type.SERVER_SUBSCRIBED,
        { channel: server.number('news') },
        { channel: 'news', epoch: EPOCH, offset: 3 });
      await t.server.deliver(grant(t.server));
      told.length = 0;
      t.server.on[Type.SUBSCRIBE] = (server, ws, received) => server.sendTo(ws,
        received.body.recover && received.body.epoch === EPOCH
          ? server.subscribed(received, {
            epoch: 0xfeedn, offset: 1, result: 2, gap: 1, gap_from: 4,
          }) : server.subscribed(received, { epoch: 0xfeedn, offset: 1 }));
      t.server.cut();
      await until(() => told.at(-1) === 'live OK');
      ok(told.includes('epoch-changed 000000000000feed 1'), `a gap in ${told}`);
      // At the next connection the server grants it no more.
      t.server.on[Type.SUBSCRIBE] = (server, ws, received) => server.sendTo(ws,
        frame(Type.ERROR, { request: received.request }, { code: 526 }));
      t.server.cut();
      await until(() => told.at(-1) === 'ended SUBSCRIPTION_WITHDRAWN');
    },
  },
];

export const cases = all.map((each) => ({
  ...each, name: `${each.of}: ${each.name}`,
}));
