// SPDX-License-Identifier: MIT
// states.test.mjs - rows C2, S1, S2 and R1 of docs/ledger.md: the server's view of
// connections, shared state, state machines, events.

import assert from "node:assert/strict";
import { test } from "node:test";
import { api, ask } from "../support/api.mjs";
import { withBackend } from "../support/backend.mjs";
import { run } from "../support/cli.mjs";
import {
  fails, inDevelopment, listTo, refusedConfig, until,
} from "../support/sdk.mjs";
import { Events } from "../../../wasm/dist/events.js";
import { SharedState } from "../../../wasm/dist/state.js";

test("C2 the server knows the state of each connection, since when, and tells it",
  () => withBackend({}, (backend) => inDevelopment({
    connection: { idle_after: "1s", grace: "5s" },
    ping: { interval: "1s", timeout: "5s" },
  }, async (t) => {
    const ann = await t.join("ann", { retry: { baseMs: 60000, capMs: 60000,
      jitter: 0 } });
    const states = async (query = {}) => ((await api(t.server, "connections",
      query)).connections ?? []).map((c) => [c.user, c.state]);
    const [first] = (await api(t.server, "connections", {})).connections;
    assert.equal(first.state, "connected");
    assert.ok(Math.abs(Date.now() - Number(first.stateSinceMs)) < 30000);
    await until(async () => (await states({ state: "idle" })).length === 1);
    await ann.publish("room:a", 1);
    await until(async () => (await states({ state: "connected" })).length === 1);
    // Lost, and waited for; back; gone for good.
    await api(t.server, "disconnect", { user: "ann", code: 100 });
    await until(async () => (await states({ state: "reconnecting" })).length);
    ann.connect();
    await ann.ready();
    await until(async () => (await states({ state: "connected" })).length === 1);
    assert.deepEqual(await states({ state: "reconnecting" }), []);
    ann.close();
    await until(async () => (await states()).length === 0);
    const { changes } = await until(async () => {
      const log = await api(t.server, "connection_log", {});
      return log.changes?.some((c) => c.to === "disconnected") && log;
    });
    const told = changes.map((c) => c.to);
    for (const state of ["connected", "idle", "reconnecting", "disconnected"])
      assert.ok(told.includes(state), `${state} in ${told}`);
    const hooked = [];
    while (!hooked.includes("disconnected"))
      hooked.push((await backend.next("connection")).body.to);
    assert.ok(hooked.includes("idle") && hooked.includes("reconnecting"));
    // Bad input: a state that there is not.
    const { status, json } = await ask(t.server, "connections",
      { state: "dancing" });
    assert.deepEqual([status, json.error.name], [400, "BAD_REQUEST"]);
  }, { args: backend.args("connection") })));

test("S1 keys are shared in scopes, versioned, watched, compared, and expire", () =>
  inDevelopment({ groups: { create: "user" } }, async (t) => {
    const [ann, bob] = await t.joinAll("ann", "bob");
    const mine = new SharedState(ann, "user", "ann");
    const phone = new SharedState(await t.join("ann"), "user", "ann");
    await Promise.all([mine.loaded(), phone.loaded()]);
    const changes = listTo(phone, "change", (c) => [c.item, c.value]);
    const { position } = await mine.set("theme", "dark");
    await until(() => phone.get("theme") === "dark");
    assert.deepEqual(phone.position("theme"), position);
    assert.deepEqual(changes, [["theme", "dark"]]);
    await mine.set("theme", "light", { compareItem: position });
    await fails("CONFLICT", mine.set("theme", "x", { compareItem: position }));
    await Promise.all(Array.from({ length: 5 }, () =>
      phone.update("visits", (n = 0) => n + 1)));
    await until(() => mine.get("visits") === 5);
    await mine.set("brief", 1, { ttlMs: 200 });
    await until(() => phone.has("brief"));
    await until(() => !phone.has("brief"));
    // Every scope: a connection, a channel, a group, a name.
    await t.live(ann, "room:a");
    await api(t.server, "group_create",
      { group: "g", members: [{ user: "ann", role: "owner" }] });
    for (const [scope, id] of [["connection", ann.info.clientId],
      ["channel", "room:a"], ["group", "g"], ["free", "board"]]) {
      const state = new SharedState(ann, scope, id);
      await state.loaded();
      await state.set("k", scope);
      await until(() => state.get("k") === scope);
    }
    // Bad input: what is not one's own.
    const theirs = new SharedState(bob, "user", "ann");
    await assert.rejects(theirs.loaded());
    await fails("PERMISSION_DENIED", theirs.set("theme", "mine"));
    const command = await run(["state", "get", "user", "ann", "theme"],
      { env: { GODWIT_API: `http://127.0.0.1:${t.server.internal}` } });
    assert.match(command.out, /light/);
  }));

const ORDER = { name: "order", attach: "free",
  states: ["cart", "paid", "shipped", "lost"], transitions: [
    { from: "cart", to: "paid" }, { from: "paid", to: "cart", after: "600ms" },
    { from: "paid", to: "shipped", who: "nobody" },
    { from: "*", to: "lost", who: "nobody" }] };

