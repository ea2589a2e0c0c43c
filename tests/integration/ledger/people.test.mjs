// SPDX-License-Identifier: MIT
// people.test.mjs - rows M4, M5 and P1 to P4 of docs/ledger.md: messages to people,
// groups, and who is where.

import assert from "node:assert/strict";
import { test } from "node:test";
import { api, ask } from "../support/api.mjs";
import { run } from "../support/cli.mjs";
import {
  fails, inDevelopment, listTo, refusedConfig, until,
} from "../support/sdk.mjs";
import { Groups } from "../../../wasm/dist/groups.js";
import {
  mergePatch, presence, presenceOf, presenceStats, send,
} from "../../../wasm/dist/people.js";

const SEND = { to_user: "user", to_client: "user", to_connection: "user",
  to_channels: "subscriber", to_everybody: "user" };
const AT_ONCE = { grace: 0, coalesce: 0 };

test("M4 a message reaches a user, a client, a connection, a group, channels, all",
  () => inDevelopment({ send: SEND }, async (t) => {
    const [ann, bob, eve] = await t.joinAll("ann", "bob", "eve");
    const bob2 = await t.join("bob");
    const all = { ann, bob, bob2, eve };
    const heard = Object.fromEntries(Object.entries(all).map(([name, client]) =>
      [name, listTo(client, "message", (m) => m)]));
    await api(t.server, "group_create", { group: "team", members: [
      { user: "ann", role: "member" }, { user: "eve", role: "member" }] });
    for (const client of [ann, bob, eve]) await t.live(client, "room:a");
    await t.live(bob2, "room:b");
    await t.live(ann, "room:b");

    const addresses = [
      ["user", { user: "bob" }, ["bob", "bob2"]],
      ["client", { client: bob2.info.clientId }, ["bob2"]],
      ["connection", { connection: bob.info.connectionId }, ["bob"]],
      ["group", { group: "team" }, ["ann", "eve"]],
      ["channels", { channels: ["room:a", "room:b"] },
        ["ann", "bob", "bob2", "eve"]],
      ["everybody", { everybody: true }, ["ann", "bob", "bob2", "eve"]],
    ];
    for (const [kind, to, names] of addresses) {
      const receivers = await send(ann, to, { kind }, { event: "note" });
      assert.equal(receivers, names.length, kind);
      await until(() => names.every((n) => heard[n].at(-1)?.to === kind), kind);
      for (const [name, list] of Object.entries(heard)) {
        assert.equal(list.length, Number(names.includes(name)),
          `${kind}: ${name}`);
        const [message] = list.splice(0);
        if (!message) continue;
        assert.deepEqual([message.event, message.data, message.user],
          ["note", { kind }, "ann"]);
        assert.equal(message.own, name === "ann");
        if (kind === "group") assert.equal(message.group, "team");
      }
    }
    // Without the sender, from a terminal, and by the application.
    assert.equal(await send(ann, { everybody: true }, 1, { echo: false }), 3);
    await until(() => heard.eve.length === 1);
    const sent = await run(["send", "--to-user", "bob", '"hi"', "--user", "eve"],
      { server: t.server });
    assert.equal(sent.code, 0, sent.err);
    await api(t.server, "send", { everybody: true, json: "all" });
    await until(() => heard.bob.at(-1)?.data === "all");
    assert.ok(heard.bob.some((m) => m.data === "hi" && m.user === "eve"));
    assert.equal(heard.bob.at(-1).clientId, null);
  }));

test("M4 bad input: no address, two, and one that is not allowed", () =>
  inDevelopment({ send: { to_user: "user" } }, async (t) => {
    const ann = await t.join("ann");
    await fails("BAD_REQUEST", send(ann, {}, 1));
    await fails("BAD_REQUEST", send(ann, { user: "a", group: "b" }, 1));
    await fails("PERMISSION_DENIED", send(ann, { everybody: true }, 1));
    assert.equal(await send(ann, { user: "nobody" }, 1), 0);
  }));

