// SPDX-License-Identifier: MIT
// listen.test.mjs - where the server listens, and whom it takes its clients for:
// several addresses, IPv6, Unix sockets, proxies.

import assert from "node:assert/strict";
import fs from "node:fs";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { ask } from "./support/api.mjs";
import { Certificates, flagsOf } from "./support/certificate.mjs";
import { Client } from "./support/client.mjs";
import { get, Server, withServer } from "./support/server.mjs";
import { openWebSocket, RawWebSocket, within } from "./support/websocket.mjs";

let folder;
before(() => (folder = fs.mkdtempSync(path.join(os.tmpdir(), "godwit-l-"))));
after(() => fs.rmSync(folder, { recursive: true, force: true }));

/** The address that the server has of a connection. */
async function peerOf(server, options = {}) {
  const client = await Client.connect(server.port, { user: "who", ...options });
  const { json } = await ask(server, "connections", { user: "who" });
  await client.close();
  return json.connections[0].peer;
}

/** What is sent by a socket that says these bytes, until its end. */
function answerTo(port, ...pieces) {
  return within(8000, "an end", new Promise((resolve) => {
    const socket = net.connect(port, "127.0.0.1");
    let got = "";
    socket.on("data", (d) => (got += d));
    socket.on("error", () => {});
    socket.on("close", () => resolve(got));
    for (const piece of pieces) socket.write(piece);
  }));
}

/* ---- addresses ------------------------------------------------------------- */

test("several addresses, both families", () =>
  withServer({ args: ["--listen.public", "localhost:0, 127.0.0.2:0"] },
    async (server) => {
      assert.equal(await peerOf(server), "127.0.0.1");
      assert.equal(await peerOf(server, { host: "::1" }), "::1");
      assert.match(server.output, /serves ws:\/\/localhost:\d+\/v1\/ws and 127/);
    }));

test("IPv6 alone", () =>
  withServer({ args: ["--listen.public", "[::1]:0"] }, async (server) => {
    assert.equal(await peerOf(server, { host: "::1" }), "::1");
    assert.match(server.output, /ws:\/\/\[::1\]:/);
    await assert.rejects(get(server.port, "/"), /ECONNREFUSED/);
  }));

/* ---- Unix sockets ------------------------------------------------------------ */

test("Unix sockets, for clients and for operators", async () => {
  const unix = path.join(folder, "public"), internal = path.join(folder, "int");
  const args = ["--listen.public", `localhost:0, unix:${unix}`,
    "--listen.internal", `127.0.0.1:0, unix:${internal}`,
    "--listen.unix_mode", "0600"];
  await withServer({ args }, async (server) => {
    assert.equal(fs.statSync(unix).mode & 0o777, 0o600);
    assert.equal(await peerOf(server, { unix }), "unix");
    const clients = [];
    for (let i = 0; i < 10; i++)
      clients.push(await Client.connect(0, { unix, user: `u${i}` }));
    for (const c of clients) await c.subscribe("room:a");
    await clients[0].publish("room:a", 1);
    for (const c of clients) await c.publications(1);
    for (const c of clients) await c.close();
    const page = await get(0, "/", { socketPath: unix });
    assert.equal(page.status, 404);
    const health = await get(0, "/healthz", { socketPath: internal });
    assert.equal(health.status, 200);
  });
  assert.ok(!fs.existsSync(unix) && !fs.existsSync(internal));
});

test("a socket that was left behind is replaced, nothing else is", async () => {
  const unix = path.join(folder, "left");
  const args = ["--listen.public", `unix:${unix}`];
  const killed = await Server.start({ args });
  await killed.kill();
  assert.ok(fs.statSync(unix).isSocket());
  await withServer({ args }, async () => {
    (await openWebSocket(0, { unix })).destroy();
    const { code, log } = await Server.run(["serve", ...args,
      "--listen.internal", ""]);
    assert.equal(code, 3);
    assert.match(log, /another server listens there/);
    (await openWebSocket(0, { unix })).destroy();
  });
  fs.writeFileSync(unix, "precious");
  const { code, log } = await Server.run(["serve", ...args,
    "--listen.internal", ""]);
  assert.equal(code, 3);
  assert.match(log, /there is a file that is no socket/);
  assert.equal(fs.readFileSync(unix, "utf8"), "precious");
});

/* ---- headers of proxies -------------------------------------------------------- */

test("forwarding headers count from trusted proxies only", () =>
  withServer({ args: ["--listen.public", "localhost:0",
    "--listen.trusted_proxies", "127.0.0.1, 10.0.0.0/8"] }, async (server) => {
    const from = (headers, host) => peerOf(server, { headers, host });
    assert.equal(await from({ "X-Forwarded-For": "192.0.2.1" }), "192.0.2.1");
    assert.equal(await from({ "X-Forwarded-For": "1.1.1.1, 2001:db8::5, 10.1.2.3" }),
      "2001:db8::5");
    assert.equal(await from({ "X-Forwarded-For": "nonsense" }), "127.0.0.1");
    assert.equal(await from({ Forwarded: "for=192.0.2.1" }), "127.0.0.1");
    assert.equal(await from({ "X-Forwarded-For": "192.0.2.1" }, "::1"), "::1");
  }));

