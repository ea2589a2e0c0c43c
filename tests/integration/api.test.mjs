// SPDX-License-Identifier: MIT
// api.test.mjs - the application's side: methods over HTTP, who may call them,
// subscriptions that the server begins, the document that describes it all.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import http from "node:http";
import net from "node:net";
import { test } from "node:test";
import { Validator } from "@seriousme/openapi-schema-validator";
import { api, ask } from "./support/api.mjs";
import { run } from "./support/cli.mjs";
import { Client } from "./support/client.mjs";
import { get, Server, withServer } from "./support/server.mjs";
import { within } from "./support/websocket.mjs";

test("publish, history and channels", () =>
  withServer({}, async (server) => {
    const reader = await Client.connect(server.port);
    await reader.subscribe("room:a");
    const first = await api(server, "publish",
      { channel: "room:a", json: { text: "hi" }, idempotencyKey: "k" });
    assert.equal(first.position.offset, "1");
    const again = await api(server, "publish",
      { channel: "room:a", json: { text: "hi" }, idempotencyKey: "k" });
    assert.deepEqual(again, { ...first, duplicate: true });
    assert.deepEqual(await reader.publications(1),
      [{ offset: 1, value: { text: "hi" } }]);
    const history = await api(server, "history", { channel: "room:a" });
    assert.deepEqual(history.publications[0].json, { text: "hi" });
    const list = await api(server, "channels", { prefix: "room:" });
    assert.equal(list.channels[0].subscribers, 1);
    const conflict = await ask(server, "publish",
      { channel: "room:a", json: 1, compare: { epoch: "1", offset: "1" } });
    assert.equal(conflict.status, 409);
    assert.equal(conflict.json.error.name, "CONFLICT");
    await reader.close();
  }));

test("Protocol Buffers do as well as JSON", () =>
  withServer({}, async (server) => {
    const name = Buffer.from("room:p");
    const request = Buffer.concat([
      Buffer.from([0x0a, name.length]), name, Buffer.from([0x12, 2, 0, 255])]);
    const headers = { "content-type": "application/x-protobuf" };
    const reply = await ask(server, "publish", request, { headers });
    assert.equal(reply.status, 200);
    assert.equal(reply.headers["content-type"], "application/x-protobuf");
    const { publications } = await api(server, "history",
      { channel: "room:p" });
    assert.equal(publications[0].data, "AP8=");
    const bad = await ask(server, "publish", Buffer.from([0x0a, 9]),
      { headers });
    assert.equal(bad.status, 400);
  }));

test("a broadcast has an outcome for each channel", () =>
  withServer({}, async (server) => {
    const channels = Array.from({ length: 20 }, (_, i) => `room:${i}`);
    channels.push("");
    const { outcomes } = await api(server, "broadcast",
      { channels, json: "all" });
    assert.deepEqual(outcomes.map((o) => o.channel ?? ""), channels);
    assert.equal(outcomes.filter((o) => o.position?.offset === "1").length, 20);
    assert.equal(outcomes[20].code, 509);
  }));

test("connections are listed by page, and closed", () =>
  withServer({}, async (server) => {
    const clients = [];
    for (let i = 0; i < 6; i++)
      clients.push(await Client.connect(server.port, { user: `u${i % 2}` }));
    await clients[0].subscribe("room:a");
    const seen = [];
    for (let after = "0"; ;) {
      const page = await api(server, "connections",
        { limit: 4, after, withChannels: true });
      if (!page.connections) break;
      seen.push(...page.connections);
      after = page.connections.at(-1).connection;
    }
    assert.equal(seen.length, 6);
    const mine = seen.find((c) => c.client === clients[0].welcome.client);
    assert.deepEqual(mine.channels, ["room:a"]);
    assert.equal(mine.agent, "test");
    assert.equal(mine.state, "connected");
    assert.match(mine.peer, /^(::ffff:)?127\.0\.0\.1$|^::1$/);
    assert.ok(Math.abs(Number(mine.sinceMs) - Date.now()) < 60000);

    const closed = await api(server, "disconnect",
      { user: "u1", code: 942, reason: "over" });
    assert.equal(closed.connections, 3);
    for (const i of [1, 3, 5])
      assert.equal((await clients[i].closed).code, 4942);
    assert.equal((await ask(server, "disconnect", {})).status, 400);
    await Promise.all([0, 2, 4].map((i) => clients[i].close()));
  }));

