// SPDX-License-Identifier: MIT
// people.test.mjs - presence in its modes, groups with roles, messages to people:
// several clients on several workers of the real server.

import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { api, ask } from "./support/api.mjs";
import { Client, connectMany } from "./support/client.mjs";
import { withServer } from "./support/server.mjs";

const CONFIG = `
send:
  to_user: user
groups:
  create: user
presence:
  grace: 0
  coalesce: 10ms
namespaces:
  - name: team
    channel:
      group: "team:{1}"
    allow:
      subscribe: member
      publish: role:editor
  - name: crowd
    presence:
      grace: 0
      coalesce: 10ms
      full_limit: 5
      large: sampled
      sample: 3
      counts_interval: 50ms
  - name: desk
    presence:
      grace: 0
      coalesce: 10ms
      states: online, away, busy
      transitions: online 200ms away, away 4s offline
`;

/** Runs fn(server) with four workers and the configuration above, where claimed
 * names count. */
async function withPeople(fn) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "godwit-people-"));
  const file = path.join(folder, "godwit.yaml");
  fs.writeFileSync(file, CONFIG);
  try {
    await withServer(
      { workers: 4, args: ["--dev", "true", "--config", file] }, fn);
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

const connect = (server, user) => Client.connect(server.port, { user });

/** A remote call of godwit.METHOD: the reply, or the error's name. */
async function call(client, method, request) {
  const frame = await client.request(
    { rpc: { method: `godwit.${method}`, json: JSON.stringify(request) } });
  return frame.rpcResult ? JSON.parse(frame.rpcResult.json) : frame.error;
}

const DENIED = "CODE_PERMISSION_DENIED";

async function denied(client, method, request, code = DENIED) {
  assert.equal((await call(client, method, request)).code, code, method);
}

const closeAll = (clients) => Promise.all(clients.map((c) => c.close()));

/** Enter the channel that was subscribed first. */
async function enter(client, set = {}) {
  const { error } = await client.request(
    { channel: 1, alias: true, presenceSet: set });
  return error?.code ?? null;
}

/* ---- messages ----------------------------------------------------------------- */

test("a message reaches all connections of its user, on all workers", () =>
  withPeople(async (server) => {
    const ann = await connectMany(server.port, 8, { user: "ann" });
    const bob = await connect(server, "bob");
    const { sent } = await bob.request({ send: { user: "ann", event: "hi",
      json: '{"n":1}' } });
    assert.equal(sent.receivers, 8);
    for (const client of ann) {
      const { message } = await client.next("message");
      assert.deepEqual({ ...message, timeMs: 0 }, { client: bob.welcome.client,
        user: "bob", event: "hi", json: '{"n":1}', timeMs: 0 });
    }
    const refused = await bob.request({ send: { everybody: true } });
    assert.equal(refused.error.code, DENIED);
    const { receivers } = await api(server, "send",
      { everybody: true, json: "all" });
    assert.equal(receivers, 9);
    for (const client of [...ann, bob]) {
      const { message } = await client.next("message");
      assert.equal(message.json, '"all"');
      assert.equal(message.to, "ADDRESS_EVERYBODY");
    }
    assert.deepEqual(await call(bob, "send", { user: "nobody" }), {});
    await closeAll([...ann, bob]);
  }));

test("a message to channels reaches each subscriber once", () =>
  withPeople(async (server) => {
    const clients = await connectMany(server.port, 6);
    for (const [i, client] of clients.entries()) {
      await client.subscribe("a");
      if (i % 2 === 0) await client.subscribe("b");
    }
    const { receivers } = await api(server, "send",
      { channels: ["a", "b"], json: 1 });
    assert.equal(receivers, 6);
    const last = { everybody: true, json: "last" };
    await api(server, "send", last);
    for (const client of clients) {
      assert.equal((await client.next("message")).message.json, "1");
      assert.equal((await client.next("message")).message.json, '"last"');
    }
    await closeAll(clients);
  }));

/* ---- groups --------------------------------------------------------------------- */

test("a group lets its members in, and its roles say what they may", () =>
  withPeople(async (server) => {
    const [ann, bob, eve] = await Promise.all(
      ["ann", "bob", "eve"].map((user) => connect(server, user)));
    await call(ann, "group_create", { group: "team:red", roles: [
      { role: "owner", permissions: ["read", "manage", "members"] },
      { role: "editor", permissions: ["read", "publish", "send"] },
    ] });
    await denied(bob, "group_create", { group: "team:red" }, "CODE_GROUP_EXISTS");
    await denied(bob, "group_add",
      { group: "team:red", users: ["bob"], role: "editor" });
    const { members } = await call(ann, "group_add",
      { group: "team:red", users: ["bob"], role: "editor" });
    assert.equal(members, 2);

    await ann.subscribe("team:red");
    await bob.subscribe("team:red");
    await assert.rejects(eve.subscribe("team:red"), /PERMISSION_DENIED/);
    await bob.publish("team:red", 1);
    const refused = await ann.request(
      { publish: { channel: "team:red", json: "2" } });
    assert.equal(refused.error.code, DENIED);

    // Members see the group, others do not.
    assert.equal((await call(ann, "group_get", { group: "team:red" }))
      .numMembers, 2);
    await denied(eve, "group_get", { group: "team:red" });
    assert.deepEqual((await call(bob, "groups", { user: "bob" })).groups
      .map(({ group, role }) => [group, role]), [["team:red", "editor"]]);

    const { sent } = await bob.request({ send: { group: "team:red", json: "3",
      noEcho: true } });
    assert.equal(sent.receivers, 1);
    assert.equal((await ann.next("message")).message.group, "team:red");
    await closeAll([ann, bob, eve]);
  }));

test("who leaves a group is put out of its channels on every worker", () =>
  withPeople(async (server) => {
    await api(server, "group_create", { group: "team:red",
      members: [{ user: "ann", role: "owner" }, { user: "bob", role: "member" }] });
    const ann = await connect(server, "ann");
    const bobs = await connectMany(server.port, 8, { user: "bob" });
    for (const client of [ann, ...bobs]) await client.subscribe("team:red");
    await api(server, "group_remove", { group: "team:red", users: ["bob"] });
    for (const client of bobs) {
      const { unsubscribed } = await client.next("unsubscribed");
      assert.equal(unsubscribed.code, DENIED);
    }
    // A role that loses its permission does the same.
    await api(server, "group_add",
      { group: "team:red", users: ["bob"], role: "member" });
    await bobs[0].request(
      { channel: 9, alias: true, subscribe: { channel: "team:red" } });
    await api(server, "group_set_role",
      { group: "team:red", role: "member", permissions: ["send"] });
    await bobs[0].next("unsubscribed");
    const busy = await ask(server, "group_set_role",
      { group: "team:red", role: "member", remove: true });
    assert.equal(busy.json.error.name, "ROLE_IN_USE");
    await api(server, "group_delete", { group: "team:red" });
    await ann.next("unsubscribed");
    const gone = await ask(server, "group_get", { group: "team:red" });
    assert.equal(gone.status, 404);
    assert.equal(gone.json.error.name, "NO_SUCH_GROUP");
    await closeAll([ann, ...bobs]);
  }));

test("many groups change at once and end the same on all workers", () =>
  withPeople(async (server) => {
    const names = Array.from({ length: 30 }, (_, i) => `team:${i}`);
    await Promise.all(names.map((group) => api(server, "group_create",
      { group, members: [{ user: "ann", role: "owner" }] })));
    for (let i = 0; i < 10; i++)
      await Promise.all(names.map((group) => api(server, "group_add",
        { group, users: [`user${i}`], role: "member" })));
    const { groups } = await api(server, "groups", { user: "user3" });
    assert.equal(groups.length, 30);
    assert.ok(groups.every(({ members }) => members === 11));
    // Whatever worker a client is on, it is let in at once.
    const clients = await connectMany(server.port, 12, { user: "user3" });
    for (const client of clients)
      for (const name of names.slice(0, 3)) await client.subscribe(name);
    await closeAll(clients);
  }));

/* ---- presence --------------------------------------------------------------------- */

test("a user enters with the first client and leaves with the last", () =>
  withPeople(async (server) => {
    const watcher = await connect(server, "watcher");
    await watcher.subscribe("room:a", { presence: true });
    await watcher.next("presenceSnapshot");
    const tabs = await connectMany(server.port, 3, { user: "ann" });
    const changes = [];
    const next = async () => {
      while (changes.length === 0) {
        const { presenceDiff } = await watcher.next("presenceDiff");
        changes.push(...presenceDiff.changes.map((c) => [
          c.kind ?? "PRESENCE_ENTER", c.first ?? false, c.last ?? false]));
      }
      return changes.shift();
    };
    for (const [i, tab] of tabs.entries()) {
      await tab.subscribe("room:a");
      await enter(tab);
      assert.deepEqual(await next(), ["PRESENCE_ENTER", i === 0, false]);
    }
    for (const [i, tab] of tabs.entries()) {
      await tab.close();
      assert.deepEqual(await next(), ["PRESENCE_LEAVE", false, i === 2]);
    }
    await watcher.close();
  }));

test("a page that is left leaves at once, a lost connection later", () =>
  withServer({ args: ["--dev", "true"] }, async (server) => {
    const watcher = await connect(server, "watcher");
    await watcher.subscribe("room:a", { presence: true });
    await watcher.next("presenceSnapshot");
    for (const [user, code] of [["lost", 1000], ["gone", 1001]]) {
      const client = await connect(server, user);
      await client.subscribe("room:a");
      await enter(client);
      await watcher.next("presenceDiff");
      await client.close(code);
    }
    const { presenceDiff } = await watcher.next("presenceDiff");
    assert.deepEqual(presenceDiff.changes.map((c) => [c.kind, c.member.user]),
      [["PRESENCE_LEAVE", "gone"]]);
    await watcher.close();
  }));

test("states are those of the namespace, and change by themselves", () =>
  withPeople(async (server) => {
    const watcher = await connect(server, "watcher");
    await watcher.subscribe("desk:a", { presence: true });
    await watcher.next("presenceSnapshot");
    const ann = await connect(server, "ann");
    await ann.subscribe("desk:a");
    assert.equal(await enter(ann, { state: "dancing" }), "CODE_UNKNOWN_STATE");
    assert.equal(await enter(ann, { state: "online", json: '{"a":1,"b":2}' }), null);
    const next = async () =>
      (await watcher.next("presenceDiff")).presenceDiff.changes[0];
    assert.equal((await next()).member.state, "online");
    assert.equal((await next()).member.state, "away");
    // A patch changes what it names; as an act it wakes the member, too.
    await enter(ann, { merge: true, json: '{"b":null,"c":{"d":3}}' });
    const { member } = await next();
    assert.equal(member.state, "online");
    assert.deepEqual(JSON.parse(member.json), { a: 1, c: { d: 3 } });
    assert.equal((await next()).member.state, "away");
    assert.equal((await next()).kind, "PRESENCE_LEAVE");
    await ann.publish("desk:a", "back");
    assert.equal((await next()).member.state, "online");
    await closeAll([ann, watcher]);
  }));

test("a crowd is told by numbers and a sample, until it is small again", () =>
  withPeople(async (server) => {
    const watcher = await connect(server, "watcher");
    await watcher.subscribe("crowd:a", { presence: true });
    await watcher.next("presenceSnapshot");
    const clients = await connectMany(server.port, 20);
    for (const client of clients) {
      await client.subscribe("crowd:a");
      await enter(client, { state: "here" });
    }
    const snapshot = async (mode) => {
      for (;;) {
        const { presenceSnapshot: s } = await watcher.next("presenceSnapshot");
        if ((s.mode ?? "PRESENCE_MODE_FULL") === mode) return s;
      }
    };
    let told = await snapshot("PRESENCE_MODE_SAMPLED");
    while (told.clients !== 20)
      told = (await watcher.next("presenceDiff")).presenceDiff;
    const { presenceSnapshot } =
      await watcher.request({ presenceGet: { channel: "crowd:a" } });
    assert.equal(presenceSnapshot.members.length, 3);
    assert.equal(presenceSnapshot.clients, 20);

    // Questions see all of them.
    const stats = await call(watcher, "presence_stats", { channel: "crowd:a" });
    assert.equal(stats.mode, "sampled");
    assert.deepEqual(stats.states, [{ state: "here", clients: 20 }]);
    let all = [];
    for (let after = "0"; after !== undefined;) {
      const page = await call(watcher, "presence",
        { channel: "crowd:a", limit: 7, after });
      all = [...all, ...page.members];
      after = page.next;
    }
    assert.equal(new Set(all.map(({ client }) => client)).size, 20);

    await closeAll(clients.slice(2));
    const { members } = await snapshot("PRESENCE_MODE_FULL");
    assert.ok(members.length <= 4, `${members.length} members`);
    await closeAll([watcher, ...clients.slice(0, 2)]);
  }));

test("presence answers by state, field, user and group", () =>
  withPeople(async (server) => {
    await api(server, "group_create", { group: "staff",
      members: [{ user: "u0", role: "member" }, { user: "u1", role: "member" }] });
    const clients = await Promise.all(
      Array.from({ length: 6 }, (_, i) => connect(server, `u${i % 3}`)));
    for (const [i, client] of clients.entries()) {
      await client.subscribe("room:a");
      await enter(client, { state: i < 4 ? "online" : "away",
        json: JSON.stringify({ level: i, place: { floor: i % 2 } }) });
    }
    // The owner hears of it a moment after the client is answered.
    let told = {};
    for (let i = 0; i < 400 && told.clients !== 6; i++) {
      await setTimeout(5);
      told = await api(server, "presence_stats", { channel: "room:a" });
    }
    const levels = async (query) =>
      (await api(server, "presence", { channel: "room:a", ...query }))
        .members?.map(({ json }) => json.level).sort() ?? [];
    assert.deepEqual(await levels({ state: "away" }), [4, 5]);
    assert.deepEqual(await levels({ user: "u2" }), [2, 5]);
    assert.deepEqual(await levels({ group: "staff" }), [0, 1, 3, 4]);
    assert.deepEqual(await levels({ where: [
      { field: "level", is: "GREATER", value: 1 },
      { field: "place.floor", value: 0 }] }), [2, 4]);
    assert.deepEqual(await levels({ where: [
      { field: "nothing", is: "EXISTS" }] }), []);
    const { places } = await api(server, "presence_of", { group: "staff" });
    assert.deepEqual(places, [{ user: "u0", channel: "room:a", clients: 2 },
      { user: "u1", channel: "room:a", clients: 2 }]);
    await closeAll(clients);
  }));