test("M5 a group has members with roles, which say what they may", () =>
  inDevelopment({
    groups: { create: "user" }, namespaces: [{ name: "team",
      presence: AT_ONCE, channel: { group: "team:{1}" }, allow: {
        subscribe: "member", publish: "role:editor role:owner",
        presence: "member" } }],
  }, async (t) => {
    const [ann, bob, eve] = await t.joinAll("ann", "bob", "eve");
    const groups = new Groups(ann), channel = "team:red", group = "team:red";
    await groups.create(group);
    const permissions = ["read", "publish", "presence", "app:approve"];
    await groups.setRole(group, "editor", permissions);
    assert.equal(await groups.add(group, ["bob"], "editor"), 2);
    assert.deepEqual((await groups.get(group)).members, [
      { user: "ann", role: "owner" }, { user: "bob", role: "editor" }]);
    const roles = (await groups.get(group)).roles;
    assert.deepEqual(roles.find((r) => r.role === "editor").permissions,
      permissions);
    // Is-in-group.
    assert.equal(await groups.roleOf(group, "bob"), "editor");
    assert.equal(await groups.roleOf(group, "eve"), null);
    assert.deepEqual((await groups.list({ user: "ann" })).map((g) => g.group),
      [group]);
    assert.equal((await t.refused(eve, channel)).name, "PERMISSION_DENIED");
    const room = await t.live(bob, channel, { presence: true });
    room.enter();
    await until(() => room.members.size === 1);
    await bob.publish(channel, "by an editor");
    // Presence by group, and a message to a group.
    assert.deepEqual(await presenceOf(ann, { group }),
      [{ user: "bob", channel, clients: 1 }]);
    const heard = listTo(bob, "message", (m) => [m.to, m.group, m.data]);
    assert.equal(await send(ann, { group }, "all of you", { echo: false }), 1);
    await until(() => heard.length === 1);
    assert.deepEqual(heard, [["group", group, "all of you"]]);
    // A right that is lost ends what rests on it.
    await groups.remove(group, "bob");
    await until(() => room.state === "ended");
    await fails("PERMISSION_DENIED", bob.publish(channel, 1));
    await groups.delete(group);
    const { json } = await ask(t.server, "group_get", { group });
    assert.equal(json.error.name, "NO_SUCH_GROUP");
  }));

test("M5 bad input: what a role does not permit, and roles that are none", () =>
  inDevelopment({ groups: { create: "user" } }, async (t) => {
    const [ann, bob, eve] = await t.joinAll("ann", "bob", "eve");
    const ours = new Groups(ann), theirs = new Groups(bob);
    const manage = ["read", "members", "manage"];
    await ours.create("g", { roles: [
      { role: "owner", permissions: manage },
      { role: "moderator", permissions: manage },
      { role: "guest", permissions: ["read"] },
    ], members: [{ user: "bob", role: "moderator" },
      { user: "eve", role: "guest" }] });
    await fails("GROUP_EXISTS", ours.create("g"));
    await fails("NO_SUCH_ROLE", ours.add("g", "x", "king"));
    await fails("ROLE_IN_USE", ours.removeRole("g", "guest"));
    await fails("BAD_REQUEST", ours.setRole("g", "x", ["fly"]));
    await fails("PERMISSION_DENIED", new Groups(eve).add("g", "x", "guest"));
    // A moderator is no match for the owner.
    const error = await fails("PERMISSION_DENIED", theirs.remove("g", "ann"));
    assert.match(error.message, /stands before/);
    await fails("PERMISSION_DENIED", theirs.add("g", "bob", "owner"));
    await theirs.remove("g", "eve");
  }));

const users = (sub) =>
  [...sub.members.values()].map((m) => `${m.user} ${m.state}`).sort();

