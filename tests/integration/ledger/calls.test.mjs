// SPDX-License-Identifier: MIT
// calls.test.mjs - rows R2, R4, R6 and R7 of docs/ledger.md: remote calls, what
// stands in front of them, the application's hooks, and the server API.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import os from "node:os";
import path from "node:path";
import { test } from "node:test";
import { Validator } from "@seriousme/openapi-schema-validator";
import { api, ask } from "../support/api.mjs";
import { withBackend } from "../support/backend.mjs";
import { run } from "../support/cli.mjs";
import { SECRET, sign } from "../support/jwt.mjs";
import {
  apiId, fails, GodwitError, inDevelopment, listTo, onStage, Stage, until,
} from "../support/sdk.mjs";
import { BINARY, get } from "../support/server.mjs";

test("R2 calls go both ways, end in time, and fail with what was thrown", () =>
  withBackend({
    rpc: (m) => m.method === "add" ? { json: m.json[0] + m.json[1] }
      : { refuse: { code: 906, message: `no ${m.method}` } },
  }, (backend) => inDevelopment({}, async (t) => {
    const [ann, bob] = await t.joinAll("ann", "bob");
    assert.equal(await ann.call("add", [1, 2]), 3);
    assert.equal((await fails("UNKNOWN", ann.call("dance"))).code, 906);
    const bytes = Uint8Array.of(1, 2, 255);
    assert.deepEqual(await ann.call("server.echo", bytes), bytes);
    // From client to client, and from the application to a client.
    bob.handle("greet", (data, { user }) => `${data}, ${user}`);
    bob.handle("busy", () => {
      throw new GodwitError(201, "in a while", 4000);
    });
    bob.handle("broken", () => { throw new Error("a secret of the program"); });
    bob.handle("slow", () => new Promise(() => {}));
    const to = bob.info.clientId;
    assert.equal(await ann.call("greet", "hi", { to }), "hi, ann");
    const client = apiId(to);
    const { json } = await api(t.server, "rpc",
      { client, method: "greet", json: "hello" });
    assert.equal(json, "hello, ");
    // Typed errors, with when to come again.
    const busy = await fails("OVERLOADED", ann.call("busy", 1, { to }));
    assert.deepEqual([busy.code, busy.class, busy.message, busy.retryAfterMs],
      [201, "retry-after", "in a while", 4000]);
    const broken = await fails("HANDLER_FAILED", ann.call("broken", 1, { to }));
    assert.ok(!broken.message.includes("secret"));
    assert.match(t.errors.splice(0)[0].message, /secret/);
    await fails("TIMEOUT", ann.call("slow", 1, { to, timeoutMs: 200 }));
    await fails("UNKNOWN_METHOD", ann.call("nothing", 1, { to }));
    await fails("NOT_FOUND", ann.call("greet", 1, { to: "00000000000000aa" }));
    // Bad input.
    await fails("BAD_REQUEST", ann.call("", 1));
    await fails("TOO_BIG", ann.call("add", "x".repeat(100_000)));
    const command = await run(["rpc", "add", "[3, 4]"], { server: t.server });
    assert.deepEqual([command.code, command.out.trim()], [0, "7"]);
  }, { args: backend.args("rpc") })));

test("R4 calls are let through by who calls, how often, and are counted and logged",
  () => withBackend({ rpc: (m) => ({ json: m.who.user }) }, (backend) =>
    onStage({
      env: { GODWIT_AUTH_JWT_SECRET: SECRET },
      args: backend.args("rpc"),
      config: {
        auth: { anonymous: true },
        middleware: ["access_log", "metrics"],
        limits: { rate: { rpc: "1/m burst 3" } },
      },
    }, async (t) => {
      const ann = await t.join("", { token: sign({ sub: "ann" }) });
      for (let i = 0; i < 3; i++) assert.equal(await ann.call("who"), "ann");
      const error = await fails("RATE_LIMITED", ann.call("who"));
      assert.ok(error.retryAfterMs > 0);
      assert.equal(backend.count("rpc"), 3);
      assert.equal(await t.server.metric(
        'godwit_chain_frames_total{type="RPC"}'), 4);
      await t.server.logged(/rate\.limited .*operation=rpc/);
      // Bad input: a call that its rule does not let this caller make.
      const nobody = await t.join("");
      await fails("PERMISSION_DENIED",
        nobody.call("godwit.group_create", { group: "g" }));
      ann.close();
      await t.server.logged(/info access .*user=ann/);
    })));

const ASKED = ["connect", "refresh", "subscribe", "publish", "rpc", "presence",
  "disconnect"];

