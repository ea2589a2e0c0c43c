// SPDX-License-Identifier: MIT
// bun.mjs - the plain topic protocol on Bun's WebSocket server and its own
// publish/subscribe (uWebSockets inside). Run by bun: bun.mjs PORT [CERT KEY]
const SUBSCRIBE = 0x73;
const PUBLISH = 0x70;
const ECHO = 0x65;
const OK = Buffer.from("k");
const [port, cert, key] = process.argv.slice(2);

const server = Bun.serve({
  hostname: "127.0.0.1",
  port: Number(port),
  tls: cert ? { cert: Bun.file(cert), key: Bun.file(key) } : undefined,
  fetch(request, bun) {
    return bun.upgrade(request) ? undefined : new Response(null, { status: 426 });
  },
  websocket: {
    perMessageDeflate: false,
    message(ws, message) {
      switch (message[0]) {
        case PUBLISH: {
          const at = 2 + message[1];
          server.publish(message.latin1Slice(2, at), message.subarray(at));
          break;
        }
        case ECHO:
          ws.send(message.subarray(1));
          break;
        case SUBSCRIBE:
          ws.subscribe(message.latin1Slice(1));
          ws.send(OK);
          break;
      }
    },
  },
});
