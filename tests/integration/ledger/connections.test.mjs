// SPDX-License-Identifier: MIT
// connections.test.mjs - rows C of docs/ledger.md: connections that come back, who
// they are, by which path they come, and what slows them down.

import assert from "node:assert/strict";
import { test } from "node:test";
import { api, ask } from "../support/api.mjs";
import { withBackend } from "../support/backend.mjs";
import { run, runNow } from "../support/cli.mjs";
import { SECRET, sign } from "../support/jwt.mjs";
import {
  apiId, cuttable, fails, inDevelopment, listTo, onStage, refusedConfig, until,
  WebSocket,
} from "../support/sdk.mjs";
import { Server } from "../support/server.mjs";
import { RawWebSocket } from "../support/websocket.mjs";

const WITH_SECRET = { GODWIT_AUTH_JWT_SECRET: SECRET };
const PATIENT = { presence: { grace: "10s", coalesce: 0 } };

test("C5 who comes back has subscription, presence and metadata as before", () =>
  inDevelopment({
    ...PATIENT, namespaces: [
      { name: "room", channel: { events: true }, ...PATIENT },
      { name: "$events", allow: { subscribe: "anyone" } }],
  }, async (t) => {
    const [ann, bob] = await t.joinAll("ann", "bob");
    const news = await t.live(bob, "$events:channels");
    const room = await t.live(ann, "room:a", { metadata: { tab: 7 } });
    room.enter("busy", { mood: "good" });
    const seen = await t.live(bob, "room:a", { presence: true });
    await until(() => seen.members.size === 1);
    const changes = listTo(seen, "presence", (e) => e.kind);
    const before = ann.info, states = listTo(ann, "state", (e) => e.to);
    const recoveries = listTo(room, "state", (e) => e.recovery);

    await api(t.server, "disconnect",
      { user: "ann", code: 200, retryAfterMs: 300, reason: "come back" });
    await until(() => ann.state === "waiting");
    await bob.publish("room:a", "meanwhile");
    await ann.ready();
    // The application hears of it as a change of state: on_reconnect.
    assert.deepEqual(states.filter((s) => s === "waiting" || s === "ready"),
      ["waiting", "ready"]);
    assert.equal(recoveries.at(-1), "recovered");
    await until(() => room.told.includes("meanwhile"));
    assert.notEqual(ann.info.connectionId, before.connectionId);
    assert.equal(ann.info.clientId, before.clientId);
    const { subscribers } = await api(t.server, "subscribers",
      { channel: "room:a" });
    assert.deepEqual(subscribers.find((s) => s.user === "ann").meta, { tab: 7 });
    // Nobody saw it leave; channels are notified of a new subscription.
    assert.deepEqual(changes, []);
    const member = seen.members.get(ann.info.clientId);
    assert.deepEqual([member.state, member.data], ["busy", { mood: "good" }]);
    await until(() => news.told.filter((n) => n.event === "subscribed" &&
      n.user === "ann").length === 2, "two subscriptions in the news");
  }));

test("C5 bad input: a position that is none is refused at once", () =>
  inDevelopment({}, async (t) => {
    const ann = await t.join("ann");
    for (const since of [{ epoch: "12x", offset: 1 },
      { epoch: "0", offset: -1 }, { epoch: "1".repeat(17), offset: 1 }])
      await fails("BAD_REQUEST",
        (async () => ann.subscribe("room:a", { since }))());
  }));

