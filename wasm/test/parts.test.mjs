// SPDX-License-Identifier: MIT
// parts.test.mjs - the modules that a page loads besides: what they ask of the
// server, and what they make of its answers.

import { test } from 'node:test';

import { Groups } from '../dist/groups.js';
import {
  mergePatch, presence, presenceOf, presenceStats, send,
} from '../dist/people.js';
import { equal, rejects } from './support/check.mjs';

/** A client that answers what it is told to, and keeps what it was asked. */
function caller(reply = {}) {
  const asked = [];
  return {
    asked,
    async call(method, data) {
      asked.push([method, data]);
      if (reply instanceof Error) throw reply;
      return reply;
    },
  };
}

test('groups are changed by calls', async () => {
  const client = caller({ version: '7', members: 3 });
  const groups = new Groups(client);
  equal(await groups.create('g'), undefined);
  await groups.create('g', { members: [{ user: 'ann', role: 'owner' }] });
  equal(await groups.add('g', 'bob', 'member'), 3);
  equal(await groups.remove('g', ['bob', 'ann']), 3);
  await groups.setRole('g', 'editor', ['read', 'app:edit']);
  await groups.removeRole('g', 'editor');
  await groups.delete('g');
  equal(client.asked, [
    ['godwit.group_create', { group: 'g' }],
    ['godwit.group_create',
      { group: 'g', members: [{ user: 'ann', role: 'owner' }] }],
    ['godwit.group_add', { group: 'g', users: ['bob'], role: 'member' }],
    ['godwit.group_remove', { group: 'g', users: ['bob', 'ann'] }],
    ['godwit.group_set_role',
      { group: 'g', role: 'editor', permissions: ['read', 'app:edit'] }],
    ['godwit.group_set_role', { group: 'g', role: 'editor', remove: true }],
    ['godwit.group_delete', { group: 'g' }],
  ]);
});

test('groups are read with what an answer leaves out', async () => {
  const full = new Groups(caller({
    group: 'g', version: '12', numMembers: 1, roles: [{ role: 'none' }],
    members: [{ user: 'ann', role: 'none' }],
  }));
  equal(await full.get('g', { limit: 1 }), {
    group: 'g', version: 12, roles: [{ role: 'none', permissions: [] }],
    numMembers: 1, members: [{ user: 'ann', role: 'none' }],
  });
  equal(await full.roleOf('g', 'ann'), 'none');
  const empty = new Groups(caller());
  equal(await empty.get('g'),
    { group: 'g', version: 0, roles: [], numMembers: 0, members: [] });
  equal(await empty.roleOf('g', 'ann'), null);
  equal(await empty.add('g', 'bob', 'member'), 0);
  equal(await empty.list({ user: 'ann' }), []);
  const two = new Groups(caller({
    groups: [{ group: 'a', version: '1', members: 2, role: 'owner' },
      { group: 'b', version: '3' }],
  }));
  equal(await two.list({ user: 'ann' }), [
    { group: 'a', version: 1, members: 2, role: 'owner' },
    { group: 'b', version: 3, members: 0, role: '' },
  ]);
});

test('a message has one address and any payload', async () => {
  const client = caller({ receivers: 2 });
  equal(await send(client, { user: 'ann' }, { text: 'hi' }), 2);
  await send(client, { client: '00000000000000ff' }, new Uint8Array([0, 255]),
    { event: 'ping', echo: false });
  await send(client, { connection: 'ffffffffffffffff' },
    new Uint16Array([0x4141, 0x4242]).subarray(1));
  await send(client, { channels: ['a', 'b'] }, null);
  await send(client, { everybody: true }, new ArrayBuffer(1));
  equal(client.asked.map(([, request]) => request), [
    { user: 'ann', json: { text: 'hi' }, event: '', no_echo: false },
    { client: '255', data: 'AP8=', event: 'ping', no_echo: true },
    { connection: '18446744073709551615', data: 'QkI=', event: '',
      no_echo: false },
    { channels: ['a', 'b'], json: null, event: '', no_echo: false },
    { everybody: true, data: 'AA==', event: '', no_echo: false },
  ]);
  equal(await send(caller(), { group: 'g' }), 0);
  await rejects(send(caller(new TypeError('no')), { group: 'g' }), 'TypeError');
});

test('presence is asked for in pages', async () => {
  const client = caller({
    version: '4', next: '255',
    members: [{ client: '16', user: 'ann', state: 'away', json: { n: 1 },
      sinceMs: '99' }, { client: '17', data: 'AQI=' }],
  });
  const page = await presence(client, 'room', {
    state: 'away', limit: 2, after: '000000000000000f',
    where: [{ field: 'n', is: 'at-least', value: 0 }, { field: 'm', is: 'absent' },
      { field: 'k', value: null }],
  });
  equal(client.asked, [['godwit.presence', {
    channel: 'room', state: 'away', limit: 2, after: '15',
    where: [{ field: 'n', is: 'AT_LEAST', value: 0 },
      { field: 'm', is: 'ABSENT' }, { field: 'k', is: 'EQUAL', value: null }],
  }]]);
  equal([page.version, page.next], [4, '00000000000000ff']);
  equal(page.members[0], { clientId: '0000000000000010', user: 'ann',
    state: 'away', data: { n: 1 }, since: 99 });
  equal([...page.members[1].data], [1, 2]);
  equal(await presence(caller(), 'room'), { version: 0, members: [], next: null });
});

test('presence is asked for in numbers and by user', async () => {
  const stats = await presenceStats(caller({
    version: '4', clients: 3, users: 2, mode: 'counts',
    states: [{ state: 'away', clients: 2 }, { state: 'online', clients: 1 }],
  }), 'room');
  equal([stats.version, stats.clients, stats.users, stats.mode],
    [4, 3, 2, 'counts']);
  equal([...stats.states], [['away', 2], ['online', 1]]);
  equal((await presenceStats(caller(), 'room')).clients, 0);
  const places = [{ user: 'ann', channel: 'room', clients: 2 }];
  equal(await presenceOf(caller({ places }), { user: 'ann' }), places);
  equal(await presenceOf(caller(), { group: 'g' }), []);
});

// The examples of RFC 7396, appendix A.
test('a patch is merged as the standard says', () => {
  for (const [target, patch, result] of [
    [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
    [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
    [{ a: 'b' }, { a: null }, {}],
    [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
    [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
    [{ a: 'c' }, { a: ['b'] }, { a: ['b'] }],
    [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
    [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
    [['a', 'b'], ['c', 'd'], ['c', 'd']],
    [{ a: 'b' }, ['c'], ['c']],
    [{ a: 'foo' }, null, null],
    [{ a: 'foo' }, 'bar', 'bar'],
    [{ e: null }, { a: 1 }, { e: null, a: 1 }],
    [[1, 2], { a: 'b', c: null }, { a: 'b' }],
    [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
  ]) equal(mergePatch(target, patch), result);
});
