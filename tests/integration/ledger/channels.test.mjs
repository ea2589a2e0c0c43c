// SPDX-License-Identifier: MIT
// channels.test.mjs - rows M1 to M3, M7, M9 and M10 of docs/ledger.md: channels,
// what they keep, what they carry, and what is refused.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import path from "node:path";
import { test } from "node:test";
import { api, ask } from "../support/api.mjs";
import { withBackend } from "../support/backend.mjs";
import { run } from "../support/cli.mjs";
import { SECRET, sign } from "../support/jwt.mjs";
import {
  apiId, fails, inDevelopment, listTo, onStage, refusedConfig, until, withFiles,
} from "../support/sdk.mjs";
import {
  and, ge, not, oneOf, tags, tagsOf,
} from "../../../wasm/dist/filter.js";
import { ItemMap } from "../../../wasm/dist/map.js";

test("M1 subscribe, publish, unsubscribe; who is where, and what is known of it",
  () => inDevelopment({}, async (t) => {
    const [ann, bob] = await t.joinAll("ann", "bob");
    const room = await t.live(ann, "room:a", { metadata: { device: "phone" } });
    const metadata = listTo(room, "metadata");
    const { position } = await bob.publish("room:a", { text: "hi" });
    await until(() => room.told.length === 1);
    assert.deepEqual([room.told, room.position], [[{ text: "hi" }], position]);
    await api(t.server, "channel_set",
      { channel: "room:a", meta: { topic: "birds" } });
    await until(() => metadata.length === 1);
    assert.deepEqual(metadata, [{ topic: "birds" }]);

    const { subscribers } = await api(t.server, "subscribers",
      { channel: "room:a" });
    assert.deepEqual(subscribers.map((s) => [s.user, s.meta]),
      [["ann", { device: "phone" }]]);
    const connection = apiId(ann.info.connectionId);
    const { subscriptions } = await api(t.server, "subscriptions",
      { connection });
    assert.deepEqual(subscriptions.map((s) => s.channel), ["room:a"]);
    const is = async (user) => (await api(t.server, "is_subscribed",
      { channel: "room:a", user })).subscribed ?? false;
    assert.deepEqual([await is("ann"), await is("bob")], [true, false]);
    room.unsubscribe();
    await until(async () => !await is("ann"));
    await bob.publish("room:a", "nobody hears");
    assert.equal(room.told.length, 1);
  }));

test("M1 bad input: a name that is none", () => inDevelopment({}, async (t) => {
  const ann = await t.join("ann");
  await fails("BAD_CHANNEL", ann.publish("", 1));
  assert.equal((await t.refused(ann, "$nobody:a")).name, "PERMISSION_DENIED");
  const long = "x".repeat(ann.info.limits.maxChannelBytes + 1);
  await fails("TOO_BIG", ann.publish(long, 1));
}));

test("M2 namespaces have settings; private channels open to whom they may", () =>
  onStage({
    env: { GODWIT_AUTH_JWT_SECRET: SECRET },
    config: { auth: { anonymous: true }, namespaces: [
      { name: "private", allow: { subscribe: "token", publish: "token" } },
      { name: "known", allow: { subscribe: "user", publish: "nobody" } },
      { name: "short", history: { size: 2 } },
    ] },
  }, async (t) => {
    const ann = await t.join("", { token: sign({ sub: "ann" }) });
    const nobody = await t.join("");
    const channel = "private:7";
    assert.equal((await t.refused(ann, channel)).name, "TOKEN_INVALID");
    const opened = await t.live(ann, channel,
      { token: sign({ sub: "ann", channel }) });
    await ann.publish(channel, "inside");
    await until(() => opened.told.length === 1);
    await fails("PERMISSION_DENIED", nobody.publish(channel, "outside"));
    assert.equal((await t.refused(nobody, "known:a")).name, "PERMISSION_DENIED");
    await t.live(ann, "known:a");
    for (let n = 0; n < 5; n++) await ann.publish("short:a", n);
    const late = await t.live(nobody, "short:a", { since: "start" });
    await until(() => late.told.length === 2);
    assert.deepEqual(late.told, [3, 4]);
  }));