test("C6 a client has ids, a user several connections, and no more than allowed",
  () => onStage({
    env: WITH_SECRET,
    config: { limits: { connections_per_user: 2 } },
  }, async (t) => {
    const token = () => sign({ sub: "ann" });
    const instance = new Uint8Array(16).fill(7);
    const one = await t.join("", { token: token(), instance });
    const two = await t.join("", { token: token() });
    assert.notEqual(one.info.clientId, two.info.clientId);
    assert.match(one.info.clientId, /^[0-9a-f]{16}$/);
    assert.match(one.info.connectionId, /^[0-9a-f]{16}$/);
    const { connections } = await api(t.server, "connections", { user: "ann" });
    assert.deepEqual(connections.map((c) => c.client).sort(),
      [one, two].map((c) => apiId(c.info.clientId)).sort());

    const three = t.client({ token: token() });
    const reasons = listTo(three, "state", (e) => e.reason.name);
    three.connect();
    await until(() => reasons.includes("CONNECTION_LIMIT"));
    assert.equal(three.info.reason.class, "retry-after");
    three.close();
    // The same client again takes its own place, and is the same to others.
    const again = await t.join("", { token: token(), instance });
    assert.equal(again.info.clientId, one.info.clientId);
    await until(() => one.info.reason.name === "REPLACED");
  }));

const HOOKED = {
  config: { namespaces: [{ name: "team", allow: { subscribe: "hook" } }] },
};
const ASKED = ["connect", "subscribe"];

/** Runs fn(t, come, counts): come() is a client whose connections can be cut, and
 * counts how often the application was asked. */
const withQuestions = (fn, answers = { connect: () => ({ user: "ann" }) }) =>
  withBackend(answers, (backend) => onStage({
    ...HOOKED, args: backend.args(...ASKED),
  }, async (t) => {
    const come = async (options) => {
      const socket = cuttable();
      const client = await t.join("", { WebSocket: socket, ...options });
      return { client, socket };
    };
    await fn(t, come, () => ASKED.map((hook) => backend.count(hook)));
  }));

/** Cuts the connection, and waits until the client is back. */
async function comeBack({ client, socket }, meanwhile = () => {}) {
  const states = listTo(client, "state", (e) => e.to);
  socket.cut();
  await until(() => states.includes("waiting"));
  await meanwhile();
  await until(() => states.includes("ready"));
}

test("C6 in a storm of reconnects nobody is asked again", () =>
  withQuestions(async (t, come, counts) => {
    const all = await Promise.all(Array.from({ length: 20 }, () => come()));
    for (const one of all) one.room = await t.live(one.client, "team:a");
    assert.deepEqual(counts(), [20, 20]);
    for (let round = 1; round <= 3; round++) {
      await Promise.all(all.map((one) => comeBack(one)));
      await until(() => all.every(({ room }) => room.state === "live"));
      await api(t.server, "publish", { channel: "team:a", json: round });
      await until(() => all.every(({ room }) => room.told.at(-1) === round));
      assert.ok(all.every(({ client }) => client.info.user === "ann"));
    }
    assert.deepEqual(counts(), [20, 20], "once each, at the beginning");
    assert.equal(await t.server.metric("godwit_resumed_total"), 60);
  }));

test("C6 what the server gave is given again, but for what it took back",
  async () => {
    const channels = ["team:b"], came = [], data = [];
    await withQuestions(async (t, _, counts) => {
      const socket = cuttable();
      // Until it is told to, so that what is done meanwhile comes before.
      const retry = { baseMs: 60_000, capMs: 60_000, jitter: 0 };
      const client = t.client({ WebSocket: socket, retry });
      const returns = (meanwhile) => comeBack({ client, socket }, async () => {
        await meanwhile();
        client.connect();
      });
      client.on("subscription", (sub) => {
        came.push(sub);
        sub.on("publication", (e) => data.push(e.data));
      });
      client.connect();
      await client.ready();
      const publish = (json) =>
        api(t.server, "publish", { channel: "team:b", json });
      const act = (method, channel) =>
        api(t.server, method, { user: "ann", channel });
      await until(() => came.length === 1);
      assert.equal(client.info.resumed, false);
      for (let round = 0; round < 3; round++) {
        await publish(2 * round);
        await returns(() => publish(2 * round + 1));
        await until(() => data.length === 2 * round + 2);
      }
      assert.deepEqual(data, [0, 1, 2, 3, 4, 5], "no hole and no repeat");
      assert.deepEqual([came.length, counts()], [1, [1, 0]]);
      assert.equal(client.info.resumed, true);
      assert.equal(await t.server.metric("godwit_resumed_total"), 3);

      const [sub] = came;
      await returns(() => {
        channels.pop();
        return act("unsubscribe", "team:b");
      });
      await until(() => sub.state === "ended");
      assert.equal(counts()[0], 2, "asked, as something was taken back");
      assert.equal(client.info.resumed, false);
      await returns(() => {
        channels.push("team:c");
        return act("subscribe", "team:c");
      });
      await until(() => came.length === 2);
      assert.deepEqual([came[1].channel, counts()[0]], ["team:c", 3]);
    }, { connect: () => ({ user: "ann", channels }) });
  });

