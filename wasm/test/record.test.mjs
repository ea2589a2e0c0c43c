// SPDX-License-Identifier: MIT
// record.test.mjs - recordings: what they hold, and what they must not.

import { test } from 'node:test';

import { Client } from '../dist/index.js';
import { Recording } from '../dist/record.js';
import { equal, ok, until } from './support/check.mjs';
import { FakeServer } from './support/fake-server.mjs';
import { frame as frameBytes, parse, Type } from './support/wire.mjs';

const frame = (...args) => Uint8Array.from(frameBytes(...args));

/** A socket that a test moves by hand. */
class HandSocket {
  static last;
  binaryType = 'blob';
  readyState = 1;
  protocol = 'godwit.v1';
  sent = [];

  constructor() {
    HandSocket.last = this;
  }

  send(data) {
    this.sent.push(data);
  }

  close() {}
}

function recorded(options = {}) {
  const recording = new Recording({ WebSocket: HandSocket, ...options });
  const socket = new recording.WebSocket('ws://ann:pw@host:1/v1/ws?token=hush#x');
  return { recording, socket, inner: HandSocket.last };
}

const linesOf = (recording) =>
  recording.text().trimEnd().split('\n').map((line) => JSON.parse(line));
const bytesOf = (text) => new Uint8Array(Buffer.from(text, 'base64'));

/** What a message of frames becomes. */
function kept(name, bytes, options) {
  const { recording, socket, inner } = recorded(options);
  if (name === 'out') socket.send(bytes);
  else inner.onmessage({ data: bytes.buffer });
  const message = bytesOf(linesOf(recording).at(-1)[name]);
  equal(message.length, bytes.length);
  return message;
}

const SECRET = 'eyJhbGciOi.secret.token';

test('tokens, the instance and what resumes are overwritten', () => {
  const sent = new Uint8Array([
    ...frame(Type.HELLO, { request: 1 }, {
      version: 1, instance: new Uint8Array(16).fill(7), token: SECRET,
      resume: new Uint8Array([1, 2, 3]), user: 'ann',
    }),
    ...frame(Type.SUBSCRIBE, { request: 2, channel: 1, flags: 1 },
      { channel: 'room', token: SECRET }),
    ...frame(Type.REFRESH, { request: 3 }, { token: SECRET }),
  ]);
  const message = kept('out', sent);
  ok(!Buffer.from(message).includes('secret'));
  const [hello, subscribe, refresh] = parse(message);
  equal(hello.body.token, '*'.repeat(SECRET.length));
  equal(hello.body.user, 'ann');
  equal([...hello.body.instance], Array(16).fill(0));
  equal(subscribe.body.channel, 'room');
  equal(subscribe.body.token, '*'.repeat(SECRET.length));
  equal(refresh.body.token, '*'.repeat(SECRET.length));
  // The client's own bytes stay as they are.
  ok(Buffer.from(sent).includes('secret'));
});

test('the URL is kept without user, query and fragment', () => {
  const before = performance.now();
  const { recording } = recorded();
  const most = Math.ceil(performance.now() - before);
  const { t, ...line } = linesOf(recording)[1];
  equal(line, { n: 1, open: 'ws://host:1/v1/ws' });
  // From the beginning of the recording, however busy the machine.
  ok(Number.isInteger(t) && t >= 0 && t <= most, `${t} of ${most} ms`);
});

test('payloads are kept, or their lengths are', () => {
  const json = '{"card":"4000 1234"}';
  const sent = frame(Type.PUBLISH, { request: 1 },
    { channel: 'room', json, meta: json, item: 'x' });
  equal(parse(kept('out', sent))[0].body.json, json);
  const [{ body }] = parse(kept('out', sent, { payloads: false }));
  equal(body.json.length, json.length);
  equal(JSON.parse(body.json), 0);
  equal(JSON.parse(body.meta), 0);
  equal([body.channel, body.item], ['room', 'x']);
  const member = { client: 1n, user: 'ann', json };
  const snapshot = kept('in', frame(Type.PRESENCE_SNAPSHOT, { channel: 1 },
    { members: [member, member] }), { payloads: false });
  ok(!Buffer.from(snapshot).includes('card'));
  equal(parse(snapshot)[0].body.members.map(({ user }) => user), ['ann', 'ann']);
});

