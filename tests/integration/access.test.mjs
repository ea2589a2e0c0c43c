// SPDX-License-Identifier: MIT
// access.test.mjs - who may connect from where and how often: origins, rates of
// addresses, connections, users and channels, and headers that keep pages apart.

import assert from "node:assert/strict";
import http from "node:http";
import net from "node:net";
import { test } from "node:test";
import { Client } from "./support/client.mjs";
import { SECRET, sign } from "./support/jwt.mjs";
import { get, withServer } from "./support/server.mjs";
import { openWebSocket, RawWebSocket, within } from "./support/websocket.mjs";

const WITH_SECRET = { GODWIT_AUTH_JWT_SECRET: SECRET };

/** Status and body of an upgrade from a page. */
async function upgrade(server, origin, host = `localhost:${server.port}`) {
  const ws = new RawWebSocket(server.port);
  const { status, body } = await ws.handshake({
    protocol: "godwit.v1.json", headers: { Host: host, Origin: origin },
  });
  ws.destroy();
  return { status, error: status === 101 ? null : JSON.parse(body).error };
}

// ---- origins ---------------------------------------------------------------------

test("in production a page may connect to the host that it came from", () =>
  withServer({}, async (server) => {
    const here = `localhost:${server.port}`;
    for (const [origin, host, status] of [
      [`http://${here}`, here, 101],
      ["https://chat.example.org", "chat.example.org", 101],
      ["https://evil.example.org", "chat.example.org", 403],
      ["http://localhost:5173", here, 403],
      ["null", here, 403], ["file://", here, 403], ["x".repeat(400), here, 403]])
      assert.equal((await upgrade(server, origin, host)).status, status, origin);
    const { error } = await upgrade(server, "https://evil.example.org");
    assert.equal(error.name, "BAD_ORIGIN");
    assert.equal(error.code, 524);
    // Who is no page has no origin.
    await (await Client.connect(server.port)).close();
    assert.equal(await server.metric("godwit_origins_refused_total"), 6);
    await server.logged(
      /ws\.refused .*status=403 .*origin=https:\/\/evil\.example\.org/);
  }));

test("in development any page of this machine may, by list the listed", async () => {
  await withServer({ args: ["--dev"] }, async (server) => {
    for (const [origin, status] of [["http://localhost:5173", 101],
      ["http://127.0.0.1:3000", 101], ["https://evil.example.org", 403]])
      assert.equal((await upgrade(server, origin)).status, status, origin);
  });
  await withServer({
    args: ["--origins", "https://app.example.org *.example.net"],
  }, async (server) => {
    for (const [origin, status] of [["https://app.example.org", 101],
      ["https://a.b.example.net", 101], ["http://app.example.org", 403],
      [`http://localhost:${server.port}`, 403]])
      assert.equal((await upgrade(server, origin)).status, status, origin);
  });
});

test("every answer keeps pages of others away", () =>
  withServer({ args: ["--dev"] }, async (server) => {
    for (const [port, path, options] of [
      [server.port, "/", {}], [server.port, "/nothing", {}],
      [server.port, "/v1/ws", {}], [server.port, "/", { method: "POST" }],
      [server.internal, "/metrics", {}], [server.internal, "/readyz", {}]]) {
      const { headers } = await get(port, path, options);
      assert.equal(headers["x-content-type-options"], "nosniff", path);
      assert.equal(headers["referrer-policy"], "no-referrer", path);
      // What files may be used for is their site's own affair.
      const isFile = path === "/" && !options.method;
      assert.equal(headers["x-frame-options"], isFile ? undefined : "DENY");
      assert.equal(headers["cross-origin-resource-policy"],
        isFile ? undefined : "same-origin", path);
      assert.match(headers["content-security-policy"],
        /frame-ancestors 'none'/, path);
    }
    const { headers } = await get(server.port, "/");
    const again = await get(server.port, "/",
      { headers: { "if-none-match": headers.etag } });
    assert.equal(again.status, 304);
    assert.equal(again.headers["x-content-type-options"], "nosniff");
  }));