test("C6 a session is resumed once, and not after goodbye or a revocation", () =>
  withQuestions(async (t, come, counts) => {
    // Not sooner, so that what is done meanwhile comes before.
    const retry = { baseMs: 300, capMs: 300, jitter: 0 };
    const one = await come({ retry });
    await comeBack(one);
    assert.deepEqual(counts(), [1, 0]);
    // Somebody who has seen all that it said says it once more.
    const replay = new WebSocket(t.url(), ["godwit.v1"]);
    await new Promise((resolve) => replay.on("open", resolve));
    replay.send(one.socket.hellos.at(-1));
    await until(() => counts()[0] === 2);
    replay.terminate();

    for (const act of ["revoke", "disconnect"]) {
      const [before] = counts();
      await comeBack(one, () => api(t.server, act, { user: "ann" }));
      assert.equal(counts()[0], before + 1, act);
    }
    const [before] = counts();
    one.client.close();
    await until(() => one.client.state === "closed");
    one.client.connect();
    await one.client.ready();
    assert.equal(counts()[0], before + 1, "goodbye");
  }));

test("C6 bad input: a token to resume by with another instance, or a spoilt one",
  () => withQuestions(async (t, come, counts) => {
    const one = await come(), { client, socket } = one;
    await comeBack(one);
    const hello = socket.hellos.at(-1);
    // The instance and the token stand in it as they are.
    for (let at = 6; at < hello.length; at += 5) {
      const spoilt = Buffer.from(hello);
      spoilt[at] ^= 1;
      const other = new WebSocket(t.url(), ["godwit.v1"]);
      await new Promise((resolve) => other.on("open", resolve));
      other.send(spoilt);
      await new Promise((resolve) => {
        other.on("message", resolve);
        other.on("close", resolve);
      });
      other.terminate();
    }
    assert.equal(await t.server.metric("godwit_resumed_total"), 1);
    assert.equal(client.state, "ready");
    assert.ok(counts()[0] > 1);
  }));

test("C6 bad input: an instance that is none never connects", () =>
  inDevelopment({}, async (t) => {
    const client = t.client({ instance: new Uint8Array(3) });
    client.connect();
    await until(() => client.state === "failed");
    assert.match(client.info.reason.message, /16 bytes/);
    assert.match(t.errors.splice(0)[0].message, /16 bytes/);
  }));

const ROUTES = [{ path: "/rooms/:id", channels: ["room:{id}"],
  namespace: "room" }, { path: "/staff", anonymous: false,
  origins: ["https://app.example.org"], subprotocols: ["godwit.v1"] }];

test("C7 a path leads to its channels, and what it was asked with is seen", () =>
  withBackend({ connect: () => ({ user: "ann" }) }, (backend) => onStage({
    args: backend.args("connect"),
    config: { routes: ROUTES, http: { headers: ["host", "x-tenant"] } },
  }, async (t) => {
    const came = [];
    const ann = t.client({}, "/rooms/4%202?lang=es&lang=en&x=");
    ann.on("subscription", (sub) => came.push(sub.channel));
    ann.connect();
    await ann.ready();
    await until(() => came.length === 1);
    assert.deepEqual(came, ["room:4 2"]);
    const { request } = (await backend.next("connect")).body;
    assert.equal(request.path, "/rooms/4 2");
    assert.equal(request.route, "/rooms/:id");
    assert.deepEqual(request.params, [{ name: "id", value: "4 2" }]);
    assert.deepEqual(request.query.map((q) => [q.name, q.value ?? ""]),
      [["lang", "es"], ["lang", "en"], ["x", ""]]);
    assert.ok(request.headers.some((h) => h.name === "host"));
  })));

