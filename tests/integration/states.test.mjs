// SPDX-License-Identifier: MIT
// states.test.mjs - shared state over the real binary, from clients, the API and
// the command line.

import assert from "node:assert/strict";
import { test } from "node:test";
import { api, ask } from "./support/api.mjs";
import { withBackend } from "./support/backend.mjs";
import { Command, run } from "./support/cli.mjs";
import { Client } from "./support/client.mjs";
import { Server, withServer } from "./support/server.mjs";

const env = (server) => ({ GODWIT_API: `http://127.0.0.1:${server.internal}` });
const userState = (user) => `$state:user:${user}`;

async function refused(client, publish) {
  const { error } = await client.request({ publish });
  assert.ok(error, "it was refused");
  return error;
}

/* ---- shared keys ------------------------------------------------------------ */

test("keys of a user are shared by its clients and the application", () =>
  withServer({}, async (server) => {
    const channel = userState("ada");
    const [one, two] = [await Client.connect(server.port, { user: "ada" }),
      await Client.connect(server.port, { user: "ada" })];
    const eve = await Client.connect(server.port, { user: "eve" });
    const { version } = await api(server, "state_set",
      { scope: "user", id: "ada", key: "theme", json: "dark" });
    await two.subscribe(channel, { recover: true });
    const { publication } = await two.next("publication");
    assert.deepEqual([publication.item, publication.json], ["theme", '"dark"']);
    const set = { channel, item: "theme", json: '"light"', compareItem: true,
      ...version };
    await one.request({ publish: set });
    assert.equal((await refused(one, set)).code, "CODE_CONFLICT");
    const [change] = await two.publications(1);
    assert.equal(change.value, "light");
    const { entries } = await api(server, "state_get",
      { scope: "user", id: "ada", key: "theme/menu", inherit: true });
    assert.deepEqual([entries[0].key, entries[0].json, entries[0].user],
      ["theme", "light", "ada"]);
    assert.equal((await refused(eve, { ...set, compareItem: false })).code,
      "CODE_PERMISSION_DENIED");
    const { error } = await eve.request({ channel: 1, alias: true,
      subscribe: { channel } });
    assert.equal(error.code, "CODE_PERMISSION_DENIED");
    await one.request({ publish: { channel, item: "soon", json: "1",
      ttlMs: 200 } });
    assert.equal((await two.next("publication")).publication.item, "soon");
    assert.equal((await two.next("publication")).publication.removed, true);
  }));

test("who is in a channel shares its state", () =>
  withServer({}, async (server) => {
    const [one, two] = [await Client.connect(server.port, { user: "a" }),
      await Client.connect(server.port, { user: "b" })];
    const channel = "$state:channel:room:x";
    const set = { channel, item: "turn", json: '"a"' };
    assert.equal((await refused(one, set)).code, "CODE_PERMISSION_DENIED");
    await one.subscribe("room:x");
    await two.subscribe("room:x");
    await two.subscribe(channel);
    assert.ok((await one.request({ publish: set })).published);
    assert.equal((await two.publications(1))[0].value, "a");
  }));

test("a call that names no scope, or a scope that is full, is told", () =>
  withServer({ args: ["--namespaces",
    JSON.stringify([{ name: "$state", history: { size: 1 } }])] },
  async (server) => {
    const bad = await ask(server, "state_get",
      { scope: "usr", id: "x", key: "a" });
    assert.equal(bad.status, 400);
    const free = { scope: "free", id: "x" };
    await api(server, "state_set", { ...free, key: "a", json: 1 });
    const full = await ask(server, "state_set", { ...free, key: "b", json: 1 });
    assert.equal(full.json.error.name, "LIMIT_REACHED");
  }));

test("godwit state reads, changes and watches", () =>
  withServer({}, async (server) => {
    const state = (...args) => run(["state", ...args], { env: env(server) });
    const watch = new Command(
      ["state", "watch", "user", "ada", "--json", "--count", "3"], { server });
    await watch.live(userState("ada"));
    const set = await state("set", "user", "ada", "a/b", '{"n":1}',
      "--expect", "none");
    assert.equal(set.code, 0, set.err);
    assert.match(set.out, /^[0-9a-f]{16}:1\n$/);
    const clash = await state("set", "user", "ada", "a/b", "2",
      "--expect", "none");
    assert.equal(clash.code, 1);
    assert.match(clash.err, /511 CONFLICT/);
    await state("set", "user", "ada", "a/b", "2",
      "--expect", set.out.trim());
    const got = await state("get", "user", "ada", "a/b/c", "--inherit");
    assert.deepEqual([got.code, got.out], [0, "2\n"], got.err);
    const list = await state("list", "user", "ada", "a/");
    assert.match(list.out, /^a\/b [0-9a-f]{16}:2 2\n$/);
    await state("remove", "user", "ada", "a/b");
    const gone = await state("get", "user", "ada", "a/b");
    assert.equal(gone.code, 1);
    assert.match(gone.err, /no such key/);
    assert.equal(await watch.end(), 0, watch.err);
    assert.deepEqual(watch.lines.map((line) => JSON.parse(line))
      .map(({ json, removed }) => removed ? "removed" : json),
    [{ n: 1 }, 2, "removed"]);
    for (const args of [["set", "user", "ada", "k", "dark"], ["get", "user"],
      ["swap"], ["get", "user", "ada", "k", "more"]])
      assert.equal((await state(...args)).code, 2, args.join(" "));
  }));

