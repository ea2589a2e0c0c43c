// SPDX-License-Identifier: MIT
// state.mjs - shared state: keys, versions, what a path inherits.

import { SharedState, stateChannel } from '../../dist/state.js';
import { equal, rejects, settled, until } from '../support/check.mjs';
import { EPOCH } from '../support/fake-server.mjs';
import { frame, Type } from '../support/wire.mjs';

const CHANNEL = '$state:user:ada';

/** A server that holds [key, value] of one scope, and a state that has them. */
async function holding(t, entries) {
  const item = (key, offset, value) => t.server.publication(CHANNEL, offset,
    value, value === undefined
      ? { item: key, json: undefined, removed: 1 } : { item: key });
  t.server.on[Type.SUBSCRIBE] = (server, ws, received) => server.sendTo(ws,
    server.subscribed(received, {
      epoch: EPOCH, offset: 0, live: 0, result: 3, gap: 9, gap_from: 1,
    }),
    ...entries.map(([key, value], i) => item(key, i + 1, value)),
    frame(Type.RECOVERY, { channel: server.number(CHANNEL) },
      { from: 1, to: entries.length, live: 1 }));
  const client = await t.connected();
  const state = new SharedState(client, 'user', 'ada');
  await state.loaded();
  return { client, state, item };
}

const fromOf = (effective) => effective && [effective.value, effective.from];