test("C7 bad input: an upgrade is looked at before it is made", () => onStage({
  config: { routes: [...ROUTES, { path: "/guarded" }], auth: { requests:
    "/guarded", jwt: { secret: SECRET } , anonymous: true },
  http: { headers: "authorization" },
  middleware: "access_log, metrics, rate_limit, auth" },
}, async (t) => {
  const upgrade = async (options) => {
    const ws = new RawWebSocket(t.server.port);
    const { status, body } = await ws.handshake(options);
    ws.destroy();
    return [status, status === 101 ? null : JSON.parse(body).error.name];
  };
  const protocol = "godwit.v1";
  assert.deepEqual(await upgrade({ path: "/nowhere", protocol }),
    [404, "NOT_FOUND"]);
  assert.deepEqual(await upgrade({ path: "/staff", protocol: "godwit.v9" }),
    [400, "BAD_REQUEST"]);
  assert.deepEqual(await upgrade({ path: "/staff", protocol,
    headers: { Origin: "https://evil.example.org" } }), [403, "BAD_ORIGIN"]);
  // The links of the chain stand before the upgrade, too.
  assert.deepEqual(await upgrade({ path: "/guarded", protocol }),
    [401, "TOKEN_INVALID"]);
  assert.deepEqual(await upgrade({ path: "/guarded", protocol, headers:
    { Authorization: `Bearer ${sign({ sub: "ann" })}` } }), [101, null]);
  assert.equal(
    await t.server.metric('godwit_chain_refused_total{status="4xx"}'), 4);
  const nobody = t.client({}, "/staff");
  nobody.connect();
  await until(() => nobody.state === "failed");
  assert.equal(nobody.info.reason.name, "TOKEN_INVALID");
  const ann = await t.join("ann", {}, "/rooms/1");
  await fails("NOT_ON_ROUTE", ann.publish("elsewhere:1", 1));
}));

test("C8 a server says when to come back, drains, and is found again", () =>
  inDevelopment({ drain: { window: "200ms", timeout: "4s" } }, async (t) => {
    const ann = await t.join("ann");
    const started = Date.now();
    const told = listTo(ann, "state", (e) => [e.to, e.reason.name]);
    const { connections } = await api(t.server, "disconnect",
      { user: "ann", code: 201, retryAfterMs: 400, reason: "busy" });
    assert.equal(connections, 1);
    await until(() => ann.state === "waiting");
    assert.ok(ann.info.retryAt - started >= 390, "it waits as it was told");
    assert.deepEqual(told.at(-1), ["waiting", "OVERLOADED"]);
    await ann.ready();
    assert.ok(Date.now() - started >= 390);
    const code = t.server.stop();
    await until(() => told.some(([, name]) => name === "SHUTDOWN"));
    assert.equal(await code, 0);
    assert.ok(["waiting", "connecting"].includes(ann.state));
    // Whatever listens there next is found by itself.
    const next = await Server.start({ port: t.server.port });
    await ann.ready();
    await ann.publish("room:a", "back");
    ann.close();
    assert.equal(await next.stop(), 0);
  }));

