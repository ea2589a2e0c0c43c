// SPDX-License-Identifier: MIT
// routes.test.mjs - paths of one's own: what a connection gets by its path, what
// it may not, and what of its request is seen.

import assert from "node:assert/strict";
import { test } from "node:test";
import { api } from "./support/api.mjs";
import { withBackend } from "./support/backend.mjs";
import { decode, hello, nextFrame, TYPE } from "./support/binary.mjs";
import { Client } from "./support/client.mjs";
import { get, Server, withServer } from "./support/server.mjs";
import { openWebSocket, RawWebSocket } from "./support/websocket.mjs";

const ROOMS = `[{path: "/rooms/:id", channels: "room:{id}, lobby",
    namespace: room}, {path: "/halls/:id", channels: "room:{id}"},
  {path: "/rooms/main", channels: "room:first"},
  {path: "/files/*", channels: "f:{*}"}]`;

const withRoutes = (routes, fn, args = []) =>
  withServer({ args: ["--routes", routes, ...args] }, fn);

/** The answer to a handshake that has to be refused: { status, error }. */
async function refused(port, options) {
  const ws = new RawWebSocket(port);
  const { status, body } = await ws.handshake(
    { protocol: "godwit.v1.json", ...options });
  ws.destroy();
  assert.notEqual(status, 101, JSON.stringify(options));
  return { status, error: JSON.parse(body).error };
}

const HELLO = JSON.stringify({ id: 1,
  hello: { version: 1, instance: "AAECAwQFBgcICQoLDA0ODw==" } });

test("a connection gets the channels of its path, in both encodings", () =>
  withRoutes(ROOMS, async (server) => {
    const ada = await Client.connect(server.port, { path: "/rooms/42" });
    const channels = [];
    while (channels.length < 2)
      channels.push((await ada.next("serverSubscribed")).serverSubscribed.channel);
    // Each comes from the worker that owns it, in no order.
    assert.deepEqual(channels.sort(), ["lobby", "room:42"]);

    const ws = await openWebSocket(server.port,
      { path: "/rooms/42", protocol: "godwit.v1" });
    ws.send(hello());
    const told = [];
    while (told.length < 2)
      told.push(...decode(await ws.messages.next())
        .filter((f) => f.type === TYPE.SERVER_SUBSCRIBED)
        .map((f) => f.fields.get(1).toString()));
    assert.deepEqual(told.sort(),
      ["lobby", "room:42"]);

    await api(server, "publish", { channel: "room:42", json: "hi" });
    assert.deepEqual((await ada.publications(1))[0].value, "hi");
    await nextFrame(ws, TYPE.PUBLICATION);
    await ada.publish("room:42", 1);
    await nextFrame(ws, TYPE.PUBLICATION);
    ws.destroy();
    await ada.close();
  }));

test("the route that says more is taken, and parts are decoded", () =>
  withRoutes(ROOMS, async (server) => {
    const cases = { "/rooms/main": "room:first", "/halls/a%20b": "room:a b",
      "/halls/%C3%BC?x=1": "room:\u00fc", "/files/a/b%2Fc": "f:a/b/c" };
    for (const [path, channel] of Object.entries(cases)) {
      const client = await Client.connect(server.port, { path });
      const { serverSubscribed } = await client.next("serverSubscribed");
      assert.equal(serverSubscribed.channel, channel);
      await client.close();
    }
  }));

test("paths that no route fits are not found", () =>
  withRoutes(ROOMS, async (server) => {
    for (const path of ["/", "/rooms", "/rooms/", "/rooms/1/2", "/rooms/%2A",
      "/rooms/a%3Eb", "/rooms/%7Bid%7D", "/rooms/a%0Ab", "/rooms/%FF", "/files/",
      "/v1/wss", `/rooms/${"x".repeat(300)}`]) {
      const { status, error } = await refused(server.port, { path });
      // libwebsockets takes none with a control character for a path.
      assert.equal(status, path.includes("%0A") ? 400 : 404, path);
      assert.ok(error.code > 0 && error.message, path);
    }
    const long = new RawWebSocket(server.port);
    const answer = await long.handshake({ path: `/rooms/${"x".repeat(3000)}`,
      protocol: "godwit.v1" }).catch(() => ({ status: 0 }));
    assert.ok(answer.status === 0 || answer.status >= 400);
    long.destroy();
    const page = await get(server.port, "/rooms/42");
    assert.equal(page.status, 426);
    await server.logged(/ws\.refused .*status=404/);
  }));

