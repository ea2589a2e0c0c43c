// SPDX-License-Identifier: MIT
// compression.test.mjs - row M9 of docs/ledger.md, as far as it is about compressed
// bodies: of what, for whom, and who decides.

import assert from "node:assert/strict";
import { test } from "node:test";
import { api } from "../support/api.mjs";
import {
  field, frame, hello, nextFrame, TYPE,
} from "../support/binary.mjs";
import {
  fails, inDevelopment, onStage, refusedConfig, until,
} from "../support/sdk.mjs";
import { RawWebSocket } from "../support/websocket.mjs";

const COMPRESSED = 4, COMPRESSION = 16, LZ4 = 1, FEATURES = 2, CODEC = 19;
const rows = Array.from({ length: 90 },
  (_, id) => ({ id, pump: "left", rpm: 1500 + id * 37 % 400, on: true }));

const metric = (t, name) => t.server.metric(`godwit_packed_${name}`);

test("M9 large publications are compressed once, and read the same", () =>
  inDevelopment({ workers: 1 }, async (t) => {
    const [ann, bob, eve] = await t.joinAll("ann", "bob", "eve");
    const subs = [await t.live(ann, "doc:a"), await t.live(bob, "doc:a")];
    // One by one: those that come together are a message of their own.
    for (let n = 0; n < 6; n++) {
      await eve.publish("doc:a", n < 5 ? { n, rows } : { n });
      await until(() => subs.every((sub) => sub.told.length === n + 1));
    }
    const want = [0, 1, 2, 3, 4].map((n) => ({ n, rows })).concat([{ n: 5 }]);
    for (const { told } of subs) assert.deepEqual(told, want);
    assert.equal(await metric(t, "total"), 5);
    assert.equal(await metric(t, "deliveries_total"), 10);
    const before = await metric(t, "in_bytes_total");
    const after = await metric(t, "out_bytes_total");
    assert.ok(before > 5 * JSON.stringify(rows).length);
    assert.ok(after < before / 3, `${after} of ${before}`);
    assert.equal(await metric(t, "saved_bytes_total"), 2 * (before - after));
    // So is what was published before.
    const late = await t.live(eve, "doc:a", { since: "start" });
    await until(() => late.told.length === 6);
    assert.deepEqual(late.told, want);
    assert.equal(await metric(t, "deliveries_total"), 15);
    assert.equal(await metric(t, "total"), 5);
    // Bad input: what does not get shorter stays as it is.
    const noise = crypto.getRandomValues(new Uint8Array(3000));
    await bob.publish("doc:a", noise);
    await until(() => subs[0].told.length === 7);
    assert.deepEqual(subs[0].told[6], noise);
    assert.equal(await metric(t, "skipped_total"), 1);
  }));

test("M9 so are presence, calls, history and messages", () =>
  inDevelopment({ compression: { min_size: 500 }, namespaces: [
    { name: "room", allow: { history: "anyone" } }] }, async (t) => {
    const [ann, bob] = await t.joinAll("ann", "bob");
    const packed = () => metric(t, "deliveries_total");
    const more = async (what, act) => {
      const before = await packed();
      await act();
      await until(async () => await packed() > before, what);
    };
    const crowd = await t.joinAll(...Array.from({ length: 12 },
      (_, i) => `guest${i}`));
    for (const [i, guest] of crowd.entries())
      (await t.live(guest, "room:a")).enter("online", { seat: i, row: "east" });
    const watch = await t.live(bob, "room:a", { presence: true });
    await until(() => watch.members.size === 12);
    await more("presence", async () => {
      const room = await t.live(ann, "room:a", { presence: true });
      await until(() => room.members.size === 12);
      const seats = [...room.members.values()].map((m) => m.data.seat);
      assert.deepEqual(seats.sort((a, b) => a - b), crowd.map((_, i) => i));
    });
    await more("a call and its answer", async () => {
      bob.handle("double", (list) => [...list, ...list]);
      const { clientId: to } = bob.info;
      assert.deepEqual(await ann.call("double", rows, { to }),
        [...rows, ...rows]);
    });
    await more("a message", async () => {
      const got = [];
      bob.on("message", (m) => got.push(m.data));
      await api(t.server, "send", { user: "bob", event: "x", json: rows });
      await until(() => got.length === 1);
      assert.deepEqual(got, [rows]);
    });
    assert.equal(await metric(t, "skipped_total"), 0);
  }));

/** A connection by hand: { ws, features } after Welcome. */
async function byHand(t, { fields = [], path, headers } = {}) {
  const ws = new RawWebSocket(t.server.port);
  await ws.handshake({ protocol: "godwit.v1", path, headers });
  ws.send(hello(fields));
  const welcome = await nextFrame(ws, TYPE.WELCOME);
  return { ws, features: Number(welcome.fields.get(FEATURES) ?? 0n) };
}

const reads = [field(FEATURES, COMPRESSION), field(CODEC, LZ4)];

async function subscribeByHand(ws, channel) {
  ws.send(frame(TYPE.SUBSCRIBE, { request: 2, channel: 1, flags: 1 },
    field(1, channel)));
  await nextFrame(ws, TYPE.SUBSCRIBED);
}

