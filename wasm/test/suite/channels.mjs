// SPDX-License-Identifier: MIT
// channels.mjs - tags and filters, patterns of names, maps, metadata.

import * as filter from '../../dist/filter.js';
import { ItemMap } from '../../dist/map.js';
import {
  equal, quietly, rejects, settled, throws, until,
} from '../support/check.mjs';
import { EPOCH } from '../support/fake-server.mjs';
import { frame, Type } from '../support/wire.mjs';

const EPOCH_HEX = '00000000deadbeef';
const GAP = { FILTERED: 7, SUPERSEDED: 8, ANEW: 9, LIVE_ONLY: 10 };
const ANEW = { result: 3, gap: GAP.ANEW, gap_from: 1 };

/** Answers Subscribe with a map that is told from its beginning. */
function serveMap(t, frames, more = {}) {
  t.server.on[Type.SUBSCRIBE] = (server, ws, received) => server.sendTo(ws,
    server.subscribed(received,
      { epoch: EPOCH, offset: 0, live: 0, ...ANEW, ...more }),
    ...frames(server));
}

function live(server, channel, to) {
  return frame(Type.RECOVERY, { channel: server.number(channel) },
    { from: 1, to, live: 1 });
}

function lagged(server, channel, from, to, reason) {
  return frame(Type.LAGGED, { channel: server.number(channel) },
    { from, to, count: to - from + 1, reason });
}