// ---- addresses ---------------------------------------------------------------------

/** The Close of a connection that is refused: { code, retryAfterMs, ... }. */
async function close(server, options) {
  const ws = await openWebSocket(server.port, options);
  for (;;) {
    const text = await ws.messages.next(5000, "a Close");
    const frame = JSON.parse(text.split("\n")[0]);
    if (frame.close) return { ...frame.close, ws: await ws.closed };
  }
}

test("an address that connects too often is told when to come back", () =>
  withServer({
    args: ["--limits.rate.connect", "2/s burst 5"],
  }, async (server) => {
    // On a slow machine some come again before the burst is used up.
    const clients = [];
    for (let isTold = false; !isTold;)
      await Client.connect(server.port).then((c) => clients.push(c), (error) => {
        assert.match(error.message, /closed: 4202/);
        isTold = true;
      });
    assert.ok(clients.length >= 5);
    const told = await close(server);
    assert.equal(told.code, "CODE_RATE_LIMITED");
    assert.ok(told.retryAfterMs > 0 && told.retryAfterMs <= 2000);
    assert.equal(told.ws.code, 4202);
    // HTTP gets the same in its own words.
    const { status, headers, body } = await get(server.port, "/");
    assert.equal(status, 429);
    assert.ok(Number(headers["retry-after"]) >= 1);
    assert.equal(JSON.parse(body).error.name, "RATE_LIMITED");
    // Those who go on are cut, which costs nothing.
    await Promise.all(Array.from({ length: 60 }, () =>
      Client.connect(server.port).then((c) => c.close(), () => {})));
    await new Promise((r) => setTimeout(r, 6000));
    clients.push(await Client.connect(server.port));
    assert.ok(await server.metric("godwit_addresses_cut_total") > 0);
    await server.logged(/address\.limited .*RATE_LIMITED/);
    await Promise.all(clients.map((c) => c.close()));
  }));

test("an address has so many connections and no more", () =>
  withServer({
    args: ["--limits.connections_per_address", "3"],
  }, async (server) => {
    const clients = [];
    for (let i = 0; i < 3; i++) clients.push(await Client.connect(server.port));
    const told = await close(server);
    assert.equal(told.code, "CODE_CONNECTION_LIMIT");
    assert.equal(told.ws.code, 4205);
    // Sockets that say nothing are connections, too.
    const silent = Array.from({ length: 40 }, () => {
      const socket = net.connect(server.port, "localhost");
      socket.on("error", () => {});
      return socket;
    });
    await server.until("godwit_addresses_cut_total", (n) => n > 0);
    for (const socket of silent) socket.destroy();
    await clients.pop().close();
    await server.until("godwit_sockets", (n) => n === 2);
    clients.push(await Client.connect(server.port));
    await Promise.all(clients.map((c) => c.close()));
    await server.until("godwit_addresses", (n) => n === 0);
  }));

test("behind a proxy the address is the one that its header names", () =>
  withServer({
    args: ["--limits.connections_per_address", "1",
      "--listen.proxy_protocol", "--listen.trusted_proxies", "127.0.0.1,::1"],
  }, async (server) => {
    const by = (address) => Client.connect(server.port,
      { preface: `PROXY TCP4 ${address} 127.0.0.1 5 8000\r\n` });
    const one = await by("192.0.2.1"), two = await by("192.0.2.2");
    await assert.rejects(by("192.0.2.1"), /closed: 4205/);
    await one.close();
    await server.until("godwit_addresses", (n) => n === 1);
    await (await by("192.0.2.1")).close();
    await two.close();
    await server.until("godwit_addresses", (n) => n === 0);
  }));

