// SPDX-License-Identifier: MIT
// hooks.test.mjs - the application's backend is asked and told, and whatever it
// does, the server goes on.

import assert from "node:assert/strict";
import { test } from "node:test";
import { api } from "./support/api.mjs";
import { withBackend } from "./support/backend.mjs";
import { Client } from "./support/client.mjs";
import { withServer } from "./support/server.mjs";
import { openWebSocket } from "./support/websocket.mjs";

/** Where the rules leave it to the hooks. */
const HOOKED = ["--namespaces",
  "[{name: ask, allow: {subscribe: hook, publish: hook, history: hook}}]"];

/** A server with a backend. */
function together(answers, use, fn, args = []) {
  const rules = use === ALL ? HOOKED : [];
  return withBackend(answers, (backend) =>
    withServer({ args: [...backend.args(...use), ...rules, ...args] },
      (server) => fn(server, backend)));
}

const ALL = ["connect", "refresh", "subscribe", "publish", "rpc", "disconnect",
  "presence"];

test("connect: who it is, what goes with it, and its channels", () =>
  together({
    connect: (m) => ({
      user: "u-" + m.token, info: { role: "admin" }, ttlMs: "60000",
      channels: ["news:all"],
    }),
  }, ALL, async (server, backend) => {
    const client = await Client.connect(server.port,
      { user: "claimed", hello: { token: "t7" } });
    assert.equal(client.welcome.user, "u-t7");
    assert.ok(Number(client.welcome.tokenTtlMs) > 50000);
    const push = await client.next("serverSubscribed");
    assert.equal(push.serverSubscribed.channel, "news:all");
    const { body, signed, headers } = backend.requests[0];
    assert.ok(signed);
    assert.equal(body.who.user, "claimed");
    assert.equal(body.who.client, client.welcome.client);
    assert.equal(body.agent, "test");
    assert.match(headers["godwit-delivery"], /^[0-9a-f]{32}$/);
    await client.close();
  }));

test("connect: a refusal is told with its code", () =>
  together({
    connect: () => ({ refuse: { code: 942, message: "not today" } }),
  }, ["connect"], async (server) => {
    const ws = await openWebSocket(server.port);
    ws.send(JSON.stringify({ id: 1,
      hello: { version: 1, instance: "AAECAwQFBgcICQoLDA0ODw==" } }));
    const { code, reason } = await ws.closed;
    assert.equal(code, 4942);
    assert.equal(reason, "not today");
  }));

test("subscribe and publish: allowed, refused, replaced", () =>
  together({
    subscribe: (m) => m.channel.endsWith("shut")
      ? { refuse: { message: "members only" } } : {},
    publish: (m) => m.json === "bad" ? { refuse: { code: 507 } }
      : m.json === "loud" ? { json: "quiet" } : {},
  }, ALL, async (server, backend) => {
    const client = await Client.connect(server.port);
    await client.subscribe("ask:open");
    const shut = await client.request(
      { channel: 9, alias: true, subscribe: { channel: "ask:shut" } });
    assert.equal(shut.error.code, "CODE_PERMISSION_DENIED");
    assert.equal(shut.error.message, "members only");
    await client.publish("ask:open", "plain");
    await client.publish("ask:open", "loud");
    const bad = await client.request(
      { publish: { channel: "ask:open", json: '"bad"' } });
    assert.equal(bad.error.code, "CODE_PERMISSION_DENIED");
    assert.deepEqual((await client.publications(2)).map((p) => p.value),
      ["plain", "quiet"]);
    const { body } = backend.requests.find((r) => r.hook === "subscribe");
    assert.equal(body.action, "subscribe");
    await client.publish("room:free", 1); /* no rule asks about this one */
    assert.equal(backend.count("publish"), 3);
    await client.close();
  }));

test("rpc: results, errors, and what the server knows itself", () =>
  together({
    rpc: (m) => m.method === "sum"
      ? { json: m.json.reduce((a, b) => a + b, 0) }
      : { refuse: { code: 906, message: "no " + m.method,
        retryAfterMs: 1500 } },
  }, ["rpc"], async (server, backend) => {
    const client = await Client.connect(server.port, { user: "ada" });
    const sum = await client.request({ rpc: { method: "sum", json: "[1,2,3]" } });
    assert.equal(sum.rpcResult.json, "6");
    assert.equal(backend.requests[0].body.who.user, "ada");
    const no = await client.request({ rpc: { method: "dance" } });
    assert.equal(no.error.message, "no dance");
    assert.equal(no.error.code, 906);
    assert.equal(no.error.retryAfterMs, 1500);
    const echo = await client.request({ rpc: { method: "server.echo", data: "AA==" } });
    assert.equal(echo.rpcResult.data, "AA==");
    const unknown = await client.request({ rpc: { method: "godwit.dance" } });
    assert.equal(unknown.error.code, "CODE_UNKNOWN_METHOD");
    assert.equal(backend.requests.length, 2);
    await client.close();
  }));

