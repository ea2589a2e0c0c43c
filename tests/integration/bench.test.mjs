// SPDX-License-Identifier: MIT
// bench.test.mjs - `godwit bench` against a real server.

import assert from "node:assert/strict";
import crypto from "node:crypto";
import http from "node:http";
import net from "node:net";
import { test } from "node:test";
import { Command, run } from "./support/cli.mjs";
import { Client } from "./support/client.mjs";
import { withServer } from "./support/server.mjs";

test("bench reconciles what it sent with what was delivered", () =>
  withServer({}, async (server) => {
    for (const load of [["--rate", "50"], ["--window", "8"]]) {
      const { code, err, lines } = await run(["bench", "--json", "--connections", "20",
        "--channels", "4", "--duration", "500ms", ...load], { server });
      assert.equal(code, 0, err);
      const told = JSON.parse(lines[0]);
      assert.equal(told.connections, 24);
      assert.ok(told.sent > 0);
      assert.equal(told.acked, told.sent);
      assert.equal(told.delivered, told.sent * 5);
      assert.ok(told.p50_ms <= told.p99_ms && told.p99_ms <= told.max_ms);
    }
  }));

test("bench looks at a server's process, and enters a presence", () =>
  withServer({}, async (server) => {
    const { code, out, err } = await run(["bench", "--presence", "--duration", "300ms",
      "--connections", "10", "--pid", String(process.pid)], { server });
    assert.equal(code, 0, err);
    assert.match(out, /all acknowledged/);
    assert.match(out, /none lost, none repeated/);
    assert.match(out, /us of CPU a delivery/);
  }));

test("bench that is interrupted tells what it saw until then", () =>
  withServer({}, async (server) => {
    const command = new Command(["bench", "--duration", "60s"], { server });
    await command.until((c) => c.err.includes("deliveries/s"));
    command.signal("SIGINT");
    assert.equal(await command.end(), 0);
    assert.match(command.out, /none lost/);
  }));

test("bench fails when somebody else publishes to its channels", () =>
  withServer({}, async (server) => {
    const client = await Client.connect(server.port);
    const command = new Command(["bench", "--duration", "60s", "--channel", "ours"],
      { server });
    await command.until((c) => c.err.includes("deliveries/s"));
    await client.publish("ours-0", 1);
    assert.equal(await command.end(), 1);
    assert.match(command.err, /instead of/);
    await client.close();
  }));

test("after a storm everybody is live again, with all that was missed", () =>
  withServer({}, async (server) => {
    const { code, err, lines } = await run(["bench", "--json", "--connections", "300",
      "--channels", "10", "--storm", "100"], { server });
    assert.equal(code, 0, err);
    const told = JSON.parse(lines[0]);
    assert.equal(told.recovered, 300 * 100);
    assert.ok(told.p50_s <= told.p99_s && told.p99_s <= told.seconds);
    assert.equal(await server.metric("godwit_recoveries_total"), 300);
    assert.equal(await server.metric("godwit_recovered_publications_total"), 30000);
    assert.equal(await server.metric("godwit_gaps_total"), 0);
    await server.until("godwit_sockets", (n) => n === 0);
  }));

test("a storm finds out that the history was too short", () =>
  withServer({ args: ["--history.size", "50"] }, async (server) => {
    const { code, err } = await run(["bench", "--connections", "20", "--channels", "2",
      "--storm", "100"], { server });
    assert.equal(code, 1);
    assert.match(err, /cannot be recovered from 0: a gap; does history\.size/);
  }));

test("bench says what is wrong with a command line or an address", () =>
  withServer({}, async (server) => {
    const wrong = [
      [["bench", "--rate", "1", "--window", "1"], 2, /exclude each other/],
      [["bench", "--rate", "1", "--storm", "9"], 2, /exclude each other/],
      [["bench", "--storm", "70000"], 1, /more are missed/],
      [["bench", "more"], 2, /more/],
      [["bench", "--size", "8"], 1, /32 bytes/],
      [["bench", "--url", "http://localhost/"], 1, /ws:\/\/ or wss:/],
      [["bench", "--url", "wss://127.0.0.1:1/", "--ca", "/dev/null"], 1, /--ca/],
      [["bench", "--url", "ws://127.0.0.1:1/"], 1, /refused/],
    ];
    for (const [args, expected, pattern] of wrong) {
      const { code, err } = await run(args, { server });
      assert.equal(code, expected, err);
      assert.match(err, pattern);
    }
  }));

