// SPDX-License-Identifier: MIT
// lite.mjs - what `godwit/lite` does about what it has not.

import { equal, rejects, settled, throws, until } from '../support/check.mjs';
import { frame, Type } from '../support/wire.mjs';

export const cases = [
  {
    name: 'what it has not is refused by name',
    isLite: true,
    async run(t) {
      const client = await t.connected();
      for (const [name, value] of [
        ['presence', true], ['filter', { size: 0 }], ['metadata', { a: 1 }],
        ['delta', true],
      ]) {
        const error = throws(
          () => client.subscribe('room', { [name]: value }), 'UNSUPPORTED');
        equal(error.message, `godwit/lite has no ${name}`);
      }
      for (const name of ['tags', 'metadata']) {
        const error = await rejects(
          client.publish('room', 1, { [name]: { size: 1 } }), 'UNSUPPORTED');
        equal(error.message, `godwit/lite has no ${name}`);
      }
      await t.subscribed(client, 'room', { presence: false });
      await client.publish('room', 1);
      equal(t.server.framesOf(Type.PUBLISH).length, 1);
    },
  },
  {
    name: 'there is nothing to call or read of it',
    isLite: true,
    async run(t) {
      const client = await t.connected();
      const { subscription } = await t.subscribed(client, 'room');
      for (const name of [
        'enter', 'update', 'leave', 'members', 'metadata', 'deltas',
      ]) {
        equal(name in subscription, false, name);
      }
      equal('members' in client, false);
    },
  },
  {
    name: 'frames of what it has not are passed over, and the log says so',
    isLite: true,
    async run(t) {
      const lines = [];
      const client = await t.connected(
        { log: (level, text) => lines.push(`${level}: ${text}`) });
      const { subscription, told } = await t.subscribed(client, 'room');
      const events = [];
      for (const event of ['presence', 'members', 'metadata']) {
        subscription.on(event, () => events.push(event));
      }
      client.on('message', () => events.push('message'));
      const head = { channel: t.server.number('room') };
      const member = { client: 1n, user: 'ann', state: 'online' };
      lines.length = 0;
      await t.server.deliver(
        frame(Type.PRESENCE_SNAPSHOT, head, { version: 1, members: [member] }),
        frame(Type.PRESENCE_DIFF, head,
          { version: 2, changes: [{ kind: 2, member, last: 1 }] }),
        frame(Type.MESSAGE, {}, { client: 2n, to: 1, json: '1' }),
        t.server.publication('room', 1, 'one', {
          tags: [{ name: 'a', value: 'b' }], item: 'x',
        }));
      equal(told, ['one']);
      equal(events, []);
      equal(lines, Array(3).fill('debug: a frame that is of no use here'));
      equal(client.state, 'ready');
      // A frame that is no frame is still the end.
      await t.server.deliver(frame(Type.PRESENCE_SET, head, { state: 'x' }));
      await until(() => t.server.framesOf(Type.HELLO).length === 2);
      await client.ready();
    },
  },
  {
    name: 'ids, items and removals of a map come as everywhere',
    isLite: true,
    async run(t) {
      const client = await t.connected();
      const { subscription } = await t.subscribed(client, 'room');
      const got = [];
      subscription.on('publication', ({ item, removed, user, channel }) =>
        got.push([item, removed, user, channel]));
      await client.publish('room', null,
        { item: 'a', removed: true, compareItem: null });
      const [{ body }] = t.server.framesOf(Type.PUBLISH);
      equal([body.item, body.removed, body.compare_item], ['a', 1, 1]);
      await t.server.deliver(t.server.publication('room', 1, null,
        { item: 'a', removed: 1, user: 'ann' }));
      await settled();
      equal(got, [['a', true, 'ann', 'room']]);
    },
  },
];