test("a kept HTTP connection is counted once, and forgotten at its end", () =>
  withServer({
    args: ["--dev", "--limits.connections_per_address", "2"],
  }, async (server) => {
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    for (let i = 0; i < 10; i++)
      assert.equal((await get(server.port, "/", { agent })).status, 200);
    assert.equal(await server.metric("godwit_addresses"), 1);
    agent.destroy();
    await server.until("godwit_addresses", (n) => n === 0);
  }));

// ---- connections, users, channels -----------------------------------------------------

test("rates of a connection are kept, and told", () =>
  withServer({
    args: ["--limits.rate.publish", "5/s burst 3", "--limits.rate.rpc",
      "1/s burst 1"],
  }, async (server) => {
    const client = await Client.connect(server.port);
    assert.equal(client.welcome.limits.publishPerSecond, 5);
    const answers = await Promise.all(Array.from({ length: 5 }, (_, i) =>
      client.request({ publish: { channel: "room:a", json: `${i}` } })));
    assert.deepEqual(answers.map((a) => a.error?.code ?? "ok"),
      ["ok", "ok", "ok", "CODE_RATE_LIMITED", "CODE_RATE_LIMITED"]);
    assert.ok(answers[4].error.retryAfterMs > 0);
    await client.request({ rpc: { method: "server.time" } });
    const { error } = await client.request({ rpc: { method: "server.time" } });
    assert.equal(error.code, "CODE_RATE_LIMITED");
    await new Promise((r) => setTimeout(r, error.retryAfterMs + 50));
    assert.ok((await client.request({ rpc: { method: "server.time" } }))
      .rpcResult);
    assert.equal(await server.metric("godwit_rate_limited_total"), 3);
    await server.logged(/rate\.limited .*of=connection operation=publish/);
    await client.close();
  }));

test("a user's rate and connections are those of all workers together", () =>
  withServer({
    workers: 3, env: WITH_SECRET,
    args: ["--limits.connections_per_user", "4", "--limits.over_user_limit",
      "close-oldest", "--limits.rate.user", "1/m burst 12"],
  }, async (server) => {
    const connect = (sub) =>
      Client.connect(server.port, { hello: { token: sign({ sub }) } });
    const clients = [];
    for (let i = 0; i < 4; i++) clients.push(await connect("ada"));
    const bob = await connect("bob");
    let done = 0;
    for (const client of clients) {
      for (let i = 0; i < 15; i++) {
        const { error } = await client.request({ rpc: { method: "server.time" } });
        if (!error) done++;
      }
    }
    assert.ok(done >= 3 && done <= 12, `${done}`);
    assert.ok((await bob.request({ rpc: { method: "server.time" } })).rpcResult);
    clients.push(await connect("ada"));
    const { code } = await within(5000, "the end of the oldest",
      clients[0].closed);
    assert.equal(code, 4523);
    assert.equal(
      await server.metric("godwit_user_connections_displaced_total"), 1);
    await Promise.all([bob, ...clients.slice(1)].map((c) => c.close()));
  }));

test("a channel's rate holds for all its publishers together", () =>
  withServer({
    args: ["--namespaces", "[{name: slow, channel: {rate: 2/s burst 4}}]"],
  }, async (server) => {
    const [a, b] = [await Client.connect(server.port),
      await Client.connect(server.port)];
    const publish = (client, channel) =>
      client.request({ publish: { channel, json: "1" } });
    const answers = [];
    for (let i = 0; i < 4; i++)
      answers.push(await publish(a, "slow:x"), await publish(b, "slow:x"));
    const refused = answers.filter((f) => f.error);
    assert.ok(refused.length >= 3 && refused.length <= 4);
    assert.equal(refused[0].error.code, "CODE_RATE_LIMITED");
    assert.ok(refused[0].error.retryAfterMs > 0);
    assert.ok((await publish(a, "slow:y")).published);
    assert.ok((await publish(a, "fast")).published);
    await Promise.all([a.close(), b.close()]);
  }));