test("refresh: a new token, of the same user only", () =>
  together({
    connect: () => ({ user: "ada", ttlMs: "60000" }),
    refresh: (m) => m.token === "good" ? { user: "ada", ttlMs: "90000" }
      : m.token === "other" ? { user: "eve" } : { refuse: { code: 301 } },
  }, ["connect", "refresh"], async (server) => {
    const client = await Client.connect(server.port);
    const good = await client.request({ refresh: { token: "good" } });
    assert.equal(good.refreshed.tokenTtlMs, "90000");
    const other = await client.request({ refresh: { token: "other" } });
    assert.equal(other.error.code, "CODE_PERMISSION_DENIED");
    const bad = await client.request({ refresh: { token: "bad" } });
    assert.equal(bad.error.code, "CODE_TOKEN_INVALID");
    await client.close();
  }));

test("disconnect and presence are told, also after failures", () => {
  let failures = 3;
  return together({
    disconnect: () => failures-- > 0 ? { status: 500 } : {},
  }, ["disconnect", "presence"], async (server, backend) => {
    const client = await Client.connect(server.port, { user: "ada" });
    await client.subscribe("room:p");
    await client.request(
      { channel: 1, alias: true, presenceSet: { state: "busy", json: "7" } });
    const enter = await backend.next("presence");
    assert.equal(enter.body.event, "enter");
    assert.equal(enter.body.state, "busy");
    assert.equal(enter.body.json, 7);
    assert.equal(enter.body.first, true);
    assert.equal(enter.body.channel, "room:p");
    await api(server, "disconnect", { user: "ada", code: 942 });
    const told = [];
    for (let i = 0; i < 4; i++) told.push(await backend.next("disconnect"));
    assert.equal(told[0].body.code, 942);
    assert.equal(told[0].body.who.user, "ada");
    assert.equal(new Set(told.map((t) => t.headers["godwit-delivery"])).size, 1);
    await server.until("godwit_hook_waiting", (n) => n === 0);
  });
});

test("a slow answer delays only the frames that wait for it", () =>
  together({
    subscribe: (m) => m.channel === "ask:slow" ? { delayMs: 1000 } : {},
  }, ALL, async (server) => {
    const client = await Client.connect(server.port);
    const order = [];
    const slow = client.request(
      { channel: 90, alias: true, subscribe: { channel: "ask:slow" } })
      .then((f) => order.push(f.subscribed ? "slow" : "?"));
    const behind = client.request(
      { channel: 90, alias: true, publish: { json: "1" } })
      .then(() => order.push("behind"));
    await client.subscribe("ask:quick");
    await client.publish("room:other", 1);
    order.push("others");
    const other = await Client.connect(server.port);
    await other.publish("room:other", 2);
    order.push("another");
    await Promise.all([slow, behind, other.close()]);
    assert.deepEqual(order.slice(0, 2), ["others", "another"]);
    /* The one is data and the other control, which goes first. */
    assert.deepEqual(order.slice(2).sort(), ["behind", "slow"]);
    await client.close();
  }));

/** Answers of a hook that come when the test says so. */
function held(reply) {
  let release;
  const answer = new Promise((resolve) => {
    release = () => resolve(reply);
  });
  return { answer, release };
}

const TWO_WORKERS = ["--workers", "2"];

test("who is disconnected while the hook is asked is not let in", () => {
  const late = held({ user: "ada" });
  return together({
    connect: (m) => m.token === "late" ? late.answer : { user: "bob" },
  }, ["connect"], async (server, backend) => {
    const ws = await openWebSocket(server.port);
    ws.send(JSON.stringify({ id: 1, hello: {
      version: 1, instance: "AAECAwQFBgcICQoLDA0ODw==", token: "late" } }));
    await backend.next("connect");
    /* Nobody can say yet whose it is. */
    const { connections } = await api(server, "disconnect",
      { user: "ada", code: 942, reason: "banned" });
    assert.equal(connections ?? 0, 0);
    await api(server, "disconnect", { user: "bob" });
    late.release();
    const { code, reason } = await ws.closed;
    assert.equal(code, 4942);
    assert.equal(reason, "banned");
    /* Who comes later was asked about later. */
    const client = await Client.connect(server.port, { hello: { token: "t" } });
    assert.equal(client.welcome.user, "bob");
    await client.close();
  }, TWO_WORKERS);
});

