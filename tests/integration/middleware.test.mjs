// SPDX-License-Identifier: MIT
// middleware.test.mjs - the links that are built in: the access log and metrics.

import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { api } from "./support/api.mjs";
import { Client } from "./support/client.mjs";
import { get, Server, withServer } from "./support/server.mjs";
import { openWebSocket, RawWebSocket } from "./support/websocket.mjs";

let folder;
before(() => (folder = fs.mkdtempSync(path.join(os.tmpdir(), "godwit-m-"))));
after(() => fs.rmSync(folder, { recursive: true, force: true }));

/** Lines of a file once there are so many. */
async function linesOf(file, num, ms = 5000) {
  const deadline = Date.now() + ms;
  for (;;) {
    const text = fs.existsSync(file) ? fs.readFileSync(file, "utf8") : "";
    const lines = text.split("\n").slice(0, -1);
    if (lines.length >= num) return lines;
    if (Date.now() > deadline)
      throw new Error(`${lines.length} lines instead of ${num}:\n${text}`);
    await new Promise((r) => setTimeout(r, 10));
  }
}

test("the access log: a line for each end and each refusal, in JSON", async () => {
  const file = path.join(folder, "access.json");
  await withServer({
    args: ["--middleware", "access_log", "--access_log.file", file,
      "--access_log.format", "json", "--routes", '[{path: "/rooms/:id"}]'],
  }, async (server) => {
    const client = await Client.connect(server.port, { user: "ada",
      path: "/rooms/7?token=secret",
      headers: { "User-Agent": "tester/1", Cookie: "sid=secret",
        "X-Request-Id": "r-1" } });
    await client.close();
    const [one] = (await linesOf(file, 1)).map((l) => JSON.parse(l));
    assert.equal(one.event, "access");
    assert.equal(one.peer, "127.0.0.1");
    assert.equal(one.path, "/rooms/7");
    assert.equal(one.route, "/rooms/:id");
    assert.equal(one.user, "ada");
    assert.equal(one.agent, "tester/1");
    assert.equal(one.id, "r-1");
    assert.equal(one.tls, "no");
    assert.equal(Number(one.status), 101);
    assert.ok(Number(one.duration_ms) >= 0 && one.client && one.connection);

    const page = await get(server.port, "/none?x=secret");
    assert.equal(page.status, 404);
    const ws = new RawWebSocket(server.port);
    assert.equal((await ws.handshake({ path: "/v9", protocol: "godwit.v1" })).status,
      404);
    ws.destroy();
    const [, two, three] = (await linesOf(file, 3)).map((l) => JSON.parse(l));
    assert.equal(two.event, "access.refused");
    assert.deepEqual([Number(two.status), two.path], [404, "/none"]);
    assert.deepEqual([Number(three.status), three.path], [404, "/v9"]);

    // One that never said Hello, and one that is lost.
    (await openWebSocket(server.port)).destroy();
    const [, , , four] = (await linesOf(file, 4)).map((l) => JSON.parse(l));
    assert.equal(four.name, "LOST");
    assert.equal(four.client, undefined);
    assert.ok(!fs.readFileSync(file, "utf8").includes("secret"));
  });
});

test("the access log: text, samples, and another file on SIGHUP", async () => {
  const file = path.join(folder, "access.log");
  await withServer({
    args: ["--middleware", "access_log", "--access_log.file", file,
      "--access_log.sample", "5"],
  }, async (server) => {
    const end = async (num) => {
      for (let i = 0; i < num; i++) await (await Client.connect(server.port)).close();
    };
    await end(10);
    const lines = await linesOf(file, 2);
    assert.equal(lines.length, 2);
    assert.match(lines[0], /^\S+ info access peer=127\.0\.0\.1 status=101 /);
    assert.equal(fs.statSync(file).mode & 0o777, 0o640);
    fs.renameSync(file, `${file}.1`);
    server.signal("SIGHUP");
    const deadline = Date.now() + 5000;
    while (!fs.existsSync(file) && Date.now() < deadline)
      await new Promise((r) => setTimeout(r, 10));
    await end(5);
    assert.equal((await linesOf(file, 1)).length, 1);
    assert.equal((await linesOf(`${file}.1`, 2)).length, 2);
  });
});

test("metrics count what the chain sees", () =>
  withServer({ args: ["--middleware", "metrics"] }, async (server) => {
    const client = await Client.connect(server.port);
    await client.subscribe("room:a");
    for (let i = 0; i < 3; i++) await client.publish("room:a", i);
    await api(server, "publish", { channel: "room:a", json: "4" });
    await get(server.port, "/none");
    await client.close();
    await server.until("godwit_connection_duration_seconds_count", (n) => n === 1);
    const wanted = {
      "godwit_chain_requests_total": 2,
      'godwit_chain_refused_total{status="4xx"}': 1,
      'godwit_chain_frames_total{type="HELLO"}': 1,
      'godwit_chain_frames_total{type="SUBSCRIBE"}': 1,
      'godwit_chain_frames_total{type="PUBLISH"}': 3,
      "godwit_chain_publications_total": 4,
      "godwit_chain_connects_total": 1,
      'godwit_connection_duration_seconds_bucket{le="+Inf"}': 1,
    };
    for (const [name, value] of Object.entries(wanted))
      assert.equal(await server.metric(name), value, name);
  }));

test("without the chain there are no such counters", () =>
  withServer({}, async (server) => {
    const { body } = await get(server.internal, "/metrics");
    assert.ok(!body.includes("godwit_chain_"));
  }));

test("links that there are not, and files that cannot be, stop the start",
  async () => {
    const serve = (...args) => Server.run(["serve", "--listen.public",
      "localhost:0", "--listen.internal", "", ...args]);
    const unknown = await serve("--middleware", "access_log, acess");
    assert.equal(unknown.code, 2);
    assert.match(unknown.log, /middleware: there is no 'acess'/);
    const nowhere = await serve("--middleware", "access_log",
      "--access_log.file", path.join(folder, "no", "where"));
    assert.equal(nowhere.code, 2);
    assert.match(nowhere.log, /access_log\.file: .* cannot be written/);
  });
