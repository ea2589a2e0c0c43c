// SPDX-License-Identifier: MIT
// events.mjs - named events: patterns, the way along places, the client's own.

import { everywhere, Events } from '../../dist/events.js';
import { equal, throws, until } from '../support/check.mjs';
import { frame, Type } from '../support/wire.mjs';

/** A client with the events of a channel, and what sends it some. */
async function listening(t, channel = 'chat:1') {
  const client = await t.connected();
  const events = new Events(client);
  const subscription = client.subscribe(channel);
  const room = events.channel(subscription);
  await until(() => subscription.state === 'live');
  let offset = 0;
  const event = (name, value = 1) => t.server.publication(channel, ++offset,
    value, { tags: [{ name: 'event', value: name }] });
  const plain = () => t.server.publication(channel, ++offset, 'plain');
  return { client, events, room, subscription, event, plain };
}

export const cases = [
  {
    name: 'handlers are told by patterns of names',
    async run(t) {
      const { room, event, plain } = await listening(t);
      const heard = [];
      for (const pattern of ['a.b', 'a.*', 'a.>', '>', '*', '*.b.*', '$x']) {
        room.on(pattern, ({ name }) => heard.push(`${pattern} ${name}`));
      }
      await t.server.deliver(event('a.b'), event('a.b.c'), plain(), event('a'),
        event('$x'), event('$subscription.live'));
      equal(heard, [
        'a.b a.b', 'a.* a.b', 'a.> a.b', '> a.b',
        'a.> a.b.c', '> a.b.c', '*.b.* a.b.c', '> a', '* a',
      ]);
      for (const bad of ['', 'a.', '.a', 'a..b', '>.a']) {
        throws(() => room.on(bad, () => {}), 'TypeError');
      }
    },
  },
  {
    name: 'an event goes down to its channel and up again, until it is stopped',
    async run(t) {
      const { events, room, event } = await listening(t);
      const heard = [];
      const places = {
        room, space: events.namespace('chat'), client: events, everywhere,
        other: events.namespace('news'),
      };
      const ends = [];
      let stopAt = '';
      for (const [place, node] of Object.entries(places)) {
        for (const capture of [false, true]) {
          const at = `${capture ? 'down' : 'up'} ${place}`;
          ends.push(node.on('x', (e) => {
            heard.push(at);
            if (stopAt === at) e.stopPropagation();
            if (stopAt === `${at}!`) e.stopImmediatePropagation();
          }, { capture }));
          ends.push(node.on('x', () => heard.push(`${at} 2`), { capture }));
        }
      }
      const way = ['down everywhere', 'down client', 'down space', 'down room',
        'up room', 'up space', 'up client', 'up everywhere'];
      const whole = way.flatMap((at) => [at, `${at} 2`]);
      await t.server.deliver(event('x'));
      equal(heard.splice(0), whole);
      for (const [i, at] of way.entries()) {
        stopAt = at;
        await t.server.deliver(event('x'));
        equal(heard.splice(0), whole.slice(0, 2 * i + 2), at);
        stopAt = `${at}!`;
        await t.server.deliver(event('x'));
        equal(heard.splice(0), whole.slice(0, 2 * i + 1), stopAt);
      }
      for (const end of ends) end();
      await t.server.deliver(event('x'));
      equal(heard, []);
    },
  },
  {
    name: 'a handler is told once, or taken away while it runs',
    async run(t) {
      const { room, event } = await listening(t);
      const heard = [];
      room.on('x', () => heard.push('once'), { once: true });
      const end = room.on('x', () => { heard.push('ends'); end(); });
      room.on('x', ({ data, channel, publication }) =>
        heard.push([data, channel, publication.offset]));
      await t.server.deliver(event('x', { n: 1 }), event('x', 2));
      equal(heard, ['once', 'ends', [{ n: 1 }, 'chat:1', 1], [2, 'chat:1', 2]]);
    },
  },
  {
    name: 'what the client itself tells goes the same way',
    async run(t) {
      const { events, room, subscription } = await listening(t, 'plain');
      const heard = [];
      events.on('$connection.>', ({ name, data }) =>
        heard.push([name, data.to]));
      events.namespace('').on('$subscription.*', ({ name, channel }) =>
        heard.push([name, channel]));
      everywhere.on('>', ({ name }) => heard.push(name));
      t.server.cut();
      await until(() => subscription.state === 'live' &&
        heard.some(([name]) => name === '$subscription.live'));
      const names = heard.map(([name]) => name);
      for (const name of ['$connection.waiting', '$connection.ready',
        '$subscription.subscribing', '$subscription.live']) {
        equal(names.includes(name), true, name);
      }
      equal(heard.find(([name]) => name === '$connection.ready')[1], 'ready');
      equal(heard.find(([name]) => name === '$subscription.live')[1], 'plain');
      equal(events.channel(subscription) === room, true);
      events.end();
      heard.length = 0;
      t.server.cut();
      await until(() => subscription.state !== 'live');
      await until(() => subscription.state === 'live');
      equal(heard, []);
    },
  },
  {
    name: 'a place that was ended is made anew, and goes with its subscription',
    async run(t) {
      const { events, room, subscription, event } = await listening(t);
      const heard = [];
      room.end();
      const again = events.channel(subscription);
      again.on('x', ({ name }) => heard.push(name));
      again.on('$subscription.*', ({ name }) => heard.push(name));
      await t.server.deliver(event('x'));
      equal(heard, ['x']);
      equal(events.channel(subscription) === again, true);
      subscription.unsubscribe();
      await until(() => heard.length === 2);
      equal(heard[1], '$subscription.ended');
      // Nobody keeps it: else a page would keep each room that it was in.
      equal(events.channel(subscription) === again, false);
    },
  },
  {
    name: 'a message to the client is an event of its connection',
    async run(t) {
      const { events, room } = await listening(t);
      const heard = [];
      const note = ({ name, data, channel, publication, message }) =>
        heard.push([name, data, channel, publication, message.user]);
      events.on('hi', note);
      events.on('$x', note);
      room.on('hi', note);
      everywhere.on('>', ({ name }) => heard.push(name), { capture: true });
      const message = (body) => t.server.deliver(frame(Type.MESSAGE, {}, body));
      await message({ client: 1n, user: 'ann', to: 3, event: 'hi', json: '7' });
      await message({ client: 1n, user: 'ann', to: 3, event: '$x', json: '7' });
      await message({ client: 1n, user: 'ann', to: 3, json: '7' });
      equal(heard, ['hi', ['hi', 7, null, null, 'ann']]);
    },
  },
  {
    name: 'an event is published as a tag',
    async run(t) {
      const { room } = await listening(t);
      await room.emit('message.sent', { text: 'hi' },
        { tags: { lang: 'es' }, item: 'm1' });
      const [{ body }] = t.server.framesOf(Type.PUBLISH);
      equal([body.json, body.item], ['{"text":"hi"}', 'm1']);
      equal(body.tags, [{ name: 'lang', value: 'es' },
        { name: 'event', value: 'message.sent' }]);
    },
  },
];