test("Forwarded, where it is what the proxy writes", () =>
  withServer({ args: ["--listen.trusted_proxies", "127.0.0.1",
    "--listen.forwarded", "forwarded"] }, async (server) => {
    const from = (headers) => peerOf(server, { headers });
    assert.equal(await from({ Forwarded: 'for="[2001:db8::1]:80";proto=https' }),
      "2001:db8::1");
    assert.equal(await from({ "X-Forwarded-For": "192.0.2.1" }), "127.0.0.1");
    const early = await get(server.port, "/", { headers: { "Early-Data": "1" } });
    assert.equal(early.status, 425);
  }));

/* ---- the PROXY protocol ---------------------------------------------------------- */

const V2 = Buffer.from("\r\n\r\n\0\r\nQUIT\n", "latin1");
function v2(command, family, rest) {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(rest.length);
  return Buffer.concat([V2, Buffer.from([command, family]), length, rest]);
}
const V4 = Buffer.from([192, 0, 2, 7, 127, 0, 0, 1, 0, 80, 31, 64]);
const V6 = Buffer.concat([Buffer.from("20010db8000000000000000000000009", "hex"),
  Buffer.alloc(20)]);
const PROXIED = ["--listen.proxy_protocol", "--listen.trusted_proxies",
  "127.0.0.1"];

test("PROXY headers of both versions tell the client", () =>
  withServer({ args: ["--listen.public", "localhost:0", ...PROXIED] },
    async (server) => {
      const by = (preface) => peerOf(server, { preface });
      assert.equal(await by("PROXY TCP4 192.0.2.1 127.0.0.1 5 8000\r\n"),
        "192.0.2.1");
      assert.equal(await by("PROXY TCP6 2001:db8::1 ::1 5 8000\r\n"),
        "2001:db8::1");
      assert.equal(await by("PROXY UNKNOWN\r\n"), "127.0.0.1");
      assert.equal(await by(v2(0x21, 0x11, V4)), "192.0.2.7");
      assert.equal(await by(v2(0x21, 0x21, V6)), "2001:db8::9");
      assert.equal(await by(v2(0x20, 0x00, Buffer.alloc(0))), "127.0.0.1");
      // Others have none, and are taken as they are.
      assert.equal(await peerOf(server, { host: "::1" }), "::1");
    }));

test("a PROXY header byte by byte, with the request behind it", () =>
  withServer({ args: PROXIED }, async (server) => {
    const ws = new RawWebSocket(server.port);
    for (const byte of v2(0x21, 0x11, V4)) {
      ws.write(Buffer.from([byte]));
      await new Promise((r) => setTimeout(r, 1));
    }
    const { status } = await ws.handshake({ protocol: "godwit.v1.json" });
    assert.equal(status, 101);
    ws.destroy();
    const answer = await answerTo(server.port,
      "PROXY TCP4 192.0.2.1 127.0.0.1 5 8000\r\nGET /none HTTP/1.1\r\n" +
      "Host: x\r\nConnection: close\r\n\r\n");
    assert.match(answer, /^HTTP\/1.1 404/);
    await server.logged(/http\.refused .*peer="?192\.0\.2\.1/);
  }));

test("what does not begin with a PROXY header is cut, and told", () =>
  withServer({ args: [...PROXIED, "--handshake.timeout", "300ms"] },
    async (server) => {
      const hostile = ["GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        "PROXY TCP4 1.1.1.1 1.1.1.1 1 99999\r\n", "PROXY TCP4 evil\r\n",
        `PROXY UNKNOWN ${"x".repeat(200)}`, v2(0x21, 0x11, V4.subarray(1)),
        v2(0x21, 0x21, Buffer.alloc(3)), v2(0x99, 0x11, V4),
        Buffer.concat([V2, Buffer.from([0x21, 0x11, 0xff, 0xff])]), "PROXY TCP4 ",
        V2.subarray(0, 5)];
      for (const bytes of hostile)
        assert.equal(await answerTo(server.port, bytes), "");
      assert.equal(await answerTo(server.port), ""); // silent
      await server.until("godwit_proxy_headers_failed_total",
        (n) => n === hostile.length);
      await server.logged(/proxy\.refused .*did not come in time/);
      assert.equal(await peerOf(server,
        { preface: "PROXY TCP4 192.0.2.1 127.0.0.1 5 8000\r\n" }), "192.0.2.1");
      // Many that say nothing keep nobody out.
      const silent = Array.from({ length: 100 }, () => {
        const socket = net.connect(server.port, "127.0.0.1");
        socket.on("error", () => {});
        return new Promise((resolve) => socket.on("close", resolve));
      });
      assert.equal(await peerOf(server, { preface: v2(0x21, 0x11, V4) }),
        "192.0.2.7");
      await within(8000, "the end of those that are silent", Promise.all(silent));
    }));

test("a PROXY header in front of TLS", async () => {
  const ours = new Certificates().make("proxied");
  await withServer({ args: [...PROXIED, ...flagsOf(ours)] }, async (server) => {
    assert.equal(await peerOf(server,
      { preface: v2(0x21, 0x11, V4), secure: { ca: ours.ca } }), "192.0.2.7");
    assert.equal(await peerOf(server, { secure: { ca: ours.ca },
      preface: "PROXY TCP6 2001:db8::1 ::1 5 8000\r\n" }), "2001:db8::1");
  });
});