test("C8 offline, hidden and awake: a page is listened to", () =>
  inDevelopment({}, async (t) => {
    const page = new EventTarget(), document = new EventTarget();
    const { addEventListener, document: had } = globalThis;
    globalThis.addEventListener = page.addEventListener.bind(page);
    globalThis.document = document;
    try {
      const ann = await t.join("ann",
        { retry: { baseMs: 60000, capMs: 60000, jitter: 0 } });
      await api(t.server, "disconnect", { user: "ann", code: 100 });
      await until(() => ann.state === "waiting");
      page.dispatchEvent(new Event("offline"));
      await until(() => ann.state === "suspended");
      // It would have waited for a minute.
      page.dispatchEvent(new Event("online"));
      await ann.ready();
      document.visibilityState = "hidden";
      document.dispatchEvent(new Event("visibilitychange"));
      await ann.publish("room:a", "in the background");
      await api(t.server, "disconnect", { user: "ann", code: 100 });
      await until(() => ann.state === "waiting");
      document.visibilityState = "visible";
      document.dispatchEvent(new Event("visibilitychange"));
      await ann.ready();
    } finally {
      globalThis.addEventListener = addEventListener;
      globalThis.document = had;
      if (had === undefined) delete globalThis.document;
    }
  }));

test("C8 a backend that is down is left alone by a circuit breaker", () =>
  withBackend({ rpc: () => "reset" }, (backend) => onStage({
    args: backend.args("rpc"), config: {},
  }, async (t) => {
    const ann = await t.join("ann");
    for (let i = 0; i < 5; i++) await fails("BACKEND_DOWN", ann.call("work"));
    await t.server.logged(/hook\.backend_down/);
    const asked = backend.count("rpc");
    await fails("BACKEND_DOWN", ann.call("work"));
    assert.equal(backend.count("rpc"), asked);
    backend.answers.rpc = () => ({ json: "done" });
    await until(async () => await ann.call("work").catch(() => 0) === "done");
    await t.server.logged(/hook\.backend_up/);
  })));

test("C8 bad input: a code that is none closes nobody", () =>
  inDevelopment({}, async (t) => {
    const ann = await t.join("ann");
    const { status, json } = await ask(t.server, "disconnect",
      { user: "ann", code: 12345 });
    assert.deepEqual([status, json.error.name], [400, "BAD_REQUEST"]);
    assert.equal(ann.state, "ready");
  }));

test("C9 publications are gathered for as long, or as many bytes, as is said",
  () => inDevelopment({ namespaces: [
    { name: "slow", batch: { delay: "400ms", bytes: "64KiB" } },
    { name: "full", batch: { delay: "10s", bytes: 300 } },
  ] }, async (t) => {
    const [ann, bob] = await t.joinAll("ann", "bob");
    const slow = await t.live(ann, "slow:a"), full = await t.live(ann, "full:a");
    const started = Date.now();
    for (let n = 0; n < 3; n++) await bob.publish("slow:a", n);
    await until(() => slow.told.length > 0);
    assert.ok(Date.now() - started >= 350, "the delay is kept");
    assert.deepEqual(slow.told, [0, 1, 2]);
    for (let n = 0; n < 4; n++) await bob.publish("full:a", "x".repeat(100));
    await until(() => full.told.length >= 2);
    assert.ok(Date.now() - started < 9000, "so many bytes do not wait");
  }));

/** Lines to publish, each a little longer than a tweet. */
const lines = (num) => Array.from({ length: num }, (_, n) =>
  JSON.stringify({ n, text: "x".repeat(150) }) + "\n").join("");

/** Publishes so many lines about each of four items, by processes of their own. */
const publishAll = (server, channel, num) =>
  Promise.all([0, 1, 2, 3].map((i) => run(
    ["publish", channel, "--item", `bus ${i}`],
    { server, input: `"${"x".repeat(100)}"\n`.repeat(num) })));