test("the server subscribes a client by itself, and ends it", () =>
  withServer({}, async (server) => {
    const client = await Client.connect(server.port, { user: "ada" });
    assert.deepEqual(await api(server, "subscribe",
      { user: "ada", channel: "news:1" }), { connections: 1 });
    const push = await client.next("serverSubscribed");
    assert.equal(push.serverSubscribed.channel, "news:1");
    await api(server, "publish", { channel: "news:1", json: "extra" });
    const { channel } = await client.next("publication");
    assert.equal(channel, push.channel);
    assert.deepEqual(await api(server, "unsubscribe",
      { user: "ada", channel: "news:1" }), { connections: 1 });
    const { unsubscribed } = await client.next("unsubscribed");
    assert.equal(unsubscribed.code, "CODE_FORCED");
    await client.close();
  }));

test("a client is called, and its answer awaited", () =>
  withServer({}, async (server) => {
    const client = await Client.connect(server.port);
    const reply = ask(server, "rpc", {
      client: client.welcome.client, method: "sum", json: [1, 2],
    });
    const call = await client.next("rpc");
    client.send({ id: call.id, rpcResult: { json: "3" } });
    assert.deepEqual((await reply).json, { json: 3 });

    const refused = ask(server, "rpc",
      { client: client.welcome.client, method: "sum" });
    const second = await client.next("rpc");
    client.send({ id: second.id, error: { code: 942, message: 'say "no"' } });
    const answer = await refused;
    assert.equal(answer.status, 422);
    assert.equal(answer.json.error.message, 'say "no"');

    const late = await ask(server, "rpc",
      { client: client.welcome.client, method: "sum", timeoutMs: 200 });
    assert.equal(late.status, 504);
    assert.equal((await ask(server, "rpc", { client: "77", method: "x" }))
      .status, 404);
    await client.close();
  }));

test("clients call what the rules of a channel let them", () =>
  withServer({
    args: ["--namespaces", "[{name: shut, allow: {history: nobody}}]"],
  }, async (server) => {
    const client = await Client.connect(server.port);
    await client.publish("room:h", 7);
    const call = (method, json) => client.request(
      { rpc: { method, json: JSON.stringify(json) } });
    const open = await call("godwit.history", { channel: "room:h" });
    assert.equal(JSON.parse(open.rpcResult.json).publications[0].json, 7);
    const shut = await call("godwit.history", { channel: "shut:h" });
    assert.equal(shut.error.code, "CODE_PERMISSION_DENIED");
    const publish = await call("godwit.publish", { channel: "room:h" });
    assert.equal(publish.error.code, "CODE_PERMISSION_DENIED");
    await client.close();
  }));