test("M9 who does not read it is sent all as it is", () =>
  inDevelopment({}, async (t) => {
    const eve = await t.join("eve");
    const { ws, features } = await byHand(t);
    assert.equal(features, 0);
    await subscribeByHand(ws, "doc:a");
    const text = new RawWebSocket(t.server.port);
    await text.handshake({ protocol: "godwit.v1.json" });
    text.send(JSON.stringify({ id: 1, hello: { version: 1, codec: LZ4,
      features: String(COMPRESSION), instance: "AAECAwQFBgcICQoLDA0ODw==" } }) +
      '\n{"id":2,"channel":1,"alias":true,"subscribe":{"channel":"doc:a"}}');
    let seen = "";
    while (!seen.includes('"subscribed"')) seen += await text.messages.next(5000);
    assert.ok(seen.includes('"welcome"') && !seen.includes('"features"'));
    await eve.publish("doc:a", rows);
    const publication = await nextFrame(ws, TYPE.PUBLICATION);
    assert.equal(publication.flags & COMPRESSED, 0);
    assert.deepEqual(JSON.parse(publication.fields.get(3)), rows);
    const line = JSON.parse(await text.messages.next(5000));
    assert.deepEqual(JSON.parse(line.publication.json), rows);
    assert.equal(await metric(t, "total"), 0);
    // Bad input: a codec that there is not, and one who compresses by itself.
    assert.equal((await byHand(t, { fields: [field(FEATURES, COMPRESSION),
      field(CODEC, 99)] })).features, 0);
    const sly = await byHand(t, { fields: reads });
    assert.equal(sly.features, COMPRESSION);
    sly.ws.send(frame(TYPE.PUBLISH, { request: 3, flags: COMPRESSED },
      field(1, "doc:a"), field(3, "1")));
    const close = await nextFrame(sly.ws, TYPE.CLOSE);
    assert.equal(Number(close.fields.get(1)), 501);
    ws.destroy();
    text.destroy();
  }));

test("M9 namespaces decide what is compressed, and whether anything is", () =>
  inDevelopment({ compression: { min_size: "3KiB" }, namespaces: [
    { name: "off", compression: { enabled: false } },
    { name: "early", compression: { min_size: 200 } },
  ] }, async (t) => {
    const [ann, eve] = await t.joinAll("ann", "eve");
    for (const [channel, num, list] of [["off:a", 0, rows],
      ["early:a", 1, rows.slice(0, 8)], ["rest", 0, rows.slice(0, 20)],
      ["rest", 1, rows]]) {
      const sub = await t.live(ann, channel);
      const before = await metric(t, "total");
      await eve.publish(channel, list);
      await until(() => sub.told.length === 1);
      assert.deepEqual(sub.told, [list]);
      assert.equal(await metric(t, "total") - before, num, channel);
      sub.unsubscribe();
      await until(() => sub.state === "ended");
    }
    // Bad input: a size that cannot be.
    const log = await refusedConfig({ compression: { min_size: 10 } });
    assert.match(log, /compression\.min_size/);
  }));

test("M9 without any in the configuration it is not offered", () =>
  inDevelopment({ compression: { enabled: false } }, async (t) => {
    assert.equal((await byHand(t, { fields: reads })).features, 0);
    const ann = await t.join("ann");
    const sub = await t.live(ann, "doc:a");
    await ann.publish("doc:a", rows);
    await until(() => sub.told.length === 1);
    assert.deepEqual(sub.told, [rows]);
    assert.equal(await metric(t, "total"), 0);
    // Bad input: nobody asks for less.
    await fails("UNKNOWN_METHOD", ann.call("compress", rows));
  }));

test("M9 the link compression decides by path, address and header", () => onStage({
  config: {
    dev: true, middleware: "compression",
    http: { headers: ["x-near"] },
    routes: [{ path: "/far/:where" }],
    listen: { trusted_proxies: "127.0.0.1" },
    compression_for: { paths: "/far/*", except: "192.0.2.0/24",
      header: "x-near" },
  },
}, async (t) => {
  const is = async (options) =>
    (await byHand(t, { fields: reads, ...options })).features === COMPRESSION;
  const far = { path: "/far/away" };
  const from = (address) => ({ "X-Forwarded-For": address });
  assert.equal(await is(far), true);
  assert.equal(await is({}), false);
  assert.equal(await is({ ...far, headers: { "X-Near": "No" } }), false);
  assert.equal(await is({ ...far, headers: { "X-Near": "yes" } }), true);
  assert.equal(await is({ ...far, headers: from("192.0.2.9") }), false);
  assert.equal(await is({ ...far, headers: from("198.51.100.9") }), true);
  const ann = await t.join("ann", {}, "/far/away");
  const bob = await t.join("bob");
  const subs = [await t.live(ann, "doc:a"), await t.live(bob, "doc:a")];
  await bob.publish("doc:a", rows);
  await until(() => subs.every((sub) => sub.told.length === 1));
  for (const { told } of subs) assert.deepEqual(told, [rows]);
  assert.equal(await metric(t, "deliveries_total"), 1);
  // Bad input: no addresses, and a header that it is not shown.
  assert.match(await refusedConfig({ middleware: "compression",
    compression_for: { except: "nowhere" } }), /compression_for\.except/);
  assert.match(await refusedConfig({ middleware: "compression",
    compression_for: { header: "x-unseen" } }), /http\.headers/);
}));