test("M2 temporary channels, patterns, and what the server subscribes to", () =>
  inDevelopment({ namespaces: [
    { name: "brief", channel: { lifetime: "1s" } },
    { name: "game", channel: { ends_with_last: true, idle: "50ms" } },
    { name: "stock", channel: { wildcards: true } },
  ] }, async (t) => {
    const [ann, bob] = await t.joinAll("ann", "bob");
    const reason = await t.refused(ann, "brief:a");
    assert.equal(reason.name, "CHANNEL_ENDED");

    const game = await t.live(ann, "game:a");
    const { position } = await ann.publish("game:a", 1);
    game.unsubscribe();
    await until(async () => (await api(t.server, "channel_get",
      { channel: "game:a" })).channels === undefined, "the end of the game");
    const next = await ann.publish("game:a", 1);
    assert.notEqual(next.position.epoch, position.epoch);

    const all = await t.live(ann, "stock:*.ny");
    const from = listTo(all, "publication", (p) => p.channel);
    for (const name of ["stock:a.ny", "stock:a.la", "stock:b.ny"])
      await bob.publish(name, 1);
    await until(() => from.length === 2);
    assert.deepEqual(from.sort(), ["stock:a.ny", "stock:b.ny"]);

    const given = listTo(bob, "subscription");
    await api(t.server, "subscribe", { channel: "news:bob", user: "bob" });
    await until(() => given[0]?.state === "live");
    const heard = listTo(given[0], "publication", (p) => p.data);
    await ann.publish("news:bob", "for you");
    await until(() => heard.length === 1);
    await api(t.server, "unsubscribe", { channel: "news:bob", user: "bob" });
    await until(() => given[0].state === "ended");
  }));

test("M2 bad input: rules that cannot be, and a pattern to publish to", async () => {
  assert.match(await refusedConfig(
    { namespaces: [{ name: "a", allow: { subscribe: "friends" } }] }),
  /allow\.subscribe/);
  await inDevelopment({ namespaces: [
    { name: "stock", channel: { wildcards: true } }] }, async (t) => {
    const ann = await t.join("ann");
    await fails("BAD_CHANNEL", ann.publish("stock:*", 1));
  });
});

test("M3 channels tell when they are made, joined, left and gone", () =>
  withBackend({}, (backend) => inDevelopment({ namespaces: [
    { name: "tmp", channel: { events: true, ends_with_last: true, idle: 0 } },
    { name: "$events", allow: { subscribe: "anyone" } },
  ] }, async (t) => {
    const [ann, bob] = await t.joinAll("ann", "bob");
    const news = await t.live(bob, "$events:channels");
    const sub = await t.live(ann, "tmp:a");
    sub.unsubscribe();
    await until(() => news.told.some((n) => n.event === "destroyed"));
    const events = ["created", "destroyed", "subscribed", "unsubscribed"];
    assert.deepEqual(news.told.map((n) => n.event).sort(), events);
    const hooked = [];
    while (hooked.length < 4) {
      const { body } = await backend.next("channel");
      if (body.channel === "tmp:a") hooked.push(body.event);
    }
    assert.deepEqual(hooked.sort(), events);
    // Bad input: nobody but the server says what happened.
    await fails("PERMISSION_DENIED",
      ann.publish("$events:channels", { event: "created" }));
  }, { args: backend.args("channel") })));