/* ---- state machines ---------------------------------------------------------- */

const ORDER = {
  name: "order", attach: "free", states: ["cart", "paid", "shipped"],
  transitions: [
    { from: "cart", to: "paid" },
    { from: "paid", to: "cart", after: "400ms" },
    { from: "paid", to: "shipped", who: "nobody" },
  ],
};
const withMachines = (list, fn) =>
  withServer({ args: ["--machines", JSON.stringify(list)] }, fn);

test("a machine moves as its configuration says, and by itself once", () =>
  withMachines([ORDER], async (server) => {
    const channel = "$state:free:7";
    const [one, two] = [await Client.connect(server.port, { user: "a" }),
      await Client.connect(server.port, { user: "b" })];
    await two.subscribe(channel);
    const move = (to) =>
      ({ channel, item: "machine/order", json: JSON.stringify(to) });
    const early = await refused(one, move("shipped"));
    assert.deepEqual([early.code, early.message, early.field],
      ["CODE_ILLEGAL_TRANSITION", "order is cart; allowed: paid",
        "machine/order"]);
    await one.request({ publish: move("paid") });
    const changes = await two.publications(2);
    assert.deepEqual(changes.map((c) => c.value), ["paid", "cart"]);
    await one.request({ publish: move("paid") });
    const denied = await refused(one, move("shipped"));
    assert.deepEqual([denied.code, denied.message],
      ["CODE_PERMISSION_DENIED", "order is paid; allowed: nothing"]);
    const order = { scope: "free", id: "7", machine: "order" };
    const info = await api(server, "machine_get", order);
    assert.deepEqual([info.state, info.allowed, info.user],
      ["paid", ["cart", "shipped"], "a"]);
    await api(server, "state_set", { scope: "free", id: "7",
      key: "machine/order", json: "shipped" });
    assert.deepEqual((await two.publications(2)).map((c) => c.value),
      ["paid", "shipped"]);
    const late = await ask(server, "state_set", { scope: "free", id: "7",
      key: "machine/order", json: "cart" });
    assert.equal(late.status, 409);
    assert.equal(late.json.error.name, "ILLEGAL_TRANSITION");
    const none = await ask(server, "machine_get", { ...order, machine: "x" });
    assert.equal(none.json.error.name, "UNKNOWN_MACHINE");
  }));

test("a machine that makes no sense stops the server from starting", async () => {
  const { code, log } = await Server.run(["serve", "--listen.public",
    "localhost:0", "--machines",
    JSON.stringify([{ ...ORDER, initial: "shipped" }])]);
  assert.equal(code, 2);
  assert.match(log, /machines\[0\]\.states: nothing leads from 'shipped'/);
});

/* ---- connections ------------------------------------------------------------- */

/** Ask until the reply is as wanted. */
async function until(server, method, body, test) {
  for (let i = 0; i < 200; i++) {
    const reply = await api(server, method, body);
    if (test(reply)) return reply;
    await new Promise((r) => setTimeout(r, 25));
  }
  throw new Error(`${method}: not seen: ${test}`);
}

const changesOf = ({ changes = [] }) =>
  changes.map(({ from, to }) => `${from}>${to}`).reverse();

test("connections are seen idle, lost, back and gone", () => withBackend({},
  (backend) => withServer({ args: ["--connection.idle_after", "300ms",
    "--connection.grace", "1500ms", "--ping.interval", "1s", "--workers", "2",
    ...backend.args("connection")] },
  async (server) => {
    const instance = Buffer.alloc(16, 7).toString("base64");
    const me = { user: "ada", instance };
    const by = { user: "ada" };
    const first = await Client.connect(server.port, me);
    await until(server, "connections", { ...by, state: "idle" },
      ({ connections }) => connections?.length === 1);
    first.ws.destroy();
    const lost = await until(server, "connections",
      { ...by, state: "reconnecting" }, ({ connections }) => connections);
    assert.equal(lost.connections[0].connection, first.welcome.connection);
    assert.ok(Number(lost.connections[0].stateSinceMs) > 1.7e12);
    const again = await Client.connect(server.port, me);
    await until(server, "connection_log", by,
      (log) => changesOf(log).length === 4);
    /* The next line is another worker's: of the same millisecond, either could
     * come first. */
    await new Promise((r) => setTimeout(r, 5));
    again.ws.destroy();
    const log = await until(server, "connection_log", by,
      (reply) => changesOf(reply).at(-1)?.endsWith("disconnected"));
    assert.deepEqual(changesOf(log), ["none>connected", "connected>idle",
      "idle>reconnecting", "reconnecting>connected",
      "connected>reconnecting", "reconnecting>disconnected"]);
    const hooked = [];
    while (hooked.length < 6) {
      const { body } = await backend.next("connection");
      if (body.who.user === "ada") hooked.push(`${body.from}>${body.to}`);
    }
    assert.deepEqual([...hooked].sort(), changesOf(log).sort());
    const bad = await ask(server, "connections", { state: "away" });
    assert.equal(bad.status, 400);
  })));