export const cases = [
  {
    name: 'a scope is a channel, from its beginning',
    async run(t) {
      const { state } = await holding(t, [['theme', 'dark'], ['n', 1]]);
      const [{ body }] = t.server.framesOf(Type.SUBSCRIBE);
      equal([body.channel, body.recover], [stateChannel('user', 'ada'), 1]);
      equal([...state], [['theme', 'dark'], ['n', 1]]);
      equal(state.position('n').offset, 2);
    },
  },
  {
    name: 'a path inherits from the nearest that it is in',
    async run(t) {
      const { state } = await holding(t, [['a', 1], ['a/b', 2], ['ab', 3]]);
      equal(fromOf(state.effective('a/b/c/d')), [2, 'a/b']);
      equal(fromOf(state.effective('a/bc')), [1, 'a']);
      equal(fromOf(state.effective('a/b')), [2, 'a/b']);
      equal(fromOf(state.effective('ab/x')), [3, 'ab']);
      equal(fromOf(state.effective('b')), undefined);
      equal(fromOf(state.effective('')), undefined);
    },
  },
  {
    name: 'watching a path tells effective changes only',
    async run(t) {
      const { state, item } = await holding(t, [['a', 1]]);
      const heard = [];
      const end = state.watch('a/b/c', ({ value, from, previous }) =>
        heard.push([value, from, fromOf(previous)]));
      await t.server.deliver(item('a/b', 2, 2), item('a', 3, 3),
        item('a/bc', 4, 4), item('a/b/c/d', 5, 5), item('a/b', 6),
        item('a', 7), item('a/b/c', 8, 8));
      equal(heard, [
        [2, 'a/b', [1, 'a']], [3, 'a', [2, 'a/b']],
        [undefined, undefined, [3, 'a']], [8, 'a/b/c', undefined],
      ]);
      end();
      await t.server.deliver(item('a/b/c', 9, 9));
      equal(heard.length, 4);
    },
  },
  {
    name: 'an update begins again when somebody was faster',
    async run(t) {
      const { state, item } = await holding(t, [['n', 1]]);
      const sent = [];
      t.server.on[Type.PUBLISH] = (server, ws, received) => {
        const { request, body } = received;
        sent.push([body.json, body.offset]);
        if (sent.length < 3) {
          const by = sent.length;
          server.sendTo(ws, frame(Type.ERROR, { request }, { code: 511 }));
          setTimeout(() => server.deliver(item('n', by + 1, by * 10)), 5);
        } else {
          server.sendTo(ws, frame(Type.PUBLISHED, { request },
            { epoch: EPOCH, offset: 4 }));
        }
      };
      const { position } = await state.update('n', (n) => n + 1);
      equal(position.offset, 4);
      equal(sent, [['2', 1], ['11', 2], ['21', 3]]);
      t.server.on[Type.PUBLISH] = (server, ws, { request }) => server.sendTo(ws,
        frame(Type.ERROR, { request }, { code: 507 }));
      await rejects(state.update('n', () => 0), 'PERMISSION_DENIED');
    },
  },
  {
    name: 'an update begins again when all is told anew, with the same offset or ' +
      'without the key',
    async run(t) {
      const { state, item } = await holding(t, [['n', 1]]);
      const anew = (epoch, ...items) => (server, ws, received) => server.sendTo(
        ws, server.subscribed(received, {
          epoch, offset: 0, live: 0, result: 3, gap: 9, gap_from: 1,
        }), ...items,
        frame(Type.RECOVERY, { channel: server.number(CHANNEL) },
          { from: 1, to: 1, live: 1 }));
      let left;
      t.server.on[Type.PUBLISH] = (server, ws, { request }) => {
        const isOk = left-- === 0;
        server.sendTo(ws, isOk
          ? frame(Type.PUBLISHED, { request }, { epoch: EPOCH, offset: 9 })
          : frame(Type.ERROR, { request }, { code: 511 }));
        if (!isOk) setTimeout(() => server.cut(), 5);
      };
      left = 1;
      t.server.on[Type.SUBSCRIBE] = anew(0xfeedn, item('n', 1, 5));
      await state.update('n', (n) => n + 1);
      equal(state.get('n'), 5);
      left = 1;
      t.server.on[Type.SUBSCRIBE] = anew(0xbeefn, item('other', 1, 5));
      await state.update('gone', (n = 0) => n + 1);
    },
  },
  {
    name: 'a state machine moves, or tells what it may do instead',
    async run(t) {
      const key = 'machine/order';
      const { state, item } = await holding(t, []);
      const order = state.machine('order');
      const heard = [];
      order.watch((to, from) => heard.push([to, from]));
      equal([order.key, order.state], [key, undefined]);
      await t.server.deliver(item(key, 1, 'paid'), item('other', 2, 1),
        item(key, 3, 'sent'));
      equal(order.state, 'sent');
      equal(heard, [['paid', undefined], ['sent', 'paid']]);
      const refuse = (code, message) => {
        t.server.on[Type.PUBLISH] = (server, ws, { request }) => server.sendTo(
          ws, frame(Type.ERROR, { request }, { code, message, field: key }));
      };
      refuse(550, 'order is sent; allowed: lost, back');
      const error = await rejects(order.move('paid'), 'ILLEGAL_TRANSITION');
      equal([error.state, error.allowed, error.field],
        ['sent', ['lost', 'back'], key]);
      refuse(507, 'order is sent; allowed: nothing');
      equal((await rejects(order.move('x'), 'PERMISSION_DENIED')).allowed, []);
      refuse(511, 'no');
      equal((await rejects(order.move('x'), 'CONFLICT')).allowed, undefined);
      t.server.on[Type.RPC] = (server, ws, { request, body }) => server.sendTo(ws,
        frame(Type.RPC_RESULT, { request }, { json: JSON.stringify(
          { ...JSON.parse(body.json), state: body.method, timeMs: '5' }) }));
      equal(await order.read(), {
        state: 'godwit.machine_get', allowed: [], user: '', since: 5,
      });
    },
  },
  {
    name: 'who waits is told when the subscription ends',
    async run(t) {
      t.server.on[Type.SUBSCRIBE] = (server, ws, { request }) => server.sendTo(
        ws, frame(Type.ERROR, { request }, { code: 507 }));
      const client = await t.connected();
      const state = new SharedState(client, 'user', 'eve');
      const error = await state.loaded().catch((e) => e);
      equal(error.message, 'the subscription has ended');
      state.end();
      await until(() => state.subscription.state === 'ended');
      await settled();
    },
  },
];
