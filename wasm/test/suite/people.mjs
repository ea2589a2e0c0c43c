// SPDX-License-Identifier: MIT
// people.mjs - modes of presence, first and last of a user, messages.

import { equal, quietly, settled, until } from '../support/check.mjs';
import { CLIENT } from '../support/fake-server.mjs';
import { frame, Type } from '../support/wire.mjs';

const [FULL, , COUNTS, SAMPLED] = [0, 1, 2, 3];

const member = (client) => ({ client, user: `u${client}`, state: 'online' });
const idOf = (client) => client.toString(16).padStart(16, '0');

/** Tells what a server tells of the channel `room`. */
function teller(server) {
  const head = () => ({ channel: server.number('room') });
  return {
    list: (body) => server.deliver(frame(Type.PRESENCE_SNAPSHOT, head(), body)),
    change: (body) => server.deliver(frame(Type.PRESENCE_DIFF, head(), body)),
  };
}

/** A subscription with presence, and what it is told. */
async function watching(t) {
  const client = await t.connected();
  const subscription = client.subscribe('room', { presence: true });
  const told = [];
  subscription.on('presence', ({ kind, member: { clientId }, first, last }) =>
    told.push([kind, clientId.slice(-1), first, last]));
  subscription.on('members', ({ members, version, mode, clients, users }) =>
    told.push([[...members.keys()].map((id) => id.slice(-1)).join(''), version,
      mode, clients, users]));
  await until(() => subscription.state === 'live');
  const take = () => told.splice(0);
  return { client, subscription, take, ...teller(t.server) };
}

export const cases = [
  {
    name: 'changes tell the first and the last client of a user',
    async run(t) {
      const { take, list, change } = await watching(t);
      await list({ version: 5, members: [member(1)], clients: 1, users: 1 });
      equal(take(), [['enter', '1', false, false], ['1', 5, 'full', 1, 1]]);
      await change({ version: 6, changes: [
        { kind: 0, member: member(2), first: 1 },
        { kind: 0, member: member(3) },
        { kind: 1, member: { ...member(3), state: 'busy' } },
        { kind: 2, member: { client: 3 } },
        { kind: 2, member: { client: 2 }, last: 1 },
      ] });
      equal(take(), [
        ['enter', '2', true, false], ['enter', '3', false, false],
        ['update', '3', false, false], ['leave', '3', false, false],
        ['leave', '2', false, true],
      ]);
    },
  },
  {
    name: 'where there are too many, numbers take the place of the list',
    async run(t) {
      const { subscription, take, list, change } = await watching(t);
      await list({ version: 5, members: [member(1), member(2)], clients: 2, users: 2 });
      take();
      await list({ version: 6, mode: COUNTS, clients: 3, users: 3 });
      equal(take(), [['', 6, 'counts', 3, 3]]); // nobody has left
      equal(subscription.members.size, 0);
      await change({ version: 7, clients: 900, users: 800 });
      equal(take(), [['', 7, 'counts', 900, 800]]);
      await list({ version: 8, mode: FULL, members: [member(2), member(4)], clients: 2,
        users: 2 });
      equal(take(), [['24', 8, 'full', 2, 2]]); // and nobody has come
      equal(subscription.members.get(idOf(4)).user, 'u4');
      await change({ version: 9, changes: [{ kind: 0, member: member(5), first: 1 }] });
      equal(take(), [['enter', '5', true, false]]);
    },
  },
  {
    name: 'a sample is a list that changes as a whole',
    async run(t) {
      const { client, subscription, take, list, change } = await watching(t);
      await list({ version: 5, mode: SAMPLED, members: [member(1), member(2)],
        clients: 70, users: 60 });
      equal(take(), [['12', 5, 'sampled', 70, 60]]);
      await change({ version: 6, clients: 71, users: 61, changes: [
        { kind: 2, member: { client: 1 } }, { kind: 0, member: member(7) },
      ] });
      equal(take(), [['27', 6, 'sampled', 71, 61]]);
      equal([...subscription.members.keys()], [idOf(2), idOf(7)]);
      const later = client.subscribe('room', { presence: true });
      const told = [];
      later.on('members', ({ mode, clients }) => told.push([mode, clients]));
      await settled();
      equal(told, [['sampled', 71]]);
    },
  },
  {
    name: 'a message is handed over with what is known of its sender',
    async run(t) {
      const client = await t.connected();
      const told = [];
      client.on('message', (message) => told.push(message));
      const message = (body) => frame(Type.MESSAGE, {}, body);
      await t.server.deliver(
        message({ client: 0xa1n, user: 'ann', to: 3, group: 'team', event: 'hi',
          json: '{"n":1}', time_ms: 5 }),
        message({ client: CLIENT, to: 5, data: new Uint8Array([1, 2]) }),
        message({ json: '"by the server"' }));
      equal(told[0], {
        data: { n: 1 }, event: 'hi', clientId: idOf(0xa1), user: 'ann',
        to: 'group', group: 'team', time: 5, own: false,
      });
      equal([...told[1].data], [1, 2]);
      equal([told[1].to, told[1].own], ['everybody', true]);
      equal([told[2].clientId, told[2].to, told[2].data],
        [null, 'user', 'by the server']);
      await quietly(async () => {
        t.server.send(message({ json: '{' }));
        await until(() => t.errors.length > 0);
      });
      equal(t.errors.splice(0).map(({ name }) => name), ['SyntaxError']);
      equal(told.length, 3);
    },
  },
];