test("M7 history comes in pages, from a position, from a time, and to who was away",
  () => inDevelopment({ namespaces: [{ name: "log", history: { size: 8 } }] },
    async (t) => {
      const [ann, bob] = await t.joinAll("ann", "bob");
      const positions = [];
      for (let n = 1; n <= 10; n++)
        positions.push((await ann.publish("log:a", n)).position);
      const ask = (query) => ann.call("godwit.history",
        { channel: "log:a", ...query });
      const pages = [];
      let since;
      for (;;) {
        const page = await ask({ limit: 3, ...(since ? { since } : {}) });
        if (!page.publications?.length) break;
        pages.push(page.publications.map((p) => p.json));
        since = { epoch: page.position.epoch,
          offset: page.publications.at(-1).offset };
      }
      assert.deepEqual(pages, [[3, 4, 5], [6, 7, 8], [9, 10]]);
      const newest = await ask({ limit: 2, newestFirst: true });
      assert.deepEqual(newest.publications.map((p) => p.json), [10, 9]);
      const sixth = (await ask({})).publications.find((p) => p.json === 6);
      const later = await ask({ sinceTimeMs: sixth.timeMs });
      assert.ok(later.publications.some((p) => p.json === 10));
      assert.ok(later.publications.every((p) =>
        Number(p.timeMs) >= Number(sixth.timeMs)));
      const some = await t.live(bob, "log:a", { since: positions[6] });
      await until(() => some.told.length === 3);
      assert.deepEqual(some.told, [8, 9, 10]);
      some.unsubscribe();
      // What is gone is told, with the reason.
      const sub = bob.subscribe("log:a", { since: positions[0] });
      const gaps = listTo(sub, "gap");
      await until(() => sub.state === "live" && gaps.length === 1);
      assert.deepEqual([gaps[0].reason, gaps[0].from, gaps[0].to],
        ["trimmed", 2, 2]);
    }));

test("M7 a channel may keep its latest value, or the newest of each item", () =>
  inDevelopment({ namespaces: [
    { name: "now", history: { mode: "latest" } },
    { name: "price", history: { mode: "map", size: 10 } },
  ] }, async (t) => {
    const [ann, bob] = await t.joinAll("ann", "bob");
    for (let n = 1; n <= 3; n++) await ann.publish("now:a", n);
    const now = await t.live(bob, "now:a", { since: "start" });
    await until(() => now.told.length === 1);
    assert.deepEqual(now.told, [3]);

    const ours = new ItemMap(ann.subscribe("price:all", { since: "start" }));
    await until(() => ours.isWhole);
    await ours.set("a", 1);
    await until(() => ours.get("a") === 1);
    await ours.set("a", 2, { compareItem: ours.position("a") });
    await ours.set("b", 3);
    await ours.remove("b");
    await fails("CONFLICT", ours.set("a", 9, { compareItem: null }));
    const theirs = new ItemMap(bob.subscribe("price:all", { since: "start" }));
    await until(() => theirs.isWhole);
    assert.deepEqual([...theirs], [["a", 2]]);
  }));

test("M7 bad input: a history that nobody may read, or that is asked for wrongly",
  () => inDevelopment({ namespaces: [
    { name: "shut", allow: { history: "nobody" } }] }, async (t) => {
    const ann = await t.join("ann");
    await fails("PERMISSION_DENIED",
      ann.call("godwit.history", { channel: "shut:a" }));
    await fails("BAD_REQUEST",
      ann.call("godwit.history", { channel: "a", limit: "many" }));
    const { status, json } = await ask(t.server, "history",
      { channel: "a", limit: "many" });
    assert.deepEqual([status, json.error.name], [400, "BAD_REQUEST"]);
  }));

test("M9 a filter lets through what has the tags; payloads are JSON, bytes, Protobuf",
  () => withFiles({
    "shop.proto": 'syntax = "proto3"; package shop;\n' +
      "message Order { string item = 1; uint32 count = 2; }\n",
  }, (folder) => {
    const schema = path.join(folder, "shop.desc");
    execFileSync("protoc", [`-I${folder}`, "--include_imports", "-o", schema,
      path.join(folder, "shop.proto")]);
    return inDevelopment({ namespaces: [
      { name: "order", payload: { type: "protobuf", schema,
        message: "shop.Order" } },
      { name: "raw", payload: { type: "bytes" } },
    ] }, async (t) => {
      const [ann, bob] = await t.joinAll("ann", "bob");
      const some = await t.live(ann, "stock:all", {
        filter: and(oneOf("symbol", ["A", "B"]), not(ge("price", 100))) });
      const symbols = listTo(some, "publication", (p) => tagsOf(p).symbol);
      for (const [symbol, price] of [["A", 99], ["B", 100], ["C", 1], ["B", 5]])
        await bob.publish("stock:all", price, { tags: tags({ symbol, price }) });
      await until(() => some.told.length === 2);
      assert.deepEqual([some.told, symbols], [[99, 5], ["A", "B"]]);

      const orders = await t.live(ann, "order:a");
      const order = Uint8Array.of(10, 1, 65, 16, 3); // item "A", count 3
      await bob.publish("order:a", order);
      await until(() => orders.told.length === 1);
      assert.deepEqual(orders.told[0], order);
      // Bad input: no such message, no bytes, no filter.
      const wrong = await fails("SCHEMA_MISMATCH",
        bob.publish("order:a", Uint8Array.of(8, 1)));
      assert.equal(wrong.field, "item");
      await fails("BAD_REQUEST", bob.publish("raw:a", { json: true }));
      const many = Array.from({ length: 70 }, () => ge("n", 1));
      const { name } = await t.refused(ann, "other", { filter: and(...many) });
      assert.equal(name, "TOO_BIG");
    });
  }));

