// SPDX-License-Identifier: MIT
// middleware.test.mjs - the links that are built in: the access log, metrics, rate
// limit and authentication.

import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { api } from "./support/api.mjs";
import { Client } from "./support/client.mjs";
import { SECRET, seconds, sign } from "./support/jwt.mjs";
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

// ---- rate_limit and auth -----------------------------------------------------------

test("an address has so many requests, a connection so many frames", () =>
  withServer({ args: ["--middleware", "metrics, rate_limit",
    "--rate_limit.requests", "1/m burst 6",
    "--rate_limit.frames", "1/m burst 4"] }, async (server) => {
    const client = await Client.connect(server.port);
    await client.subscribe("room:a");
    const asked = [];
    for (let i = 0; i < 4; i++)
      asked.push(await client.request({ rpc: { method: "server.time" } }));
    assert.deepEqual(asked.map((f) => f.error?.code ?? "ok"),
      ["ok", "ok", "ok", "CODE_RATE_LIMITED"]);
    assert.ok(asked[3].error.retryAfterMs > 1000);
    // Ends are free, and another connection has frames of its own.
    const { error } = await client.request({ channel: 1, alias: true,
      unsubscribe: {} });
    assert.equal(error, undefined);
    const other = await Client.connect(server.port);
    await other.publish("room:a", 1);
    for (let i = 0; i < 4; i++)
      assert.equal((await get(server.port, "/none")).status, 404);
    const { status, headers, body } = await get(server.port, "/none");
    assert.equal(status, 429);
    assert.ok(Number(headers["retry-after"]) > 1);
    assert.equal(JSON.parse(body).error.name, "RATE_LIMITED");
    const ws = new RawWebSocket(server.port);
    assert.equal((await ws.handshake({ protocol: "godwit.v1.json" })).status, 429);
    ws.destroy();
    // Whoever is in stays in.
    assert.ok(await server.metric("godwit_inspected_out_total") >= 1);
    await Promise.all([client.close(), other.close()]);
  }));

test("paths and operations are for those who are known", async () => {
  const www = path.join(folder, "www");
  fs.mkdirSync(path.join(www, "app"), { recursive: true });
  fs.writeFileSync(path.join(www, "app", "x.txt"), "private");
  fs.writeFileSync(path.join(www, "y.txt"), "public");
  await withServer({
    workers: 1, env: { GODWIT_AUTH_JWT_SECRET: SECRET },
    args: ["--middleware", "auth", "--auth.requests", "/app/* /staff",
      "--auth.frames", "rpc", "--auth.anonymous", "true",
      "--http.headers", "authorization, cookie", "--auth.cookie", "sid",
      "--static", JSON.stringify([{ path: "/", folder: www }]),
      "--routes", '[{path: /staff}]'],
  }, async (server) => {
    const token = sign({ sub: "ann" });
    const page = async (url, headers) =>
      (await get(server.port, url, { headers })).status;
    assert.equal(await page("/y.txt"), 200);
    for (const [headers, status] of [[{}, 401],
      [{ authorization: "Bearer garbage" }, 401],
      [{ authorization: `Bearer ${sign({ sub: "a", exp: seconds(-60) })}` }, 401],
      [{ authorization: `Bearer ${sign({ channel: "a" })}` }, 401],
      [{ authorization: `Bearer ${token}` }, 200],
      [{ cookie: `a=b; sid=${token}` }, 200]])
      assert.equal(await page("/app/x.txt", headers), status,
        JSON.stringify(headers));
    const { body } = await get(server.port, "/app/x.txt");
    assert.equal(JSON.parse(body).error.name, "TOKEN_INVALID");
    const upgrade = async (headers) => {
      const ws = new RawWebSocket(server.port);
      const { status } = await ws.handshake(
        { path: "/staff", protocol: "godwit.v1.json", headers });
      ws.destroy();
      return status;
    };
    assert.equal(await upgrade({}), 401);
    assert.equal(await upgrade({ Authorization: `Bearer ${token}` }), 101);
    // What was taken back opens nothing: one token, and all of a user.
    const [lost, other] = [sign({ sub: "bob", jti: "lost" }),
      sign({ sub: "bob", jti: "other" })];
    await api(server, "revoke", { token: "lost" });
    const taken = await get(server.port, "/app/x.txt",
      { headers: { authorization: `Bearer ${lost}` } });
    assert.equal(taken.status, 401);
    assert.equal(JSON.parse(taken.body).error.name, "TOKEN_REVOKED");
    assert.equal(await page("/app/x.txt", { authorization: `Bearer ${other}` }),
      200);
    await api(server, "revoke", { user: "bob" });
    assert.equal(await page("/app/x.txt", { cookie: `sid=${other}` }), 401);
    assert.equal(await upgrade({ Authorization: `Bearer ${other}` }), 401);
    const nobody = await Client.connect(server.port);
    const refused = await nobody.request({ rpc: { method: "server.time" } });
    assert.equal(refused.error.code, "CODE_PERMISSION_DENIED");
    await nobody.publish("room:a", "not forbidden");
    const ann = await Client.connect(server.port, { hello: { token } });
    assert.ok((await ann.request({ rpc: { method: "server.time" } })).rpcResult);
    await Promise.all([nobody.close(), ann.close()]);
  });
});

test("a link auth that demands nothing, or cannot, stops the start", async () => {
  const serve = (...args) => Server.run(["serve", "--listen.public",
    "localhost:0", "--listen.internal", "", "--middleware", "auth", ...args]);
  for (const [args, why] of [[[], /demands nothing/],
    [["--auth.frames", "fly"], /auth\.frames: there is no 'fly'/],
    [["--auth.requests", "/app/*"], /http\.headers has to name/],
    [["--auth.requests", "/app/*", "--http.headers", "authorization"],
      /auth\.requests: tokens are not checked/]]) {
    const { code, log } = await serve(...args);
    assert.equal(code, 2, log);
    assert.match(log, why);
  }
});

test("links that there are not, and files that cannot be, stop the start",
  async () => {
    const serve = (...args) => Server.run(["serve", "--listen.public",
      "localhost:0", "--listen.internal", "", ...args]);
    const unknown = await serve("--middleware", "access_log, acess");
    assert.equal(unknown.code, 2);
    assert.match(unknown.log, /middleware: there is no 'acess'.* compression/);
    const nowhere = await serve("--middleware", "access_log",
      "--access_log.file", path.join(folder, "no", "where"));
    assert.equal(nowhere.code, 2);
    assert.match(nowhere.log, /access_log\.file: .* cannot be written/);
  });