test("C9 a reader has credit, and what it is too slow for is as it chose", () =>
  inDevelopment({
    limits: { max_frame_bytes: 4096, max_queue_bytes: 4096 },
    namespaces: [{ name: "few", history: { size: 8 } }],
  }, async (t) => {
    const bob = await t.join("bob"), clock = new Int32Array(
      new SharedArrayBuffer(4));
    for (const overflow of ["drop", "conflate", "sample", "close"]) {
      const channel = overflow === "close" ? "room:a" : `few:${overflow}`;
      const ann = await t.join("ann", { creditBytes: 400 });
      const reasons = listTo(ann, "state", (e) => e.reason.name);
      const room = await t.live(ann, channel, { overflow });
      const offsets = listTo(room, "publication", (p) => p.offset);
      const gaps = listTo(room, "gap", (e) => e.reason);
      // An application that is busy for a while with the first it gets.
      room.on("publication", ({ offset }) =>
        offset === 1 && Atomics.wait(clock, 0, 0, 1500));
      for (const { code, err } of await publishAll(t.server, channel, 30))
        assert.equal(code, 0, err);
      const { position } = await bob.publish(channel, 1, { item: "bus 0" });
      await until(() => offsets.at(-1) === position.offset, overflow);
      assert.deepEqual(offsets, [...offsets].sort((a, b) => a - b), overflow);
      if (overflow === "close") {
        assert.ok(reasons.includes("SLOW_READER"), "it was cut, and came back");
        assert.deepEqual(offsets, Array.from({ length: 121 }, (_, n) => n + 1));
      } else {
        assert.ok(gaps.length > 0, `${overflow}: what is skipped is told`);
        assert.ok(gaps.every((r) => r === "slow-reader"), `${gaps}`);
        assert.ok(offsets.length < 121);
      }
      ann.close();
    }
  }));

const PRIORITIES = ["low", "normal", "high"];

test("C9 a slow reader is sent channels of a high priority first, low ones last",
  () => inDevelopment({
    namespaces: PRIORITIES.map((name) =>
      ({ name, priority: name, batch: { bytes: 64 } })), // each by itself
  }, async (t) => {
    const ann = await t.join("ann", { creditBytes: 400 });
    const go = await t.live(ann, "go");
    const order = [];
    for (const name of PRIORITIES) {
      const channel = await t.live(ann, `${name}:a`);
      channel.on("publication", (p) => order.push(`${name} ${p.data.n}`));
    }
    // Its application is busy while others publish, the low ones first.
    go.on("publication", () => {
      for (const name of PRIORITIES)
        runNow(["publish", `${name}:a`], { server: t.server, input: lines(30) });
    });
    await (await t.join("bob")).publish("go", 1);
    await until(() => order.length === 90);
    // What its credit was good for went out before.
    const early = order.findIndex((what) => !what.startsWith("low"));
    assert.ok(early >= 1 && early <= 6, `${early}: ${order}`);
    const all = (name, from = 0) =>
      Array.from({ length: 30 - from }, (_, n) => `${name} ${n + from}`);
    assert.deepEqual(order, [...all("low").slice(0, early), ...all("high"),
      ...all("normal"), ...all("low", early)]);
  }));

test("C9 back-pressure: a publisher keeps to the server's rate, an outbox is full",
  () => inDevelopment({
    limits: { rate: { publish: "20/s burst 5" } },
  }, async (t) => {
    const ann = await t.join("ann", { outbox: { maxCount: 15 } });
    assert.equal(ann.info.limits.publishPerSecond, 20);
    const started = Date.now();
    await Promise.all(Array.from({ length: 15 }, (_, n) =>
      ann.publish("room:a", n)));
    assert.ok(Date.now() - started > 200, "it has waited");
    const many = Array.from({ length: 20 }, (_, n) => ann.publish("room:a", n));
    const error = await fails("OUTBOX_FULL", Promise.all(many));
    assert.equal(error.class, "terminal");
    await Promise.allSettled(many);
  }));

test("C9 bad input: a policy, a batch and a priority that there are not", async () => {
  await inDevelopment({}, async (t) => {
    const ann = await t.join("ann");
    assert.throws(() => ann.subscribe("a", { overflow: "guess" }), /guess/);
  });
  assert.match(await refusedConfig({ batch: { bytes: 1 } }),
    /batch\.bytes/);
  assert.match(await refusedConfig({ priority: "urgent" }), /priority/);
});
