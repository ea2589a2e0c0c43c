// SPDX-License-Identifier: MIT
// observe.test.mjs - health, readiness, metrics, and the log.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Client, connectMany } from "./support/client.mjs";
import { get, withServer } from "./support/server.mjs";
import { RawWebSocket } from "./support/websocket.mjs";

test("health, readiness and unknown paths answer as documented", () =>
  withServer({}, async (server) => {
    const healthy = await get(server.internal, "/healthz");
    assert.deepEqual([healthy.status, healthy.body], [200, "ok\n"]);
    assert.equal((await get(server.internal, "/readyz")).status, 200);
    const missing = await get(server.internal, "/nope");
    assert.equal(missing.status, 404);
    assert.equal(JSON.parse(missing.body).error.name, "NOT_FOUND");
    const posted = await get(server.internal, "/metrics", { method: "POST" });
    assert.equal(posted.status, 405);
    assert.equal(posted.headers.allow, "GET, HEAD");
    const many = await Promise.all(Array.from({ length: 60 },
      () => get(server.internal, "/healthz")));
    assert.ok(many.every((r) => r.status === 200));
  }));

test("metrics are well-formed and count what happened", () =>
  withServer({}, async (server) => {
    const clients = await connectMany(server.port, 5);
    for (const c of clients) await c.subscribe("room:r");
    await clients[0].publish("room:r", 1);
    for (const c of clients) await c.publications(1);

    const { status, headers, body } = await get(server.internal, "/metrics");
    assert.equal(status, 200);
    assert.match(headers["content-type"], /^text\/plain; version=0\.0\.4/);
    const lines = body.trimEnd().split("\n");
    const described = new Set();
    for (const line of lines) {
      const head = /^# (HELP|TYPE) ([a-z_]+) (.+)$/.exec(line);
      if (head) described.add(head[1] + head[2]);
      else assert.match(line, /^[a-z_]+(\{.*\})? -?[0-9.]+$/);
    }
    for (const line of lines.filter((l) => l[0] !== "#")) {
      const name = /^[a-z_]+/.exec(line)[0];
      assert.ok(described.has("HELP" + name) && described.has("TYPE" + name),
        name);
    }
    const value = (name) => Number(
      new RegExp(`^${name} (.+)$`, "m").exec(body)[1]);
    assert.equal(value("godwit_connections"), 5);
    assert.equal(value("godwit_subscriptions"), 5);
    assert.equal(value("godwit_publications_total"), 1);
    assert.equal(value("godwit_deliveries_total"), 5);
    assert.equal(value("godwit_workers"), 2);
    assert.ok(value("process_resident_memory_bytes") > 1e6);
    assert.ok(value("process_open_fds") > 5);
    assert.match(body, /^godwit_info\{version="[\d.]+",node=".+"\} 1$/m);
    await Promise.all(clients.map((c) => c.close()));
  }));

test("a flood of one event fills neither the log nor the budget of others", () =>
  withServer({}, async (server) => {
    for (let i = 0; i < 300; i++) {
      const ws = new RawWebSocket(server.port);
      await ws.handshake({ protocol: "none" });
      ws.destroy();
    }
    const client = await Client.connect(server.port);
    await client.close();
    assert.ok(server.events("ws.refused").length < 200);
    assert.equal(await server.metric("godwit_upgrades_refused_total"), 300);
    await server.logged(/ws\.refused .*suppressed=\d+/, 8000);
  }));

test("no peer can write lines of its own into the log", () =>
  withServer({}, async (server) => {
    const evil = "/x%0aerror%20fake.event%20y=1";
    assert.equal((await get(server.port, evil)).status, 404);
    const client = await Client.connect(server.port,
      { user: "a b\" c=d", hello: { agent: "x\r\nerror fake.event" } })
      .catch(() => null);
    await client?.close();
    await server.logged(/http\.refused/);
    for (const line of server.log.trimEnd().split("\n"))
      assert.match(line, /^\d{4}-[\d-]+T[\d:.]+Z (error|warn|info|debug) /);
    assert.equal(server.events("fake.event").length, 0);
  }));

test("log.format json gives an object per line", () =>
  withServer({ args: ["--log.format", "json"] }, async (server) => {
    await get(server.port, "/nope");
    await server.logged(/http\.refused/);
    for (const line of server.log.trimEnd().split("\n")) {
      const { time, level, event } = JSON.parse(line);
      assert.ok(time && level && event);
    }
  }));