test("M9 a delta is sent to who asks for it and has its base, and reads the same",
  () => inDevelopment({ namespaces: [
    { name: "doc", delta: { enabled: true } }] }, async (t) => {
    const [ann, bob, eve] = await t.joinAll("ann", "bob", "eve");
    const channel = "doc:a", text = "a line of a long document; ".repeat(40);
    const whole = await t.live(ann, channel);
    const changes = await t.live(bob, channel, { delta: true });
    assert.deepEqual([whole.deltas, changes.deltas], [false, true]);
    for (let n = 0; n < 10; n++) await eve.publish(channel, { n, text });
    // Whoever comes later begins with a whole one.
    const late = await t.live(eve, channel, { delta: true, since: "start" });
    await eve.publish(channel, { n: 10, text });
    const all = [whole, changes, late];
    await until(() => all.every((sub) => sub.told.length === 11));
    for (const { told } of all)
      assert.deepEqual(told, Array.from({ length: 11 }, (_, n) => ({ n, text })));
    assert.ok(await t.server.metric("godwit_deltas_total") >= 9);
    assert.ok(await t.server.metric("godwit_delta_saved_bytes_total") > 5000);
    // Bad input: where the namespace has none, it is told so and sent whole ones.
    const plain = await t.live(bob, "other:a", { delta: true });
    assert.equal(plain.deltas, false);
  }));

test("M10 what is published has to be well formed, and errors have one form", () =>
  withFiles({ "user.json": JSON.stringify({
    type: "object", properties: { user: { type: "object", properties: {
      address: { type: "array", items: { type: "object", properties: {
        city: { type: "string" } } } } } } } }),
  }, (folder) => inDevelopment({
    limits: { max_frame_bytes: 2048 },
    namespaces: [
      { name: "typed", payload: { type: "json",
        schema: path.join(folder, "user.json") } },
      { name: "nfc", payload: { type: "json", text: "nfc" },
        channel: { names: "nfc" } }],
  }, async (t) => {
    const ann = await t.join("ann");
    // Bad input of each kind.
    const error = await fails("SCHEMA_MISMATCH", ann.publish("typed:a",
      { user: { address: [{ city: "x" }, {}, { city: 3 }] } }));
    assert.equal(error.field, "user.address[2].city");
    assert.deepEqual([error.code, error.class], [530, "terminal"]);
    await fails("BAD_TEXT", ann.publish("nfc:a", "u\u0308"));
    await fails("BAD_CHANNEL", ann.publish("nfc:u\u0308", "ü"));
    await ann.publish("nfc:ü", "ü");
    await fails("BAD_TEXT", ann.publish("a\0b", 1));
    await fails("TOO_BIG", ann.publish("a", "x".repeat(3000)));
    // The same over HTTP and in a terminal: code, name, message.
    const answer = await ask(t.server, "publish",
      { channel: "typed:a", json: { user: 1 } });
    assert.equal(answer.status, 400);
    assert.deepEqual([answer.json.error.code, answer.json.error.name],
      [530, "SCHEMA_MISMATCH"]);
    assert.ok(answer.json.error.message.length > 0);
    const command = await run(["publish", "typed:a", '{"user":1}'],
      { server: t.server });
    assert.equal(command.code, 1);
    assert.match(command.err, /user/);
  })));