test("R6 the backend is asked and told, signed, again after failures", () => {
  let failures = 2;
  return withBackend({
    connect: (m) => ({ user: `u-${m.token}`, ttlMs: "4000", channels: ["own"] }),
    refresh: (m) => ({ user: "u-t1", ttlMs: "60000" }),
    subscribe: (m) => m.channel.endsWith("shut")
      ? { refuse: { code: 911, message: "members only" } } : {},
    publish: (m) => failures-- > 0 ? { status: 503 }
      : m.json === "bad" ? { refuse: { code: 507, message: "no" } }
        : { json: `${m.json}!` },
    rpc: () => ({ json: "answered" }),
  }, (backend) => onStage({
    args: backend.args(...ASKED),
    config: { presence: { grace: 0, coalesce: 0 }, namespaces: [
      { name: "ask", allow: { subscribe: "hook", publish: "hook" } }] },
  }, async (t) => {
    let tokens = 0;
    const ann = await t.join("", { getToken: () => `t${++tokens}` });
    assert.equal(ann.info.user, "u-t1");
    const shut = await t.refused(ann, "ask:shut");
    assert.deepEqual([shut.code, shut.message], [911, "members only"]);
    const room = await t.live(ann, "ask:a");
    await ann.publish("ask:a", "hi");
    await until(() => room.told.length === 1);
    assert.deepEqual(room.told, ["hi!"]);
    assert.equal(backend.count("publish"), 3);
    await fails("PERMISSION_DENIED", ann.publish("ask:a", "bad"));
    assert.equal(await ann.call("anything"), "answered");
    room.enter("busy");
    const entered = await backend.next("presence");
    assert.deepEqual([entered.body.event, entered.body.state],
      ["enter", "busy"]);
    await until(() => backend.count("refresh") > 0, "a refresh ahead of the end");
    ann.close();
    await backend.next("disconnect");
    for (const { signed, hook, headers } of backend.requests) {
      assert.ok(signed, hook);
      assert.match(headers["godwit-delivery"], /^[0-9a-f]{32}$/);
    }
    for (const hook of ASKED) assert.ok(backend.count(hook) > 0, hook);
  }));
});

test("R6 bad input: an answer that cannot be read is none, and a dead backend rests",
  () => withBackend({ rpc: () => ({ text: '{"refuze": {}}' }) }, (backend) =>
    onStage({ args: backend.args("rpc") }, async (t) => {
      const ann = await t.join("ann");
      const error = await fails("BACKEND_DOWN", ann.call("x"));
      assert.equal(error.class, "retry-after");
      assert.ok(error.retryAfterMs > 0);
      backend.answers.rpc = () => "reset";
      for (let i = 0; i < 6; i++) await fails("BACKEND_DOWN", ann.call("x"));
      await t.server.logged(/hook\.backend_down/);
    })));

test("R7 the API is a table of methods, described by OpenAPI, over HTTP", () =>
  inDevelopment({}, async (t) => {
    const ann = await t.join("ann");
    const room = await t.live(ann, "room:a");
    const { position } = await api(t.server, "publish",
      { channel: "room:a", json: { n: 1 }, idempotencyKey: "k" });
    assert.equal(position.offset, "1");
    const again = await api(t.server, "publish",
      { channel: "room:a", json: { n: 1 }, idempotencyKey: "k" });
    assert.equal(again.duplicate, true);
    const { outcomes } = await api(t.server, "broadcast",
      { channels: ["room:a", "room:b"], json: 2 });
    assert.equal(outcomes.length, 2);
    await until(() => room.told.length === 2);
    const { body } = await get(t.server.internal, "/v1/openapi.yaml");
    const validator = new Validator();
    const { valid, errors } = await validator.validate(body);
    assert.ok(valid, JSON.stringify(errors));
    for (const method of ["publish", "broadcast", "send", "subscribe",
      "unsubscribe", "disconnect", "presence", "presence_stats", "history",
      "channels", "connections", "groups", "rpc", "info"])
      assert.ok(validator.specification.paths[`/v1/api/${method}`], method);
    const { workers } = await api(t.server, "info", {});
    assert.equal(workers.reduce((sum, w) => sum + (w.connections ?? 0), 0), 1);
    // Bad input.
    for (const [method, request, status, name] of [
      ["no_such", {}, 404, "UNKNOWN_METHOD"],
      ["publish", "{", 400, "BAD_REQUEST"],
      ["publish", { chanel: "a" }, 400, "BAD_REQUEST"],
      ["publish", { channel: "" }, 400, "BAD_CHANNEL"]]) {
      const answer = await ask(t.server, method, request);
      assert.deepEqual([answer.status, answer.json.error.name],
        [status, name], method);
    }
  }));

test("R7 the same from C, in a program that holds the server", async () => {
  const program = path.join(path.dirname(BINARY), "godwit-embed");
  const child = spawn(program, ["--listen.public", "localhost:0",
    "--listen.internal", "", "--workers", "2", "--drain.window", "0"],
  { cwd: os.tmpdir(), stdio: ["ignore", "pipe", "inherit"] });
  let out = "", code;
  child.stdout.on("data", (d) => (out += d));
  child.on("close", (c) => (code = c));
  try {
    await until(() => /^port \d+/m.test(out));
    const t = new Stage({ port: Number(/^port (\d+)/m.exec(out)[1]) });
    const ada = await t.join("ada");
    const news = await t.live(ada, "news");
    // The news comes by another worker maybe: it is not ahead of the question.
    ada.handle("how are you", async () => {
      await until(() => news.told.length > 0);
      return "fine";
    });
    // It answers calls, publishes, calls back and closes.
    await ada.call("finish", "hi");
    await until(() => code !== undefined);
    assert.equal(code, 0);
    assert.match(out, /answer "fine"/);
    t.end();
  } finally {
    child.kill("SIGKILL");
  }
});
