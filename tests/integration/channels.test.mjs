// SPDX-License-Identifier: MIT
// channels.test.mjs - what namespaces give their channels, over the real binary:
// modes, patterns, filters, metadata, schemas, ends, events.

import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { test } from "node:test";
import { api, ask } from "./support/api.mjs";
import { withBackend } from "./support/backend.mjs";
import { Command, run } from "./support/cli.mjs";
import { Client } from "./support/client.mjs";
import { Server, withServer } from "./support/server.mjs";

/** A server with namespaces: { name: settings }. */
function withSpaces(spaces, fn, args = []) {
  const list = Object.entries(spaces).map(([name, more]) => ({ name, ...more }));
  return withServer(
    { args: ["--namespaces", JSON.stringify(list), ...args] }, fn);
}

/** A folder with files: { name: text or bytes }; gone after. */
async function withFiles(files, fn) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "godwit-files-"));
  const paths = {};
  for (const [name, content] of Object.entries(files)) {
    paths[name] = path.join(folder, name);
    fs.writeFileSync(paths[name], content);
  }
  try {
    await fn(paths, folder);
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

async function join(server, num = 1) {
  const clients = [];
  for (let i = 0; i < num; i++)
    clients.push(await Client.connect(server.port, { user: `user${i}` }));
  return num === 1 ? clients[0] : clients;
}

/** The answer to a publish that is refused. */
async function refused(client, publish) {
  const { error } = await client.request({ publish });
  assert.ok(error, "it was refused");
  return error;
}

/** Names of what a stream was given, in order, until it is live. */
async function recovered(client) {
  const got = [];
  for (;;) {
    const push = await client.pushes.next(5000, "a push of a recovery");
    if (push.publication) {
      const { item, offset, removed } = push.publication;
      got.push((removed ? "-" : "") + (item ?? "") + offset);
    }
    if (push.recovery?.live) return got;
  }
}

const item = (channel, name, value, more = {}) =>
  ({ channel, item: name, json: JSON.stringify(value), ...more });
const gone = (channel, name) => ({ channel, item: name, removed: true });

/* ---- modes ----------------------------------------------------------------- */

test("a map: newest of each item, removals, compare and set, ends of items", () =>
  withSpaces({ price: { history: { mode: "map", size: 3 } } },
    async (server) => {
      const [writer, reader, late] = await join(server, 3);
      const channel = "price:all";
      for (const m of [item(channel, "a", 1), item(channel, "b", 2),
        item(channel, "a", 3), gone(channel, "b")])
        await writer.request({ publish: m });
      const first = await reader.subscribe(channel, { recover: true });
      assert.equal(first.result, "RECOVERY_ANEW");
      assert.deepEqual(await recovered(reader), ["a3", "-b4"]);
      // Compare and set: at this offset; not there.
      const bad = await refused(writer, item(channel, "a", 4,
        { compareItem: true, epoch: first.epoch, offset: "1" }));
      assert.equal(bad.code, "CODE_CONFLICT");
      await writer.request({ publish: item(channel, "a", 4,
        { compareItem: true, epoch: first.epoch, offset: "3" }) });
      await writer.request({
        publish: item(channel, "c", 5, { compareItem: true, ttlMs: 300 }) });
      assert.deepEqual((await reader.publications(2)).map((p) => p.value),
        [4, 5]);
      // The end of an item is a removal.
      const { publication } = await reader.next("publication");
      assert.deepEqual([publication.item, publication.removed], ["c", true]);
      // A full map takes no new items.
      for (const name of ["x", "y"])
        await writer.request({ publish: item(channel, name, 0) });
      const full = await refused(writer, item(channel, "z", 0));
      assert.equal(full.code, "CODE_LIMIT_REACHED");
      // From a position: what changed since.
      await late.subscribe(channel,
        { recover: true, epoch: first.epoch, offset: "4" });
      assert.deepEqual(await recovered(late), ["a5", "-c7", "x8", "y9"]);
      const { items, position } = await api(server, "map_get", { channel });
      assert.deepEqual(items.map((i) => i.item), ["a", "x", "y"]);
      assert.equal(position.offset, "9");
    }));

test("the latest value is all that is recovered", () =>
  withSpaces({ now: { history: { mode: "latest" } } }, async (server) => {
    const [writer, reader, again] = await join(server, 3);
    for (let n = 1; n <= 5; n++) await writer.publish("now:x", n);
    const { epoch } = await reader.subscribe("now:x", { recover: true });
    assert.deepEqual(await recovered(reader), ["5"]);
    const back = await again.subscribe("now:x",
      { recover: true, epoch, offset: "2" });
    assert.equal(back.result, "RECOVERY_RECOVERED");
    assert.deepEqual(await recovered(again), ["5"]);
  }));

/* ---- patterns -------------------------------------------------------------- */

test("a pattern is given each channel that matches, of every worker", () =>
  withSpaces({ stock: { channel: { wildcards: true } } }, async (server) => {
    const [writer, some, all] = await join(server, 3);
    const { wildcard } = await some.subscribe("stock:*.a");
    assert.equal(wildcard, true);
    await all.subscribe("stock:>");
    const names = ["stock:x.a", "stock:y.a", "stock:y.b", "stock:z.a.b"];
    for (let i = 0; i < 20; i++) names.push(`stock:${i}.a`);
    for (const name of names) await writer.publish(name, name);
    const heard = async (client, num) => {
      const got = [];
      while (got.length < num) {
        const { publication } = await client.next("publication");
        assert.equal(JSON.parse(publication.json), publication.channel);
        assert.equal(publication.offset, "1");
        got.push(publication.channel);
      }
      return got.sort();
    };
    assert.deepEqual(await heard(some, 22),
      names.filter((n) => /^stock:[^.]+\.a$/.test(n)).sort());
    assert.deepEqual(await heard(all, names.length), [...names].sort());
    const error = await refused(writer, { channel: "stock:*", json: "1" });
    assert.equal(error.code, "CODE_BAD_CHANNEL");
  }));

/* ---- filters --------------------------------------------------------------- */

test("a filter lets pass what it says, live and recovered, and tells the rest",
  () => withSpaces({}, async (server) => {
    const [writer, reader, late] = await join(server, 3);
    const filter = [
      { op: "FILTER_EQ", tag: "lang", values: ["es"] },
      { op: "FILTER_GE", tag: "n", values: ["2"] },
    ];
    const { epoch } = await reader.subscribe("feed", { filter });
    const send = (n, lang) => writer.publish("feed", n, { tags: [
      { name: "lang", value: lang }, { name: "n", value: String(n) }] });
    await send(1, "es");
    await send(2, "en");
    await send(3, "es");
    await send(4, "es");
    await writer.publish("feed", "no tags");
    const { lagged } = await reader.next("lagged");
    assert.deepEqual([lagged.from, lagged.to, lagged.reason],
      ["1", "2", "GAP_FILTERED"]);
    assert.deepEqual((await reader.publications(2)).map((p) => p.offset), [3, 4]);
    await late.subscribe("feed",
      { filter, recover: true, epoch, offset: "0" });
    assert.deepEqual(await recovered(late), ["3", "4"]);
    const answer = await late.request({ channel: 9, alias: true, subscribe:
      { channel: "other", filter: [{ op: "FILTER_AND" }] } });
    assert.equal(answer.error.code, "CODE_BAD_REQUEST");
    const { publications } = await api(server, "history", { channel: "feed",
      filter: [{ op: 4, tag: "lang", values: ["en"] }] });
    assert.deepEqual(publications.map((p) => p.json), [2]);
  }));

/* ---- metadata and events ---------------------------------------------------- */

test("metadata of channels and subscriptions are told and listed", () =>
  withSpaces({}, async (server) => {
    const [one, two] = await join(server, 2);
    await one.subscribe("room", { meta: '{"tab":1}' });
    await api(server, "channel_set",
      { channel: "room", meta: { topic: "birds" } });
    const { channelMeta } = await one.next("channelMeta");
    assert.equal(channelMeta.meta, '{"topic":"birds"}');
    const { meta } = await two.subscribe("room");
    assert.equal(meta, '{"topic":"birds"}');
    const { subscribers } = await api(server, "subscribers",
      { channel: "room" });
    assert.deepEqual(subscribers.map((s) => [s.user, s.meta]).sort(),
      [["user0", { tab: 1 }], ["user1", undefined]]);
    const { subscriptions } = await api(server, "subscriptions",
      { connection: one.welcome.connection });
    assert.deepEqual(subscriptions,
      [{ channel: "room", meta: { tab: 1 } }]);
    const { subscribed } = await api(server, "is_subscribed",
      { channel: "room", user: "user1" });
    assert.equal(subscribed, true);
  }));

test("a channel ends after its time, and what happened is told to all who ask",
  () => withBackend({}, (backend) => withSpaces({
    tmp: { channel: { lifetime: "700ms", events: true } },
    $events: { allow: { subscribe: "anyone" } },
  }, async (server) => {
    const [watcher, member] = await join(server, 2);
    await watcher.subscribe("$events:channels");
    await member.subscribe("tmp:x");
    const { unsubscribed } = await member.next("unsubscribed");
    assert.equal(unsubscribed.code, "CODE_CHANNEL_ENDED");
    const told = [];
    while (told.length < 4) {
      const { publication } = await watcher.next("publication");
      assert.equal(publication.item, "tmp:x");
      told.push(JSON.parse(publication.json).event);
    }
    assert.deepEqual([...told].sort(),
      ["created", "destroyed", "subscribed", "unsubscribed"]);
    const hooked = [];
    while (hooked.length < 4) {
      const { body } = await backend.next("channel");
      if (body.channel === "tmp:x") hooked.push(body.event);
    }
    assert.deepEqual(hooked.sort(), told.sort());
    const error = await refused(member, { channel: "$events:x", json: "1" });
    assert.equal(error.code, "CODE_PERMISSION_DENIED");
  }, backend.args("channel"))));

/* ---- deltas ----------------------------------------------------------------- */

test("deltas: fewer bytes, and the same publications, on any worker", () =>
  withSpaces({ doc: { delta: { enabled: true } } }, async (server) => {
    const count = 20;
    const readers = [];
    for (let i = 0; i < 6; i++)
      readers.push(new Command(["subscribe", "doc:a", "--json", "--count",
        `${count}`, ...(i % 2 ? ["--delta"] : [])], { server }));
    for (const [i, reader] of readers.entries()) {
      await reader.live("doc:a");
      assert.equal(reader.err.includes("by deltas"), i % 2 === 1);
    }
    const writer = await join(server);
    const rows = (n) => Array.from({ length: 30 }, (_, i) =>
      ({ id: i, value: i === n ? "changed" : i * 7, what: `row ${i}` }));
    for (let n = 0; n < count; n++) await writer.publish("doc:a", rows(n));
    for (const reader of readers) {
      assert.equal(await reader.end(), 0);
      const got = reader.lines.map((line) => JSON.parse(line));
      assert.deepEqual(got.map(({ offset }) => offset),
        Array.from({ length: count }, (_, i) => i + 1));
      for (let n = 0; n < count; n++)
        assert.deepEqual(got[n].json, rows(n));
    }
    assert.equal(await server.metric("godwit_deltas_total"), 3 * (count - 1));
    assert.ok(await server.metric("godwit_delta_saved_bytes_total") >
      3 * (count - 1) * 1000);
  }));

/* ---- payloads --------------------------------------------------------------- */

test("what does not fit the schema is refused with its path", () =>
  withFiles({
    "user.json": JSON.stringify({
      type: "object", required: ["user"], properties: { user: {
        type: "object", properties: { address: { type: "array", items: {
          type: "object", properties: { city: { type: "string" } },
        } } },
      } },
    }),
  }, (files) => withSpaces({
    typed: { payload: { type: "json", schema: files["user.json"] } },
    text: { payload: { type: "json", text: "nfc" } },
    raw: { payload: { type: "bytes" } },
  }, async (server) => {
    const client = await join(server);
    const cities = (...list) =>
      ({ user: { address: list.map((city) => ({ city })) } });
    await client.publish("typed:a", cities("x", "y"));
    const wrong = await refused(client, { channel: "typed:a",
      json: JSON.stringify(cities("x", "y", 3)) });
    assert.deepEqual([wrong.code, wrong.field],
      ["CODE_SCHEMA_MISMATCH", "user.address[2].city"]);
    const broken = await refused(client, { channel: "typed:a", json: "{no" });
    assert.deepEqual([broken.code, broken.field], ["CODE_BAD_REQUEST", "json"]);
    assert.match(broken.message, /line 1, column/);
    const form = await refused(client,
      { channel: "text:a", json: '{"a":"u\u0308"}' });
    assert.deepEqual([form.code, form.field], ["CODE_BAD_TEXT", "a"]);
    const kind = await refused(client, { channel: "raw:a", json: "1" });
    assert.equal(kind.code, "CODE_BAD_REQUEST");
    const { status, json } = await ask(server, "publish",
      { channel: "typed:a", json: {} });
    assert.equal(status, 400);
    assert.equal(json.error.name, "SCHEMA_MISMATCH");
  })));

test("what the backend publishes in its place has to fit as well", () =>
  withFiles({ "n.json": '{"type":"number"}' }, (files) => withBackend({
    publish: (m) => ({ json: m.json === 1 ? "one" : m.json + 1 }),
  }, (backend) => withSpaces({ typed: {
    payload: { type: "json", schema: files["n.json"] },
    allow: { publish: "hook" },
  } }, async (server) => {
    const client = await join(server);
    await client.subscribe("typed:a");
    await client.publish("typed:a", 2);
    assert.deepEqual(await client.publications(1), [{ offset: 1, value: 3 }]);
    const error = await refused(client, { channel: "typed:a", json: "1" });
    assert.equal(error.code, "CODE_SCHEMA_MISMATCH");
  }, backend.args("publish")))));

test("a schema that says what is not checked stops the server from starting", () =>
  withFiles({ "bad.json": '{"properties":{"a":{"oneOf":[]}}}' },
    async (files) => {
      const spaces = JSON.stringify([{ name: "a",
        payload: { type: "json", schema: files["bad.json"] } }]);
      const { code, log } = await Server.run(
        ["serve", "--listen.public", "localhost:0", "--namespaces", spaces]);
      assert.equal(code, 2);
      assert.match(log, /bad\.json: .*oneOf: this keyword is not supported/);
    }));

/* ---- from a terminal -------------------------------------------------------- */

test("the commands know items, tags, filters, patterns and channels", () =>
  withSpaces({
    stock: { channel: { wildcards: true } }, map: { history: { mode: "map" } },
  }, async (server) => {
    const reader = new Command(["subscribe", "stock:*", "--json", "--count", "2",
      "--filter", "lang = es and (n >= 2 or vip exists)"], { server });
    await reader.live("stock:*");
    const send = (...args) => run(["publish", ...args], { server });
    await send("stock:a", "1", "--tag", "lang=es", "--tag", "n=1");
    await send("stock:a", "2", "--tag", "lang=es", "--tag", "n=2");
    await send("stock:b", "3", "--tag", "lang=es", "--tag", "vip=");
    assert.equal(await reader.end(), 0);
    assert.deepEqual(reader.lines.map((line) => JSON.parse(line))
      .map(({ channel, json, tags }) => [channel, json, tags]), [
      ["stock:a", 2, { lang: "es", n: "2" }],
      ["stock:b", 3, { lang: "es", vip: "" }],
    ]);
    const set = await send("map:x", "1", "--item", "a", "--expect-item", "none");
    assert.equal(set.code, 0, set.err);
    const clash =
      await send("map:x", "2", "--item", "a", "--expect-item", "none");
    assert.equal(clash.code, 1);
    const gone = await send("map:x", "--item", "a", "--removed");
    assert.equal(gone.code, 0, gone.err);
    const bad = await send("map:x", "1");
    assert.match(bad.err, /at item/);
    const env = { GODWIT_API: `http://127.0.0.1:${server.internal}` };
    const list = await run(["channels", "stock:"], { env });
    assert.equal(list.code, 0, list.err);
    assert.deepEqual(list.lines.map((line) => line.split(" ")[0]),
      ["stock:a", "stock:b"]);
    const usage = await run(["subscribe", "a", "--filter", "a ="], { server });
    assert.equal(usage.code, 2);
    assert.match(usage.err, /--filter: a value is missing, after 'a ='/);
  }));

test("the server's own channels are refused, whoever asks for what", () =>
  withServer({}, async (server) => {
    const client = await Client.connect(server.port);
    for (const name of ["$events:channels", "$state:user:ada", "$x:y"]) {
      await assert.rejects(client.subscribe(name), /PERMISSION_DENIED/);
      await assert.rejects(client.publish(name, 1, { item: "key" }),
        /PERMISSION_DENIED/);
    }
    await client.publish("room:r", "it serves on");
    await client.close();
  }));
