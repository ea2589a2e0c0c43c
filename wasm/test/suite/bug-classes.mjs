// SPDX-License-Identifier: MIT
// bug-classes.mjs - faults that clients of this kind have had, one case for each:
// it fails on a client without the defence. Where more is needed to show one than
// a client, its case is elsewhere:
//
//   a late token of an older session, two refreshes at once, an expired token
//     tests/unit/client_link_test.c
//   a subscription whose token has expired
//     tests/unit/grants_test.c, access_test.c
//   server-side subscriptions after a loss
//     tests/unit/client_server_subs_test.c
//   a delta without its base
//     tests/unit/hub_delta_test.c, client_delta_test.c, tests/sim/watch.c

import { equal, ok, quietly, settled, until } from '../support/check.mjs';
import { EPOCH } from '../support/fake-server.mjs';
import { frame, Type } from '../support/wire.mjs';

const EPOCH_HEX = '00000000deadbeef';

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
const HANDLERS = [
  'publication', 'gap', 'state', 'presence', 'members', 'metadata',
];

export const cases = [
  {
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
    name: `close() and connect() in a handler of ${event} leave nothing stuck`,
    async run(t) {
      talkative(t);
      const client = await t.connected();
      const states = watchStates(client);
      const subscription = client.subscribe('room', {
        since: { epoch: '1', offset: 0 }, presence: true,
      });
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
          begin(p.position);
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
    name: 'handlers that throw stop nothing',
    async run(t) {
      talkative(t);
      const client = await t.connected();
      const subscription = client.subscribe('room', {
        since: { epoch: '1', offset: 0 }, presence: true,
      });
      const after = [];
      const ends = [];
      for (const event of HANDLERS) {
        ends.push(subscription.on(event, () => { throw new Error(event); }));
        subscription.on(event, () => after.push(event));
      }
      await quietly(() => until(() =>
        after.filter((event) => event === 'publication').length === 2));
      for (const end of ends) end();
      equal([...new Set(after)].sort(), [...HANDLERS].sort());
      equal(t.errors.length, after.length);
      equal(t.errors.map((e) => e.message), after);
      t.errors.length = 0;
      await client.publish('room', 'works');
    },
  },
];