test("channels that change while the hook is asked", () => {
  const late = held({ user: "ada", channels: ["news:a", "news:b"] });
  return together({ connect: () => late.answer }, ["connect"],
    async (server, backend) => {
      const coming = Client.connect(server.port);
      await backend.next("connect");
      for (const [method, channel] of [["unsubscribe", "news:a"],
        ["subscribe", "news:c"]])
        await api(server, method, { user: "ada", channel });
      late.release();
      const client = await coming;
      const { connections } = await api(server, "connections",
        { user: "ada", withChannels: true });
      assert.deepEqual(connections[0].channels.sort(), ["news:b", "news:c"]);
      await client.close();
    }, TWO_WORKERS);
});

test("a channel is taken back while the hook is asked about it", () => {
  const late = held({});
  return together({ subscribe: () => late.answer }, ALL,
    async (server, backend) => {
      const client = await Client.connect(server.port);
      const { client: id } = client.welcome;
      const answer = client.request(
        { channel: 1, alias: true, subscribe: { channel: "ask:a" } });
      await backend.next("subscribe");
      const { connections } = await api(server, "unsubscribe",
        { client: id, channel: "ask:a", code: 943, reason: "no more" });
      assert.equal(connections, 1);
      const { error } = await answer;
      assert.equal(error.code, 943);
      assert.equal(error.message, "no more");
      late.release();
      await server.until("godwit_hook_waiting", (n) => n === 0);
      await client.request({ rpc: { method: "server.time" } });
      const all = await api(server, "connections",
        { client: id, withChannels: true });
      assert.deepEqual(all.connections[0].channels ?? [], []);
      await client.close();
    }, TWO_WORKERS);
});

const FAST = ["--hooks.timeout", "300ms", "--hooks.attempts", "2"];

test("down: refused, with when to come again", () =>
  together({ connect: () => ({ status: 503 }) }, ["connect"],
    async (server, backend) => {
      const ws = await openWebSocket(server.port);
      ws.send(JSON.stringify({ id: 1,
        hello: { version: 1, instance: "AAECAwQFBgcICQoLDA0ODw==" } }));
      const close = JSON.parse(await ws.messages.next()).close;
      assert.equal(close.code, "CODE_BACKEND_DOWN");
      assert.ok(close.retryAfterMs >= 1000);
      assert.equal((await ws.closed).code, 4206);
      assert.equal(backend.count("connect"), 2); /* tried twice */
      const ids = backend.requests.map((r) => r.headers["godwit-delivery"]);
      assert.equal(new Set(ids).size, 1);
      assert.equal(await server.metric("godwit_hook_retries_total"), 1);
      await server.loggedTimes("hook.fallback", 1);
    }, FAST));

test("down: allowed, though nobody vouches for the name", () =>
  together({ connect: () => "reset" }, ["connect"], async (server) => {
    const client = await Client.connect(server.port, { user: "ada" });
    assert.equal(client.welcome.user, "ada");
    const frame = await client.request(
      { channel: 1, alias: true, subscribe: { channel: "known:a" } });
    assert.equal(frame.error.code, "CODE_PERMISSION_DENIED");
    await client.close();
  }, [...FAST, "--hooks.connect_when_down", "allow",
    "--namespaces", "[{name: known, allow: {subscribe: user}}]"]));

test("down: the last answer counts", () =>
  withBackend({ connect: () => ({ user: "ada" }) }, (backend) =>
    withServer({
      args: [...backend.args("connect"), ...FAST,
        "--hooks.connect_when_down", "cached"],
    }, async (server) => {
      const hello = { token: "t" };
      const first = await Client.connect(server.port, { hello, user: "x" });
      backend.answers.connect = () => "hang";
      const second = await Client.connect(server.port, { hello, user: "x" });
      assert.equal(second.welcome.user, "ada");
      const third = await openWebSocket(server.port);
      third.send(JSON.stringify({ id: 1, hello: {
        version: 1, instance: "AAECAwQFBgcICQoLDA0ODw==", token: "another" } }));
      assert.equal((await third.closed).code, 4206);
      await Promise.all([first.close(), second.close()]);
    })));