test("a route keeps its connections to its namespace", () =>
  withRoutes(ROOMS, async (server) => {
    const client = await Client.connect(server.port, { path: "/rooms/42" });
    const outside = await client.request(
      { channel: 1, alias: true, subscribe: { channel: "news:a" } });
    assert.equal(outside.error.code, "CODE_NOT_ON_ROUTE");
    const published = await client.request(
      { publish: { channel: "other", json: "1" } });
    assert.equal(published.error.code, "CODE_NOT_ON_ROUTE");
    const history = await client.request(
      { rpc: { method: "godwit.history", json: '{"channel":"news:a"}' } });
    assert.ok(history.error, JSON.stringify(history));
    await client.subscribe("room:7");
    await client.publish("lobby", 1);
    await client.close();
    const free = await Client.connect(server.port);
    await free.subscribe("news:a");
    await free.close();
  }));

test("origins, subprotocols and names that a route demands", () =>
  withRoutes(`[{path: /app, origins: "https://app.example.org, *.dev.test:8080"},
    {path: /json, subprotocols: godwit.v1.json},
    {path: /users, anonymous: false}]`, async (server) => {
    const from = (Origin) => ({ path: "/app", headers: { Origin } });
    for (const origin of ["https://evil.org", "http://app.example.org", "null",
      "https://app.example.org.evil.org"]) {
      const { status, error } = await refused(server.port, from(origin));
      assert.deepEqual([status, error.name], [403, "BAD_ORIGIN"], origin);
    }
    for (const origin of ["https://app.example.org", "http://a.dev.test:8080"])
      (await openWebSocket(server.port, from(origin))).destroy();
    (await openWebSocket(server.port, { path: "/app" })).destroy();

    const binary = await refused(server.port,
      { path: "/json", protocol: "godwit.v1" });
    assert.equal(binary.status, 400);
    (await openWebSocket(server.port, { path: "/json" })).destroy();

    const ws = await openWebSocket(server.port, { path: "/users" });
    ws.send(HELLO);
    assert.equal((await ws.closed).code, 4301);
  }));

test("/v1/ws may be a route like others", () =>
  withRoutes(`[{path: /v1/ws, channels: news, origins: same}]`,
    async (server) => {
      const client = await Client.connect(server.port);
      const { serverSubscribed } = await client.next("serverSubscribed");
      assert.equal(serverSubscribed.channel, "news");
      await client.close();
      const { status } = await refused(server.port,
        { headers: { Origin: "http://elsewhere.org" } });
      assert.equal(status, 403);
    }));

test("the hook connect is told of the request, and nothing that is not named", () =>
  withBackend({ connect: (m) => ({ user: `u${m.request.params[0].value}` }) },
    (backend) => withRoutes(`[{path: "/users/:id", anonymous: false}]`,
      async (server) => {
        const client = await Client.connect(server.port, {
          path: "/users/7?q=a%20b&flag&q=2",
          headers: { Cookie: "sid=secret; lang=en", "X-Tenant": "acme",
            Authorization: "Bearer x", "User-Agent": "tester/1" },
        });
        assert.equal(client.welcome.user, "u7");
        const { request, who } = backend.requests[0].body;
        assert.equal(request.path, "/users/7");
        assert.equal(request.route, "/users/:id");
        assert.deepEqual(request.params, [{ name: "id", value: "7" }]);
        assert.deepEqual(request.query, [{ name: "q", value: "a b" },
          { name: "flag" }, { name: "q", value: "2" }]);
        const headers = Object.fromEntries(
          request.headers.map((h) => [h.name, h.value]));
        assert.deepEqual(headers, { host: "localhost", "x-tenant": "acme",
          cookie: "sid=secret; lang=en" });
        assert.equal(who.peer, "127.0.0.1");
        await client.close();
      }, [...backend.args("connect"), "--http.headers", "host, X-Tenant, cookie"])));

test("what handlers would see of a request has a cap", () =>
  withBackend({ connect: () => ({}) }, (backend) => withServer({
    args: [...backend.args("connect"), "--http.max_request_bytes", "256"],
  }, async (server) => {
    const { status, error } = await refused(server.port,
      { path: `/v1/ws?q=${"x".repeat(300)}` });
    assert.deepEqual([status, error.name], [431, "TOO_BIG"]);
    const client = await Client.connect(server.port);
    await client.close();
  })));

test("routes that cannot be stop the start, by name", async () => {
  const cases = [[`[{path: rooms}]`, /routes: rooms must begin with a slash/],
    [`[{path: /v1/x}]`, /\/v1\/x is below \/v1\/, which is the server's own/],
    [`[{path: /a, channels: "x:{y}"}]`, /a parameter that the path does not have/],
    [`[{path: /a, origins: "a b/c"}]`, /lists an origin that is none: b\/c/]];
  for (const [routes, told] of cases) {
    const { code, log } = await Server.run(["serve", "--routes", routes]);
    assert.equal(code, 2, routes);
    assert.match(log, told);
  }
});