export const cases = [
  {
    name: 'a large publication may have tags',
    isLite: false,
    async run(t) {
      t.server.on[Type.HELLO] = (server, ws, hello) => server.sendTo(ws,
        server.welcome(hello, { limits: { max_frame_bytes: 1_000_000 } }));
      const client = await t.connected();
      const large = 'x'.repeat(200_000);
      await client.publish('room', large, { tags: filter.tags({ lang: 'es' }) });
      const { json, tags } = t.server.framesOf(Type.PUBLISH)[0].body;
      equal(json, JSON.stringify(large));
      equal(tags, [{ name: 'lang', value: 'es' }]);
    },
  },
  {
    name: 'tags go out and come in',
    isLite: false,
    async run(t) {
      const client = await t.connected();
      const { subscription } = await t.subscribed(client, 'room');
      const long = 'x'.repeat(200);
      await client.publish('room', { n: 1 },
        { tags: filter.tags({ lang: 'es', price: 5, 'größe': long }) });
      const tags = [
        { name: 'lang', value: 'es' }, { name: 'price', value: '5' },
        { name: 'größe', value: long },
      ];
      equal(t.server.framesOf(Type.PUBLISH)[0].body,
        { json: '{"n":1}', key: 1, tags });
      let got;
      subscription.on('publication', (p) => { got = p; });
      await t.server.deliver(
        t.server.publication('room', 1, { n: 'ü' }, { tags, time_ms: 300 }));
      equal(filter.tagsOf(got), { lang: 'es', price: '5', 'größe': long });
      equal([got.channel, got.removed, got.time], ['room', false, 300]);
      await t.server.deliver(t.server.publication('room', 2, 1));
      equal(filter.tagsOf(got), {});
      const many = Object.fromEntries([...'abcdefghijklmnopq'].entries());
      await rejects(
        client.publish('room', 1, { tags: filter.tags(many) }), 'TOO_BIG');
    },
  },
  {
    name: 'a filter goes out as terms in the order in which they are run',
    isLite: false,
    async run(t) {
      const client = await t.connected();
      const { and, or, not, eq, ne, oneOf, exists, prefix, lt, ge } = filter;
      await t.subscribed(client, 'room', {
        filter: and(
          oneOf('symbol', ['A', 'B']), ge('price', 100.5),
          or(not(eq('vip', true)), exists('all'), prefix('name', 'z'),
            ne('a', ''), lt('b', 0))),
        metadata: { why: 'test' },
      });
      const term = (op, tag = '', values, count = 0) =>
        ({ op, tag, ...(values && { values }), count });
      const [{ body }] = t.server.framesOf(Type.SUBSCRIBE);
      equal(body.filter, [
        term(6, 'symbol', ['A', 'B']), term(12, 'price', ['100.5']),
        term(4, 'vip', ['true']), term(3), term(7, 'all'),
        term(8, 'name', ['z']), term(5, 'a', ['']), term(9, 'b', ['0']),
        term(2, '', undefined, 5), term(1, '', undefined, 3),
      ]);
      equal(body.meta, '{"why":"test"}');
      throws(() => filter.and(), 'TypeError');
    },
  },
  {
    name: 'what a filter leaves out, or a later one replaced, moves the position ' +
      'and is told to nobody',
    async run(t) {
      const client = await t.connected();
      // The server's word counts, not what this client asked for.
      const { subscription, told } = await t.subscribed(
        client, 'room', t.isLite ? {} : { filter: filter.exists('a') });
      await t.server.deliver(
        t.server.publication('room', 1, 1),
        lagged(t.server, 'room', 2, 5, GAP.FILTERED),
        t.server.publication('room', 6, 6),
        lagged(t.server, 'room', 7, 7, GAP.SUPERSEDED));
      equal(told, [1, 6]);
      equal(subscription.position, { epoch: EPOCH_HEX, offset: 7 });
      await t.server.deliver(
        lagged(t.server, 'room', 8, 9, 6), t.server.publication('room', 10, 10));
      equal(told.slice(2).map((one) => one.gap?.reason ?? one),
        ['slow-reader', 10]);
    },
  },
  {
    name: 'a pattern hears each channel by its name, and keeps its own position',
    async run(t) {
      t.server.on[Type.SUBSCRIBE] = (server, ws, received) => server.sendTo(ws,
        server.subscribed(received, {
          epoch: EPOCH, offset: 3, wildcard: 1,
          ...(received.body.recover && { result: 2, gap: GAP.LIVE_ONLY }),
        }));
      const client = await t.connected();
      const { subscription, told } = await t.subscribed(client, 'stock.*');
      const from = [];
      subscription.on('publication', (p) =>
        from.push([p.channel, p.position.epoch, p.offset]));
      const stock = (channel, offset, epoch) => t.server.publication(
        'stock.*', offset, channel, { channel, epoch });
      await t.server.deliver(
        stock('stock.a', 7, 0xan), stock('stock.b', 2, 0xbn),
        stock('stock.a', 7, 0xcn), stock('stock.b', 1, 0xbn));
      equal(from, [
        ['stock.a', '000000000000000a', 7], ['stock.b', '000000000000000b', 2],
        ['stock.a', '000000000000000c', 7], ['stock.b', '000000000000000b', 1],
      ]);
      equal(subscription.position, { epoch: EPOCH_HEX, offset: 3 });
      await t.server.deliver(lagged(t.server, 'stock.*', 4, 9, 6));
      equal(told.at(-1).gap.reason, 'slow-reader');
      equal([told.at(-1).gap.from, told.at(-1).gap.to], [4, 9]);
      t.server.on[Type.SUBSCRIBE] = (server, ws, received) => server.sendTo(ws,
        server.subscribed(received, {
          epoch: 0xfeedn, offset: 0, wildcard: 1, result: 2, gap: GAP.LIVE_ONLY,
        }));
      t.server.cut();
      await until(() => told.at(-1).gap?.reason === 'live-only');
      await t.server.deliver(stock('stock.c', 1, 0xan));
      equal(told.at(-1), 'stock.c');
      equal(told.filter((one) => one.gap?.reason === 'epoch-changed'), []);
    },
  },
  {
    name: 'metadata are told when there are some, at a change, and to who comes ' +
      'later',
    isLite: false,
    async run(t) {
      t.server.on[Type.SUBSCRIBE] = (server, ws, received) => server.sendTo(ws,
        server.subscribed(received, { meta: '{"topic":"birds"}' }));
      const client = await t.connected();
      const first = client.subscribe('room');
      const heard = [];
      first.on('metadata', (metadata) => heard.push(metadata));
      await until(() => first.state === 'live');
      equal(heard, [{ topic: 'birds' }]);
      const second = client.subscribe('room');
      second.on('metadata', (metadata) => heard.push(['second', metadata]));
      await settled();
      const channel = t.server.number('room');
      await t.server.deliver(
        frame(Type.CHANNEL_META, { channel }, { meta: '[1]' }),
        frame(Type.CHANNEL_META, { channel }, {}));
      equal(heard, [
        { topic: 'birds' }, ['second', { topic: 'birds' }],
        [1], ['second', [1]], null, ['second', null],
      ]);
      equal(first.metadata, null);
      await client.publish('room', 1, { metadata: { topic: 'grüße' } });
      equal(t.server.framesOf(Type.PUBLISH)[0].body.meta, '{"topic":"grüße"}');
    },
  },
  {
    name: 'a map is kept from its events',
    async run(t) {
      const item = (name, offset, more = {}) => t.server.publication(
        'map', offset, `${name}${offset}`, { item: name, ...more });
      serveMap(t, (server) => [
        lagged(server, 'map', 1, 1, GAP.SUPERSEDED), item('b', 2), item('a', 3),
        live(server, 'map', 3),
      ]);
      const client = await t.connected();
      const map = new ItemMap(client.subscribe('map', { since: 'start' }));
      const heard = [];
      map.on('change', ({ item: name, value, previous }) =>
        heard.push([name, value ?? null, previous ?? null]));
      map.on('whole', ({ size }) => heard.push(size));
      await until(() => map.isWhole);
      equal(heard, [['b', 'b2', null], ['a', 'a3', null], 2]);
      heard.length = 0;
      await t.server.deliver(item('b', 4),
        item('a', 5, { json: undefined, removed: 1 }), item('c', 6),
        item('x', 7, { json: undefined, removed: 1 }));
      equal(heard, [['b', 'b4', 'b2'], ['a', null, 'a3'], ['c', 'c6', null]]);
      equal([...map], [['b', 'b4'], ['c', 'c6']]);
      equal([map.has('a'), map.size, map.get('c')], [false, 2, 'c6']);
      equal([map.position('c'), map.position('a')],
        [{ epoch: EPOCH_HEX, offset: 6 }, null]);
      map.set('c', 1, { compareItem: map.position('c') });
      map.set('a', 2, { compareItem: map.position('a') });
      await map.remove('b');
      const bodies = t.server.framesOf(Type.PUBLISH).map(({ body }) => body);
      equal(bodies.map(({ key, ...rest }) => ({ ...rest, after: undefined })), [
        { json: '1', epoch: EPOCH, offset: 6, item: 'c', compare_item: 1 },
        { json: '2', item: 'a', compare_item: 1 },
        { item: 'b', removed: 1 },
      ]);
    },
  },
  {
    name: 'an item that cannot be read stays in its map as it was told last',
    async run(t) {
      const item = (offset, more) =>
        t.server.publication('map', offset, offset, { item: 'a', ...more });
      serveMap(t, (server) => [item(1), live(server, 'map', 1)]);
      const client = await t.connected();
      const map = new ItemMap(client.subscribe('map', { since: 'start' }));
      const heard = [];
      map.on('change', ({ value, previous }) => heard.push([value, previous]));
      await until(() => map.isWhole);
      await quietly(() => t.server.deliver(item(2, { json: '{' })));
      equal([...map], [['a', 1]]);
      await t.server.deliver(item(3));
      equal(heard.slice(1), [[3, 1]]);
      equal(t.errors.map(({ name }) => name), ['SyntaxError']);
      t.errors.length = 0;
    },
  },
  {
    name: 'a map that is told anew forgets what is not told again',
    async run(t) {
      const item = (name, offset, value = offset) =>
        t.server.publication('map', offset, value, { item: name });
      serveMap(t, (server) =>
        [item('a', 1), item('b', 2), item('c', 3), live(server, 'map', 3)]);
      const client = await t.connected();
      const map = new ItemMap(client.subscribe('map', { since: 'start' }));
      const heard = [];
      await until(() => map.isWhole);
      map.on('change', ({ item: name, value, publication }) =>
        heard.push([name, value ?? null, publication !== null]));
      const resets = [];
      map.subscription.on('reset', ({ position }) => resets.push(position));
      serveMap(t, (server) =>
        [item('c', 2, 'new'), item('a', 3), live(server, 'map', 3)],
      { epoch: 0xfeedn, offset: 1, gap_from: 4 });
      t.server.cut();
      await until(() => resets.length === 1 && map.isWhole);
      equal(resets, [{ epoch: '000000000000feed', offset: 1 }]);
      equal(heard, [['c', 'new', true], ['a', 3, true], ['b', null, false]]);
      equal([...map], [['c', 'new'], ['a', 3]]);
    },
  },
  {
    name: 'a publication that does not fit is refused with its place',
    async run(t) {
      t.server.on[Type.PUBLISH] = (server, ws, { request }) => server.sendTo(ws,
        frame(Type.ERROR, { request }, {
          code: 530, message: 'must be a string', field: 'user.address[2].city',
        }));
      const client = await t.connected();
      const error = await rejects(client.publish('room', {}), 'SCHEMA_MISMATCH');
      equal([error.code, error.message, error.field],
        [530, 'must be a string', 'user.address[2].city']);
    },
  },
];