test("S2 state is inherited along a path, and machines move as they may", () =>
  inDevelopment({ machines: [ORDER, { name: "door", attach: "channel",
    namespace: "room", states: ["open", "shut"], transitions: [
      { from: "open", to: "shut" }, { from: "shut", to: "open" }] }],
    namespaces: [{ name: "room" }],
  }, async (t) => {
    const [ann, bob] = await t.joinAll("ann", "bob");
    const state = new SharedState(ann, "free", "order-7");
    await state.loaded();
    await state.set("a", 1);
    await state.set("a/b", 2);
    await until(() => state.size === 2);
    assert.deepEqual(state.effective("a/b/c"), { value: 2, from: "a/b" });
    assert.deepEqual(state.effective("a/x"), { value: 1, from: "a" });
    const watched = [];
    state.watch("a/b/c", ({ value, from }) => watched.push([value, from]));
    await state.remove("a/b");
    await until(() => watched.length > 0);
    assert.deepEqual(watched.at(-1), [1, "a"]);
    const one = await api(t.server, "state_get", { scope: "free",
      id: "order-7", key: "a/b/c", inherit: true });
    assert.match(JSON.stringify(one), /"a"/);

    const order = state.machine("order"), seen = [];
    new SharedState(bob, "free", "order-7").machine("order")
      .watch((to) => seen.push(to));
    assert.equal((await order.read()).state, "cart");
    await order.move("paid");
    await until(() => seen.includes("paid"));
    // Bad input: a transition that there is not names those that there are.
    const error = await fails("PERMISSION_DENIED", order.move("shipped"));
    assert.equal(error.state, "paid");
    await until(() => seen.at(-1) === "cart", "a move by itself");
    const illegal = await fails("ILLEGAL_TRANSITION", order.move("shipped"));
    assert.deepEqual([illegal.state, illegal.allowed], ["cart", ["paid"]]);
    await api(t.server, "state_set", { scope: "free", id: "order-7",
      key: "machine/order", json: "lost" });
    await until(() => seen.at(-1) === "lost");
    const { state: now, allowed } = await order.read();
    assert.deepEqual([now, allowed], ["lost", []]);
    // Per context: a machine of the channels of one namespace.
    await t.live(ann, "room:a");
    const room = new SharedState(ann, "channel", "room:a");
    await room.loaded();
    await room.machine("door").move("shut");
    await fails("UNKNOWN_MACHINE", room.machine("order").move("paid"));
  }));

test("S2 bad input: machines that cannot be stop the start", async () => {
  for (const [wrong, why] of [
    [{ ...ORDER, transitions: [{ from: "cart", to: "gone" }] }, /gone/],
    [{ ...ORDER, attach: "planet" }, /planet|attach/]])
    assert.match(await refusedConfig({ machines: [wrong] }), why);
});

test("R1 named events go down and up, are stopped, and system events with them",
  () => inDevelopment({ presence: { grace: 0, coalesce: 0 } }, async (t) => {
    const [ann, bob] = await t.joinAll("ann", "bob");
    const events = new Events(ann), order = [];
    const sub = await t.live(ann, "chat:1", { presence: true });
    const room = events.channel(sub);
    const note = (place) => ({ name, data, channel }) =>
      order.push([place, name, data?.n, channel]);
    events.on("message.*", note("all, down"), { capture: true });
    events.on("message.*", note("all, up"));
    events.namespace("chat").on("message.*", (e) => {
      note("namespace")(e);
      if (e.data.n === 2) e.stopPropagation();
    });
    room.on("message.sent", (e) => {
      note("room")(e);
      if (e.data.n === 3) e.stopImmediatePropagation();
    });
    room.on(">", note("room, second"));
    const theirs = new Events(bob).channel(await t.live(bob, "chat:1"));
    for (const n of [1, 2, 3]) await theirs.emit("message.sent", { n });
    await until(() => order.some(([, , n]) => n === 3));
    const of = (n) => order.filter((o) => o[2] === n).map(([place]) => place);
    assert.deepEqual(of(1),
      ["all, down", "room", "room, second", "namespace", "all, up"]);
    assert.deepEqual(of(2),
      ["all, down", "room", "room, second", "namespace"]);
    assert.deepEqual(of(3).slice(0, 2), ["all, down", "room"]);
    assert.ok(!of(3).includes("room, second"));
    assert.ok(order.every((o) => o[3] === "chat:1"), "the context");
    // A plain message is no event; one of a terminal is.
    await bob.publish("chat:1", { n: 9 });
    const sent = await run(["publish", "chat:1", '{"n":4}', "--tag",
      "event=message.sent"], { server: t.server });
    assert.equal(sent.code, 0, sent.err);
    await until(() => of(4).length > 0);
    assert.deepEqual(of(9), []);
    // System events use the same handlers.
    const system = [];
    events.on("$connection.>", ({ name }) => system.push(name));
    events.on("$presence.*", ({ name }) => system.push(name));
    (bob.subscribe("chat:1")).enter();
    await until(() => system.includes("$presence.enter"));
    await api(t.server, "disconnect", { user: "ann", code: 100 });
    await until(() => system.includes("$connection.ready"));
    assert.ok(system.includes("$connection.waiting"));
    // Bad input: a name of the system's, and one that is none.
    assert.throws(() => theirs.emit("$presence.enter", 1), TypeError);
    assert.throws(() => theirs.emit("", 1), TypeError);
  }));