test('what cannot be read is not kept, but for what a server sent', () => {
  const broken = new Uint8Array([40, Type.HELLO, 0, 1, 0, 1, 2, 3]);
  equal([...kept('out', broken)], Array(8).fill(0));
  equal([...kept('in', broken)], [...broken]);
  equal([...kept('in', broken, { payloads: false })], Array(8).fill(0));
  // Every cut of a good message.
  const good = frame(Type.HELLO, { request: 1 }, { token: SECRET });
  for (let end = 1; end < good.length; end++) {
    const message = kept('out', good.slice(0, end));
    ok(!/[a-z]{3}/.test(Buffer.from(message).toString('latin1')), `cut ${end}`);
  }
});

test('the oldest goes when there is too much, and that is told', () => {
  const { recording, inner } = recorded({ maxBytes: 2000 });
  for (let i = 0; i < 100; i++) {
    inner.onmessage({ data: frame(Type.PING, {}, { time: i }).buffer });
  }
  const [header, cut, ...rest] = linesOf(recording);
  equal(header.format, 'godwit-recording');
  equal(cut.n, 1);
  equal(cut.cut + rest.length, 101);
  ok(recording.text().length < 2600, `${recording.text().length} characters`);
  equal(parse(bytesOf(rest.at(-1).in))[0].body.time, 99);
  for (const t of [cut, ...rest].map((line) => line.t)) ok(t >= 0);
});

test('one message that is larger than all is told as cut', () => {
  const { recording, inner } = recorded({ maxBytes: 500 });
  inner.onmessage({ data: new ArrayBuffer(5000) });
  equal(linesOf(recording).length, 2);
  equal(linesOf(recording)[1].cut, 2);
});

test('notes, text messages and ends are lines', () => {
  const { recording, socket, inner } = recorded();
  const told = [];
  socket.onopen = () => told.push('open');
  socket.onclose = ({ code }) => told.push(code);
  inner.onopen({});
  recording.note('x'.repeat(2000));
  inner.onmessage({ data: 'text' });
  socket.close(4501, 'why');
  inner.onclose({ code: 1006, reason: '' });
  equal(told, ['open', 1006]);
  const lines = linesOf(recording).slice(2).map(({ t, ...line }) => line);
  equal(lines, [
    { n: 1, opened: 'godwit.v1' }, { note: 'x'.repeat(1000) },
    { n: 1, text: 4 }, { n: 1, close: { code: 4501, reason: 'why' } },
    { n: 1, closed: { code: 1006, reason: '' } },
  ]);
  recording.end();
  recording.note('after');
  equal(linesOf(recording).length, 1);
});

test('a client is recorded as it talks', async () => {
  const server = new FakeServer();
  const recording = new Recording({ WebSocket: server.WebSocket });
  const client = new Client('ws://fake/v1/ws', {
    WebSocket: recording.WebSocket, token: SECRET,
  });
  client.connect();
  const room = client.subscribe('room');
  await until(() => room.state === 'live');
  await room.publish('hi');
  client.free();
  const frames = linesOf(recording).filter((line) => line.out)
    .flatMap((line) => parse(bytesOf(line.out)));
  const types = frames.map(({ type }) => type);
  for (const type of [Type.HELLO, Type.SUBSCRIBE, Type.PUBLISH]) {
    ok(types.includes(type), `${type} among ${types}`);
  }
  ok(!recording.text().includes(Buffer.from(SECRET).toString('base64')));
  equal(await recording.blob().text(), recording.text());
});