test("answers that cannot be read are no answers", async () => {
  const nonsense = [
    { text: "" }, { text: "{" }, { text: "[]" }, { text: '{"user":7}' },
    { text: '{"nonsense":1}' }, { text: '{"refuse":{"code":5000}}' },
    { text: "<html>" }, { status: 302, headers: { location: "/elsewhere" } },
    { status: 204, text: "" }, { status: 404 },
    { text: '{"info":"' + "x".repeat(3 * 1024 * 1024) + '"}' },
  ];
  await together({ connect: () => nonsense[0] }, ["connect"],
    async (server, backend) => {
      for (const answer of nonsense) {
        backend.answers.connect = () => answer;
        const ws = await openWebSocket(server.port);
        ws.send(JSON.stringify({ id: 1,
          hello: { version: 1, instance: "AAECAwQFBgcICQoLDA0ODw==" } }));
        const { code } = await ws.closed;
        assert.equal(code, 4206, JSON.stringify(answer).slice(0, 60));
        /* A good one between, so that the backend is not left alone. */
        backend.answers.connect = () => ({});
        await (await Client.connect(server.port)).close();
      }
      assert.ok(backend.requests.every((r) => r.path === "/hooks"));
      await server.logged(/user: must be a string/);
      await server.logged(/the reply is too long/);
    }, ["--hooks.timeout", "5s", "--hooks.attempts", "1"]);
});

test("a backend that is down is left alone, and found again", () =>
  withBackend({}, (backend) =>
    withServer({ args: [...backend.args("rpc"), ...FAST] }, async (server) => {
      const client = await Client.connect(server.port);
      const call = async () => {
        const f = await client.request({ rpc: { method: "x" } });
        return f.error?.code ?? "ok";
      };
      assert.equal(await call(), "ok");
      await backend.stop();
      for (let i = 0; i < 5; i++)
        assert.equal(await call(), "CODE_BACKEND_DOWN");
      await server.until("godwit_hook_breakers_open", (n) => n === 1);
      /* Now and then, and less and less often, it is asked whether it is back. */
      for (let asked = true, i = 0; asked; i++) {
        const before = await server.metric("godwit_hook_requests_total");
        assert.equal(await call(), "CODE_BACKEND_DOWN");
        asked = await server.metric("godwit_hook_requests_total") !== before;
        assert.ok(i < 10, "it is asked each time");
      }
      await backend.listen();
      const deadline = Date.now() + 10000;
      while (await call() !== "ok" && Date.now() < deadline)
        await new Promise((r) => setTimeout(r, 50));
      assert.equal(await server.metric("godwit_hook_breakers_open"), 0);
      await server.loggedTimes("hook.backend_up", 1);
      await client.close();
    })));

test("a call that may have had its effect is not tried again", () =>
  together({ rpc: () => "reset" }, ["rpc"], async (server, backend) => {
    const client = await Client.connect(server.port);
    const { error } = await client.request({ rpc: { method: "pay" } });
    assert.equal(error.code, "CODE_BACKEND_DOWN");
    assert.equal(backend.count("rpc"), 1);
    await client.close();
  }));

test("more questions than may wait are refused", () =>
  together({ rpc: () => "hang" }, ["rpc"], async (server) => {
    const client = await Client.connect(server.port);
    const all = [];
    for (let i = 0; i < 20; i++)
      all.push(client.request({ rpc: { method: "x" } }));
    const codes = (await Promise.all(all)).map((f) => f.error.code);
    assert.equal(codes.filter((c) => c === "CODE_OVERLOADED").length, 15);
    assert.equal(codes.filter((c) => c === "CODE_BACKEND_DOWN").length, 5);
    await client.close();
  }, ["--hooks.timeout", "500ms", "--hooks.max_waiting", "5"]));

test("connections are kept and capped", () =>
  together({ rpc: () => ({ delayMs: 20 }) }, ["rpc"],
    async (server, backend) => {
      const client = await Client.connect(server.port);
      const all = [];
      for (let i = 0; i < 60; i++)
        all.push(client.request({ rpc: { method: "x" } }, 15000));
      for (const f of await Promise.all(all)) assert.ok(f.rpcResult);
      assert.ok(backend.sockets <= 4, `${backend.sockets} sockets`);
      await client.close();
    }, ["--hooks.connections", "4", "--hooks.timeout", "10s",
      "--limits.max_calls", "100"]));

test("the server ends in time, whatever waits", () =>
  together({ connect: () => "hang", disconnect: () => "hang" },
    ["disconnect", "rpc"], async (server) => {
      const client = await Client.connect(server.port);
      client.request({ rpc: { method: "x" } }).catch(() => {});
      await client.close();
    }, ["--drain.window", "0"]));
