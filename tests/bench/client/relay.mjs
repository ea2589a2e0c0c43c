// SPDX-License-Identifier: MIT
// relay.mjs - the servers of the row "real servers": publishes bursts to a channel of
// a Godwit server, and sends the same objects to a bare WebSocket by npm's ws, one
// by one. Ends with its input:
//
//   node relay.mjs PORT GODWIT
//
// It is asked for as the blaster is (blaster.c); the connection that asks names the
// client in its path, /control/CLIENT/WIRE/BYTES, and a bare client connects to
// /bare/BYTES. GODWIT is the address that Godwit's clients connect to.
// GODWIT_BENCH_MODULES is the folder of npm's packages.

import { createServer } from 'node:http';
import { createRequire } from 'node:module';

import { Client } from '../../../wasm/dist/index.js';
import { channelOf } from './clients.mjs';

const [port, godwit] = process.argv.slice(2);
const WebSocket = createRequire(`${process.env.GODWIT_BENCH_MODULES}/`)('ws');
const { WebSocketServer } = WebSocket;

/** burst.h and wires.h. */
const BURST = 1000;
const FIRST = 2_100_000;
const DIGITS = 7;
const WORDS = 'the godwit flies eleven thousand kilometres ';

/** The same as burst.c makes. */
function objectOf(bytes) {
  const front = `{"n":${FIRST},"text":"`;
  const words = WORDS.repeat(Math.ceil(bytes / WORDS.length));
  return `${front}${words.slice(0, bytes - front.length - 2)}"}`;
}

function putNumber(to, at, number) {
  for (let i = at + DIGITS; i-- > at; number = Math.floor(number / 10)) {
    to[i] = 48 + number % 10;
  }
}

/** The frame of a publication, as the SDK sends it. */
async function frameOf(client, sent, channel, object) {
  const from = sent.length;
  await client.publish(channel, JSON.parse(object), { atMostOnce: true });
  return sent.slice(from).find((message) => message.includes(object));
}

/** Publishes without the work of an SDK, so that the server has the CPU: a burst is
 * one message of frames that were made once, in which only the number changes. */
async function openPublisher(channel, bytes) {
  const sent = [];
  let socket;
  class Recorded extends WebSocket {
    constructor(...args) {
      super(...args);
      socket = this;
    }

    send(message) {
      sent.push(Buffer.from(message));
      super.send(message);
    }
  }
  const client = new Client(godwit, { WebSocket: Recorded });
  client.connect();
  await client.ready();
  const object = objectOf(bytes);
  const frame = await frameOf(client, sent, channel, object);
  const place = frame.indexOf(String(FIRST));
  const burst = Buffer.concat(Array(BURST).fill(frame));
  return {
    send(first) {
      for (let i = 0; i < BURST; i++) {
        putNumber(burst, i * frame.length + place, first + i);
      }
      // ws masks what it is given in place.
      WebSocket.prototype.send.call(socket, Buffer.from(burst));
    },
    close: () => client.free(),
  };
}

/** As a server on ws does it. */
function openBare(socket, bytes) {
  const { text } = JSON.parse(objectOf(bytes));
  return {
    send(first) {
      for (let n = first; n < first + BURST; n++) {
        socket.send(JSON.stringify({ n, text }));
      }
    },
  };
}

const sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false });
/** A control connection whose bare client has not come yet. */
let lonely = null;

function control(socket, sender) {
  const pair = { sender };
  let next = FIRST;
  socket.on('message', (message) => {
    for (let left = Number(message); left-- > 0; next += BURST) {
      pair.sender.send(next);
    }
  });
  socket.on('close', () => pair.sender?.close?.());
  if (sender === null) lonely = pair;
}

const server = createServer();
server.on('upgrade', async (request, stream, head) => {
  const [, kind, ...rest] = request.url.split('/');
  const accept = (then) => sockets.handleUpgrade(request, stream, head, then);
  if (kind === 'bare') {
    accept((socket) => (lonely.sender = openBare(socket, Number(rest[0]))));
    return;
  }
  const [name, wire, bytes] = rest;
  const sender = wire === 'bare'
    ? null : await openPublisher(channelOf(name), Number(bytes));
  accept((socket) => control(socket, sender));
});
server.listen(Number(port), '127.0.0.1');
process.stdin.on('end', () => process.exit()).resume();
