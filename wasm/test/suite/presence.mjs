// SPDX-License-Identifier: MIT
// presence.mjs - who is in a channel.

import { equal, ok, quietly, rejects, settled, until } from '../support/check.mjs';
import { CLIENT } from '../support/fake-server.mjs';
import { frame, Type } from '../support/wire.mjs';

const ANN = { client: 0xa1n, user: 'ann', state: 'online', since_ms: 1000 };
const BOB = {
  client: 0xb0bn, user: 'bob', state: 'away', json: '{"n":1}', since_ms: 2000,
};
const ANN_ID = '00000000000000a1';
const BOB_ID = '0000000000000b0b';

function snapshot(server, channel, version, members) {
  return frame(Type.PRESENCE_SNAPSHOT, { channel: server.number(channel) },
    { version, members });
}

function diff(server, channel, version, ...changes) {
  return frame(Type.PRESENCE_DIFF, { channel: server.number(channel) },
    { version, changes });
}

/** A subscription with presence, and what it is told. */
async function present(t, client, channel, members) {
  t.server.on[Type.SUBSCRIBE] = (server, ws, received) => server.send(
    server.subscribed(received),
    ...received.body.presence ? [snapshot(server, channel, 5, members)] : []);
  const sub = client.subscribe(channel, { presence: true });
  const told = [];
  sub.on('presence', ({ kind, member, own }) =>
    told.push([kind, member.clientId, member.state, own]));
  sub.on('members', ({ members, version }) =>
    told.push(['members', [...members.keys()].sort(), version]));
  await until(() => told.at(-1)?.[0] === 'members');
  return { sub, told };
}

export const cases = [
  {
    name: 'a snapshot and its diffs become a list of members',
    async run(t) {
      const client = await t.connected();
      const { sub, told } = await present(t, client, 'room', [ANN, BOB]);
      equal(t.server.framesOf(Type.SUBSCRIBE)[0].body.presence, 1);
      equal(told.slice().sort(), [
        ['enter', ANN_ID, 'online', false], ['enter', BOB_ID, 'away', false],
        ['members', [ANN_ID, BOB_ID], 5],
      ]);
      equal(sub.members.get(BOB_ID), {
        clientId: BOB_ID, user: 'bob', state: 'away', data: { n: 1 }, since: 2000,
      });
      equal(sub.members.get(ANN_ID).data, null);
      told.length = 0;
      await t.server.deliver(diff(t.server, 'room', 6,
        { kind: 1, member: { ...ANN, state: 'busy' } },
        { kind: 0, member: { client: CLIENT, user: 'me', state: 'online' } },
        { kind: 2, member: { client: BOB.client, user: 'bob' } }));
      equal(told, [
        ['update', ANN_ID, 'busy', false],
        ['enter', '1122334455667788', 'online', true],
        ['leave', BOB_ID, 'away', false],
      ]);
      equal([...sub.members.keys()].sort(), [ANN_ID, '1122334455667788'].sort());
    },
  },
  {
    name: 'enters, updates and leaves, and enters again after a reconnect',
    async run(t) {
      const client = await t.connected();
      const { subscription } = await t.subscribed(client, 'room');
      subscription.enter('online', { name: 'Ann' });
      const sets = () => t.server.framesOf(Type.PRESENCE_SET).map((f) => f.body);
      await until(() => sets().length === 1);
      subscription.update('busy');
      await until(() => sets().length === 2);
      equal(sets(), [{ state: 'online', json: '{"name":"Ann"}' }, { state: 'busy' }]);
      t.server.cut();
      await client.ready();
      await until(() => sets().length === 3);
      equal(sets()[2], { state: 'busy' });
      subscription.leave();
      await until(() => t.server.framesOf(Type.PRESENCE_LEAVE).length === 1);
    },
  },
  {
    name: 'what is told about oneself may be refused',
    async run(t) {
      const client = await t.connected();
      const { subscription } = await t.subscribed(client, 'room');
      let thrown;
      try {
        subscription.enter('x'.repeat(100));
      } catch (error) {
        thrown = error;
      }
      equal(thrown?.name, 'TOO_BIG');
      t.server.on[Type.PRESENCE_SET] = (server, ws, { request }) => server.send(
        frame(Type.ERROR, { request }, { code: 507, message: 'hide' }));
      await quietly(() => {
        subscription.enter('online');
        return until(() => t.errors.length > 0);
      });
      equal([t.errors[0].name, t.errors[0].message], ['PERMISSION_DENIED', 'hide']);
      t.errors.length = 0;
    },
  },
  {
    name: 'a second subscription that wants members gets them, and the first ' +
      'goes on without a gap',
    async run(t) {
      const client = await t.connected();
      const a = await t.subscribed(client, 'room');
      a.subscription.enter('online');
      await t.server.deliver(t.server.publication('room', 1, 1));
      const { sub } = await present(t, client, 'room', [ANN]);
      const [, again] = t.server.framesOf(Type.SUBSCRIBE);
      equal([again.body.recover, again.body.offset, again.body.presence], [1, 1, 1]);
      await until(() => t.server.framesOf(Type.PRESENCE_SET).length === 2);
      await t.server.deliver(t.server.publication('room', 2, 2));
      equal(a.told, [1, 2]);
      equal([...sub.members.keys()], [ANN_ID]);
      equal(a.subscription.members, sub.members);
    },
  },
  {
    name: 'a subscription that comes later is told what the first was told',
    async run(t) {
      const client = await t.connected();
      await present(t, client, 'room', [ANN]);
      const later = client.subscribe('room', { presence: true });
      const told = [];
      later.on('state', ({ from, to }) => told.push([from, to]));
      later.on('members', ({ version }) => told.push(version));
      await settled();
      equal(told, [['idle', 'live'], 5]);
      equal(later.members.size, 1);
      equal(t.server.framesOf(Type.SUBSCRIBE).length, 1);
    },
  },
  {
    name: 'beginning anew tells who left meanwhile',
    async run(t) {
      const client = await t.connected();
      const { sub, told } = await present(t, client, 'room', [ANN, BOB]);
      told.length = 0;
      t.server.on[Type.SUBSCRIBE] = (server, ws, received) => server.send(
        server.subscribed(received, { offset: 0 }),
        snapshot(server, 'room', 9, [ANN]));
      client.subscribe('room', { since: 'start' });
      await until(() => told.at(-1)?.[0] === 'members');
      ok(told.some(([kind, id]) => kind === 'leave' && id === BOB_ID), 'a leave');
      ok(!told.some(([kind]) => kind === 'enter'), 'nobody entered twice');
      equal([...sub.members.keys()], [ANN_ID]);
    },
  },
  {
    name: 'asks for the members of any channel',
    async run(t) {
      const client = await t.connected();
      t.server.on[Type.PRESENCE_GET] = (server, ws, { request, body }) => {
        if (body.channel === 'secret') {
          server.send(frame(Type.ERROR, { request }, { code: 507 }));
          return;
        }
        server.send(
          frame(Type.PRESENCE_SNAPSHOT, { request },
            { version: 1, members: [ANN], more: 1 }),
          frame(Type.PRESENCE_SNAPSHOT, { request }, { version: 1, members: [BOB] }));
      };
      const members = await client.members('room');
      equal(members.map((m) => [m.user, m.state, m.data]),
        [['ann', 'online', null], ['bob', 'away', { n: 1 }]]);
      await rejects(client.members('secret'), 'PERMISSION_DENIED');
    },
  },
];