test("P1 members enter, change and leave; clients and users are counted", () =>
  inDevelopment({ presence: AT_ONCE }, async (t) => {
    const [ann, bob] = await t.joinAll("ann", "bob");
    const phone = await t.join("ann");
    const seen = await t.live(bob, "room:a", { presence: true });
    const changes = listTo(seen, "presence", (e) =>
      [e.kind, e.member.user, e.first, e.last].join(" "));
    const a = await t.live(ann, "room:a"), b = await t.live(phone, "room:a");
    const mine = { name: "Ann", level: 3 };
    a.enter("online", mine);
    await until(() => changes.length === 1);
    b.enter("online");
    await until(() => changes.length === 2);
    a.update("busy", mergePatch(mine, { level: 4, name: null }));
    await until(() => changes.length === 3);
    assert.deepEqual(seen.members.get(ann.info.clientId).data, { level: 4 });
    assert.deepEqual(users(seen), ["ann busy", "ann online"]);
    const stats = await presenceStats(bob, "room:a");
    assert.deepEqual([stats.clients, stats.users], [2, 1]);
    const listed = await bob.members("room:a");
    assert.deepEqual(listed.map((m) => m.user), ["ann", "ann"]);
    a.leave();
    await until(() => changes.length === 4);
    b.leave();
    await until(() => changes.length === 5);
    assert.deepEqual(changes, ["enter ann true false", "enter ann false false",
      "update ann false false", "leave ann false false", "leave ann false true"]);
    const command = await run(["presence", "room:a"], { server: t.server });
    assert.equal(command.code, 0, command.err);
  }));

test("P1 bad input: more than a member may tell, and presence that is off", () =>
  inDevelopment({ limits: { max_presence_bytes: 64 },
    namespaces: [{ name: "off", presence: { enabled: false } }],
  }, async (t) => {
    const ann = await t.join("ann");
    const room = await t.live(ann, "room:a");
    await fails("TOO_BIG",
      (async () => room.enter("online", "x".repeat(100)))());
    const off = await t.live(ann, "off:a");
    off.enter("online");
    await until(() => t.errors.length > 0);
    assert.deepEqual(t.errors.splice(0).map((e) => e.name), ["PERMISSION_DENIED"]);
  }));

test("P2 states are those of the namespace, and change by themselves", () =>
  inDevelopment({ namespaces: [{ name: "desk", presence: { ...AT_ONCE,
    states: "online, away, busy",
    transitions: "online 300ms away, away 1500ms offline" } }],
  }, async (t) => {
    const [ann, bob] = await t.joinAll("ann", "bob");
    const seen = await t.live(bob, "desk:1", { presence: true });
    const changes = listTo(seen, "presence", (e) =>
      `${e.kind} ${e.member.state}`);
    const desk = await t.live(ann, "desk:1");
    desk.enter("online");
    await until(() => changes.at(-1) === "update away");
    await ann.publish("desk:1", "an act");
    await until(() => changes.at(-1) === "update online");
    await until(() => changes.at(-1)?.startsWith("leave"));
    assert.deepEqual(changes.slice(0, 3),
      ["enter online", "update away", "update online"]);
    // Bad input: a state that there is not.
    desk.enter("dancing");
    await until(() => t.errors.length > 0);
    assert.equal(t.errors.splice(0)[0].name, "UNKNOWN_STATE");
  }));

test("P2 bad input: transitions that lead in a circle stop the start", async () => {
  assert.match(await refusedConfig({ presence: {
    transitions: "online 1m away, away 1m online" } }), /transitions/);
});