test("godwit api asks from a terminal", () =>
  withServer({ args: ["--api.keys", "k1-of-sixteen-characters"] }, async (server) => {
    const env = {
      GODWIT_API: `http://127.0.0.1:${server.internal}/`, GODWIT_KEY: "k1-of-sixteen-characters",
    };
    const info = await run(["api", "info"], { env });
    assert.equal(info.code, 0);
    assert.match(info.out, /^ {2}"server": "godwit\//m);
    const published = await run(["api", "publish", "-", "--raw"],
      { env, input: '{"channel":"room:a","json":1}' });
    assert.equal(JSON.parse(published.out).position.offset, "1");
    assert.equal(published.lines.length, 1);
    const bad = await run(["api", "publish", '{"channel":"","json":1}'],
      { env });
    assert.equal(bad.code, 1);
    assert.match(bad.err, /refused: .* \(509 BAD_CHANNEL\)/);
    const unknown = await run(["api", "info", "--key", "k2"], { env });
    assert.equal(unknown.code, 1);
    assert.match(unknown.err, /TOKEN_INVALID/);
    for (const args of [["api"], ["api", "a/b"], ["api", "info", "{}", "x"]])
      assert.equal((await run(args, { env })).code, 2);
    const nobody = await run(["api", "info", "--api", "http://127.0.0.1:1"]);
    assert.equal(nobody.code, 1);
    assert.match(nobody.err, /127\.0\.0\.1/);
  }));

const FIRST = "first-of-two-keys", SECOND = "second-of-two-keys";
const sha256 = (text) => createHash("sha256").update(text).digest("hex");

test("keys, and what is not said with one", () =>
  withServer({
    args: ["--api.keys", `${FIRST}, sha256:${sha256(SECOND)}`],
  }, async (server) => {
    for (const headers of [{ authorization: `Bearer ${SECOND}` },
      { "x-api-key": FIRST }])
      assert.equal((await ask(server, "info", {}, { headers })).status, 200);
    for (const headers of [{},
      { authorization: `Bearer ${SECOND.slice(0, -1)}` },
      { authorization: `Basic ${FIRST}` }, { "x-api-key": `${FIRST}, x` },
      { "x-api-key": `sha256:${sha256(SECOND)}` },
      { "x-api-key": "x".repeat(5000) }]) {
      const { status, json } = await ask(server, "info", {}, { headers });
      assert.equal(status, 401, JSON.stringify(headers).slice(0, 50));
      assert.equal(json.error.name, "TOKEN_INVALID");
    }
  }));

test("a page may not, unless its origin is listed", () =>
  withServer({ args: ["--api.origins", "https://admin.example.org"] },
    async (server) => {
      const from = (origin) => ask(server, "info", {}, { headers: { origin } });
      assert.equal((await from("https://evil.example.org")).status, 403);
      assert.equal((await from("null")).status, 403);
      assert.equal((await from("https://admin.example.org")).status, 200);
      const form = await ask(server, "info", "a=b",
        { headers: { "content-type": "application/x-www-form-urlencoded" } });
      assert.equal(form.status, 415);
    }));

test("requests that make no sense get a typed error", () =>
  withServer({ args: ["--api.max_request_bytes", "2KiB"] }, async (server) => {
    const cases = [
      ["dance", {}, 404, "UNKNOWN_METHOD"],
      ["publish", "{", 400, "BAD_REQUEST"],
      ["publish", { channel: "a", nonsense: 1 }, 400, "BAD_REQUEST"],
      ["publish", { channel: "" }, 400, "BAD_CHANNEL"],
      ["publish", "x".repeat(3000), 413, "TOO_BIG"],
    ];
    for (const [method, body, status, name] of cases) {
      const answer = await ask(server, method, body);
      assert.equal(answer.status, status, method);
      assert.equal(answer.json.error.name, name);
    }
    const { status, headers } = await get(server.internal, "/v1/api/info");
    assert.equal(status, 405);
    assert.equal(headers.allow, "POST");
    const chunked = await get(server.internal, "/v1/api/info", {
      method: "POST",
      headers: {
        "content-type": "application/json", "transfer-encoding": "chunked",
      },
    });
    assert.equal(chunked.status, 411);
    // A body that never comes, and a peer that goes while it is waited for.
    await new Promise((resolve) => {
      const socket = net.connect(server.internal, "127.0.0.1", () => {
        socket.write("POST /v1/api/info HTTP/1.1\r\nHost: x\r\nContent-Type: " +
          "application/json\r\nContent-Length: 10\r\n\r\n{");
        setTimeout(() => socket.destroy(), 50);
      });
      socket.on("close", resolve);
    });
    assert.equal((await ask(server, "info")).status, 200);
  }));

test("a body that drips has a time for the whole", () =>
  withServer({ args: ["--api.request_timeout", "500ms"] }, async (server) => {
    const socket = net.connect(server.internal, "127.0.0.1");
    let told = "";
    socket.on("data", (d) => (told += d));
    socket.on("error", () => {});
    socket.write("POST /v1/api/info HTTP/1.1\r\nHost: x\r\nContent-Type: " +
      "application/json\r\nContent-Length: 100000\r\n\r\n");
    const dripping = setInterval(() => socket.write(" "), 50);
    try {
      await within(9000, "the end", new Promise((resolve) =>
        socket.on("close", resolve)));
    } finally {
      clearInterval(dripping);
    }
    assert.match(told, /^HTTP\/1\.1 408 [^]*"TIMEOUT"/);
    await server.logged(/api\.refused peer=127\.0\.0\.1 status=408 why="the body took longer/);
    assert.equal((await ask(server, "info")).status, 200);
  }));

test("one connection serves many requests", () =>
  withServer({}, async (server) => {
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    const all = [];
    for (let i = 0; i < 50; i++)
      all.push(ask(server, "publish", { channel: "room:k", json: i },
        { agent }));
    const offsets = (await Promise.all(all)).map((a) =>
      a.json.position.offset);
    assert.deepEqual(offsets, offsets.map((_, i) => String(i + 1)));
    agent.destroy();
  }));

test("a request that waits at the end is answered", async () => {
  const server = await Server.start({ args: ["--drain.window", "0"] });
  const client = await Client.connect(server.port);
  const waiting = ask(server, "rpc",
    { client: client.welcome.client, method: "never" });
  await client.next("rpc");
  assert.equal(await server.stop(), 0);
  const { status, json } = await waiting;
  assert.equal(status, 502);
  assert.equal(json.error.name, "PEER_GONE");
});

test("the document is valid, and names each method", () =>
  withServer({}, async (server) => {
    const { status, headers, body } = await get(server.internal,
      "/v1/openapi.yaml");
    assert.equal(status, 200);
    assert.match(headers["content-type"], /yaml/);
    const validator = new Validator();
    const result = await validator.validate(body);
    assert.equal(result.valid, true, JSON.stringify(result.errors));
    const document = validator.specification;
    assert.equal(document.openapi, "3.0.3");
    for (const path of Object.keys(document.paths)) {
      const method = path.slice("/v1/api/".length);
      const { status: s } = await ask(server, method, "{}");
      assert.notEqual(s, 404, `${method} is described, but not there`);
      assert.ok(document.paths[path].post.description.length > 10);
    }
  }));