test("bench tells what a server refuses", async () => {
  for (const [args, pattern] of [
    [["--allow.subscribe", "nobody"], /Subscribe: PERMISSION_DENIED/],
    [["--allow.publish", "nobody"], /Publish: PERMISSION_DENIED/],
    [["--limits.rate.publish", "10/s"],
      /the server allows 10 publications a second of one connection/],
    [["--auth.jwt.secret", "a secret of more than 32 characters"],
      /the server closed a connection: TOKEN_INVALID/],
  ])
    await withServer({ args }, async (server) => {
      const { code, err } = await run(["bench", "--connections", "2", "--rate", "50",
        "--duration", "5s"], { server });
      assert.equal(code, 1, err);
      assert.match(err, pattern);
    });
});

/* ---- servers that are none of ours -------------------------------------------------------- */

/** Run a load against a server that does as `serve` says with each socket. */
async function against(listener, pattern) {
  await new Promise((r) => listener.listen(0, "127.0.0.1", r));
  const url = `ws://127.0.0.1:${listener.address().port}/`;
  try {
    const { code, out, err } = await run(["bench", "--url", url, "--connections", "1",
      "--duration", "5s"]);
    assert.equal(code, 1, err);
    assert.match(err, pattern);
    assert.doesNotMatch(out + err, /Sanitizer/);
  } finally {
    listener.close();
  }
}

/** A server that upgrades, and then does as `speak` says. */
const speaker = (speak) => http.createServer().on("upgrade", (request, socket) => {
  const accept = crypto.createHash("sha1").update(
    `${request.headers["sec-websocket-key"]}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
    .digest("base64");
  socket.on("error", () => {});
  socket.write("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n" +
    `Connection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n` +
    "Sec-WebSocket-Protocol: godwit.v1\r\n\r\n");
  speak(socket);
});

/** A WebSocket frame: the byte with the opcode, and a short payload. */
const frame = (first, payload) => {
  const bytes = Buffer.from(payload);
  return Buffer.concat([Buffer.from([first, bytes.length]), bytes]);
};

test("bench tells what a server does that speaks another protocol", async () => {
  const says = (...parts) => speaker((socket) => parts.forEach((p) => socket.write(p)));
  await against(http.createServer().on("upgrade", (_, socket) =>
    socket.end("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")),
  /the WebSocket was refused: HTTP\/1\.1 403 Forbidden/);
  await against(net.createServer((socket) => {
    socket.on("error", () => {});
    socket.write(`HTTP/1.1 101 Yes\r\nX: ${"x".repeat(20000)}`);
  }), /the answer to the upgrade has no end/);
  await against(net.createServer((socket) => socket.destroy()),
    /the server hung up|Connection reset/);
  await against(speaker((socket) => socket.end()), /the server hung up/);
  await against(says(frame(0x88, "\x03\xF5busy".split("").map((c) => c.charCodeAt(0)))),
    /the server closed it: 1013 busy/);
  await against(says(frame(0x88, "")), /the server closed it: 1005/);
  await against(says(frame(0x02, "ab")), /in several frames/);
  await against(says(frame(0x82, [9, 1, 2])),
    /a message does not consist of whole frames/);
  await against(says(Buffer.from([0x82, 127, 0, 0, 0, 1, 0, 0, 0, 0]), Buffer.alloc(8e6)),
    /larger than what is read here/);
});

/** Of the real kind, as a proxy in between may send them. */
test("bench answers the pings of a WebSocket", async () => {
  await against(speaker((socket) => {
    socket.write(frame(0x8A, "nobody asked"));
    socket.write(frame(0x89, "are you there"));
    let got = Buffer.alloc(0);
    socket.on("data", (data) => {
      got = Buffer.concat([got, data]);
      const at = got.indexOf(Buffer.from([0x8A, 0x80 | 13]));
      if (at < 0 || got.length < at + 19) return;
      const mask = got.subarray(at + 2, at + 6);
      const text = Buffer.from(got.subarray(at + 6, at + 19)
        .map((byte, i) => byte ^ mask[i % 4])).toString();
      socket.end(frame(0x88, [0x03, 0xE8, ...Buffer.from(text)]));
    });
  }), /the server closed it: 1000 are you there/);
});