test("P3 presence is asked by channel, group, state and field, and in numbers", () =>
  inDevelopment({ presence: AT_ONCE }, async (t) => {
    const clients = await t.joinAll("ann", "bob", "eve");
    const [ann] = clients;
    for (const [i, client] of clients.entries()) {
      const room = await t.live(client, "room:a");
      room.enter(i === 0 ? "busy" : "online",
        { level: i, place: { floor: i % 2 } });
    }
    await api(t.server, "group_create", { group: "team", members: [
      { user: "ann", role: "member" }, { user: "bob", role: "member" }] });
    await until(async () =>
      (await presenceStats(ann, "room:a")).clients === 3);
    const ask = async (query) =>
      (await presence(ann, "room:a", query)).members.map((m) => m.user).sort();
    assert.deepEqual(await ask({ state: "online" }), ["bob", "eve"]);
    assert.deepEqual(await ask({ group: "team" }), ["ann", "bob"]);
    assert.deepEqual(await ask({ user: "eve" }), ["eve"]);
    assert.deepEqual(await ask({ where: [
      { field: "level", is: "at-least", value: 1 },
      { field: "place.floor", value: 0 }] }), ["eve"]);
    const pages = [];
    for (let after; ;) {
      const page = await presence(ann, "room:a",
        { limit: 2, ...(after ? { after } : {}) });
      pages.push(page.members.length);
      if ((after = page.next ?? undefined) === undefined) break;
    }
    assert.deepEqual(pages, [2, 1]);
    const { states } = await presenceStats(ann, "room:a");
    assert.deepEqual([...states].sort(), [["busy", 1], ["online", 2]]);
    assert.deepEqual(await presenceOf(ann, { user: "ann" }),
      [{ user: "ann", channel: "room:a", clients: 1 }]);
    // Bad input: a comparison that there is not, and somebody else's places.
    await fails("BAD_REQUEST", presence(ann, "room:a",
      { where: [{ field: "a", is: "like", value: 1 }] }));
    await fails("PERMISSION_DENIED", presenceOf(ann, { user: "bob" }));
  }));

test("P4 a user is in many rooms; who comes back in time never left", () =>
  inDevelopment({ presence: { grace: "5s", coalesce: 0 } }, async (t) => {
    const [ann, bob] = await t.joinAll("ann", "bob");
    const rooms = ["room:a", "room:b", "room:c"];
    for (const name of rooms) (await t.live(ann, name)).enter();
    await until(async () => (await api(t.server, "presence_of",
      { user: "ann" })).places?.length === 3);
    const seen = await t.live(bob, "room:a", { presence: true });
    const versions = [], changes = listTo(seen, "presence", (e) => e.kind);
    await until(() => seen.members.size === 1);
    seen.on("members", (e) => versions.push(e.version));
    changes.length = 0;
    await api(t.server, "disconnect", { user: "ann", code: 100 });
    await until(() => ann.state !== "ready");
    await ann.ready();
    (await t.live(bob, "room:b")).enter();
    assert.deepEqual(changes, []);
    assert.deepEqual((await presenceOf(ann, { user: "ann" }))
      .map((p) => p.channel).sort(), rooms);
    assert.deepEqual(versions, []);
  }));

test("P4 large channels tell numbers and a sample, and say so", () =>
  inDevelopment({ namespaces: [
    { name: "crowd", presence: { ...AT_ONCE, full_limit: 4, sample: 2,
      counts_interval: "50ms" } },
    { name: "many", presence: { ...AT_ONCE, mode: "counts",
      counts_interval: "50ms" } },
  ] }, async (t) => {
    const bob = await t.join("bob");
    const crowd = await t.live(bob, "crowd:a", { presence: true });
    const many = await t.live(bob, "many:a", { presence: true });
    const told = listTo(crowd, "members"), counted = listTo(many, "members");
    const rooms = [];
    for (let i = 0; i < 6; i++) {
      const client = await t.join(`user${i}`);
      for (const name of ["crowd:a", "many:a"]) {
        rooms.push(await t.live(client, name));
        rooms.at(-1).enter();
      }
    }
    await until(() => told.at(-1)?.mode === "sampled" &&
      told.at(-1).clients === 6 && told.at(-1).members.size === 2);
    await until(() => counted.at(-1)?.clients === 6);
    assert.equal(counted.at(-1).mode, "counts");
    assert.equal(many.members.size, 0);
    for (const room of rooms.slice(0, 8)) room.leave();
    await until(() => told.at(-1).mode === "full" && crowd.members.size === 2);
    // Bad input: a channel without a name.
    const { status, json } = await ask(t.server, "presence_stats", {});
    assert.deepEqual([status, json.error.name], [400, "BAD_CHANNEL"]);
  }));
