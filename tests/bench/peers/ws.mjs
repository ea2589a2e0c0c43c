// SPDX-License-Identifier: MIT
// ws.mjs - the plain topic protocol on npm's ws, with a set of sockets for each
// topic, as its documentation shows. Run by node: ws.mjs PORT
import { createRequire } from "node:module";

const require = createRequire(process.env.GODWIT_BENCH_MODULES + "/");
const { WebSocketServer } = require("ws");

const SUBSCRIBE = 0x73;
const PUBLISH = 0x70;
const ECHO = 0x65;

const topics = new Map();

function join(ws, name) {
  let members = topics.get(name);
  if (!members) topics.set(name, (members = new Set()));
  members.add(ws);
  ws.on("close", () => members.delete(ws));
}

const server = new WebSocketServer({
  host: "127.0.0.1",
  port: Number(process.argv[2]),
  backlog: 4096,
  clientTracking: false,
  perMessageDeflate: false,
});

server.on("connection", (ws) => {
  ws.on("error", () => ws.terminate());
  ws.on("message", (message) => {
    switch (message[0]) {
      case PUBLISH: {
        const at = 2 + message[1];
        const payload = message.subarray(at);
        for (const member of topics.get(message.latin1Slice(2, at)) ?? []) {
          member.send(payload);
        }
        break;
      }
      case ECHO:
        ws.send(message.subarray(1));
        break;
      case SUBSCRIBE:
        join(ws, message.latin1Slice(1));
        ws.send("k");
        break;
    }
  });
});
