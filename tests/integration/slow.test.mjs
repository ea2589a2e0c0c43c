// SPDX-License-Identifier: MIT
// slow.test.mjs - a reader that does not read costs its cap, and nobody else, by
// each policy.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Client, connectMany } from "./support/client.mjs";
import { withServer } from "./support/server.mjs";
import { within } from "./support/websocket.mjs";

const PAYLOAD = "x".repeat(16000);
const CAP = 256 * 1024;
/* More than the cap and what kernels keep between the two ends. */
const NUM = 1500;
const NUM_ITEMS = 7;
const ARGS = ["--limits.max_queue_bytes", String(CAP)];

const itemOf = (n) => `thing ${n % NUM_ITEMS}`;

const range = (from, to) =>
  Array.from({ length: to - from + 1 }, (_, i) => from + i);

async function expectAll(others, from, to) {
  for (const c of others) {
    const got = await c.publications(to - from + 1, 10000);
    assert.deepEqual(got.map((p) => p.offset), range(from, to));
  }
}

/** Publishes until done says so, as fast as the others read; returns how many it
 * took. What waits for slow readers meanwhile has to be bounded. */
async function flood(server, publisher, others, channel, done = () => false) {
  for (let i = 1; i <= NUM; i += 10) {
    await Promise.all(range(i, i + 9).map((n) => publisher.publish(
      channel, { n, PAYLOAD }, { item: itemOf(n) })));
    await expectAll(others, i, i + 9);
    assert.ok(await server.metric("godwit_queue_bytes") <= CAP);
    if (await done()) return i + 9;
  }
  return NUM;
}

/** Reads a stream up to an offset: { got, skipped }, offsets with their items.
 * Each push follows the last, and what is skipped is told right. */
async function readUpTo(client, last) {
  const got = [], skipped = [];
  for (let next = 1; next <= last;) {
    const push = await client.pushes.next(10000, "a push");
    if (push.lagged) {
      const [from, to] = [Number(push.lagged.from), Number(push.lagged.to)];
      assert.equal(from, next);
      assert.ok(to >= from);
      assert.equal(push.lagged.reason, "GAP_SLOW_READER");
      assert.equal(Number(push.lagged.count), to - from + 1);
      skipped.push(...range(from, to));
      next = to + 1;
    } else {
      assert.equal(Number(push.publication.offset), next);
      assert.equal(push.publication.item, itemOf(next));
      got.push(next++);
    }
  }
  return { got, skipped };
}

/** One who stops reading in the midst of others; check looks at what it is given
 * when it reads again. */
async function stall(overflow, check) {
  await withServer({ args: ARGS }, async (server) => {
    const publisher = await Client.connect(server.port);
    const slow = await Client.connect(server.port);
    const others = await connectMany(server.port, 3);
    await slow.subscribe("room:r", { overflow });
    for (const c of others) await c.subscribe("room:r");
    slow.ws.pause();
    const num = await flood(server, publisher, others, "room:r");
    slow.ws.resume();
    const { got, skipped } = await readUpTo(slow, num);
    assert.ok(got.length > 0 && skipped.length > 0);
    assert.equal(await server.metric("godwit_lagged_total"), skipped.length);
    assert.equal(await server.metric("godwit_slow_readers_total"), 0);
    check(got, skipped, num);
    /* It is as good as the others now. */
    await publisher.publish("room:r", { n: num + 1 }, { item: itemOf(num + 1) });
    for (const c of [slow, ...others])
      assert.equal((await c.publications(1))[0].offset, num + 1);
    await Promise.all([publisher, slow, ...others].map((c) => c.close()));
  });
}

test("a reader that stops reading is cut at its cap; others read on", () =>
  withServer({ args: ARGS }, async (server) => {
    const publisher = await Client.connect(server.port);
    const slow = await Client.connect(server.port);
    const others = await connectMany(server.port, 5);
    for (const c of [slow, ...others]) await c.subscribe("room:r");
    slow.ws.pause();
    await flood(server, publisher, others, "room:r", async () =>
      await server.metric("godwit_slow_readers_total") > 0);
    assert.equal(await server.metric("godwit_slow_readers_total"), 1);
    await server.logged(/session\.end .*SLOW_READER/);
    /* Told by the close, or cut when it would not even read that. */
    slow.ws.resume();
    const { code } = await within(10000, "the end", slow.closed);
    assert.ok([4103, 0].includes(code), `code ${code}`);
    await server.until("godwit_connections", (n) => n === 6);
    assert.ok(await server.metric("godwit_queue_bytes") <= CAP);
    await Promise.all([publisher, ...others].map((c) => c.close()));
  }));

test("a reader that chose to drop is given what the history keeps", () =>
  stall("OVERFLOW_DROP", (got, skipped, num) => {
    /* The default keeps 256. */
    assert.deepEqual(got.slice(-256), range(num - 255, num));
  }));

test("a reader that chose to conflate is given the newest of each item", () =>
  stall("OVERFLOW_CONFLATE", (got, skipped, num) => {
    const newest = range(num - NUM_ITEMS + 1, num);
    assert.deepEqual(got.slice(-NUM_ITEMS), newest);
    for (const n of skipped)
      assert.ok(newest.some((m) => m > n && itemOf(m) === itemOf(n)));
  }));

test("a reader that chose to sample is given the newest", () =>
  stall("OVERFLOW_SAMPLE", (got, skipped, num) => {
    assert.equal(got.at(-1), num);
    assert.equal(skipped.at(-1), num - 1);
  }));

/* It reads all the time, but its application does not keep up: no kernel's buffer
 * hides that. */
for (const overflow of ["DROP", "CONFLATE", "SAMPLE", "CLOSE"]) {
  test(`a reader without credit is a slow one: ${overflow}`, () =>
    withServer({ args: ARGS }, async (server) => {
      const publisher = await Client.connect(server.port);
      const slow = await Client.connect(server.port, {
        hello: { features: "4", creditBytes: 50000 },
      });
      assert.equal(slow.welcome.features, "4");
      const other = await Client.connect(server.port);
      await slow.subscribe("room:r", { overflow: `OVERFLOW_${overflow}` });
      await other.subscribe("room:r");
      for (let n = 1; n <= 60; n++) {
        await publisher.publish("room:r", { n, PAYLOAD }, { item: itemOf(n) });
        await expectAll([other], n, n);
      }
      assert.ok(await server.metric("godwit_queue_bytes") <= CAP);
      if (overflow === "CLOSE") {
        const { close } = await slow.next("close");
        assert.equal(close.code, "CODE_SLOW_READER");
        await Promise.all([publisher.close(), other.close()]);
        return;
      }
      /* Control has no need of it. */
      const { pong } = await slow.request({ ping: { time: "7" } });
      assert.equal(pong.time, "7");
      await slow.publish("room:other", 1);
      assert.equal(slow.pushes.length, 4);
      slow.send({ credit: { bytes: String(64 * 1024 * 1024 - 50000) } });
      const { got, skipped } = await readUpTo(slow, 60);
      const wanted = { DROP: range(1, 60), SAMPLE: [60],
        CONFLATE: range(60 - NUM_ITEMS + 1, 60) }[overflow];
      assert.deepEqual(got.slice(-wanted.length), wanted);
      assert.equal(got.length + skipped.length, 60);
      assert.ok(await server.metric("godwit_credit_stalls_total") > 0);
      await Promise.all([publisher, slow, other].map((c) => c.close()));
    }));
}

test("credit that makes no sense ends the connection", () =>
  withServer({}, async (server) => {
    const hello = { features: 4, creditBytes: 1000 };
    const greedy = await Client.connect(server.port, { hello });
    greedy.send({ credit: { bytes: "18446744073709551615" } });
    const { close } = await greedy.next("close");
    assert.equal(close.code, "CODE_PROTOCOL");
    assert.equal((await greedy.closed).code, 4501);
    await assert.rejects(Client.connect(server.port,
      { hello: { features: 4, creditBytes: 64 * 1024 * 1024 + 1 } }));
    await server.until("godwit_protocol_errors_total", (n) => n === 2);
    await server.logged(/session\.end .*more credit than there can be/);
  }));

test("publications that are gathered come in order, in fewer messages", () =>
  withServer({ workers: 1, args: ["--batch.delay", "10s", "--batch.bytes", "512"] },
    async (server) => {
      const publisher = await Client.connect(server.port);
      const readers = await connectMany(server.port, 10);
      for (const c of readers) await c.subscribe("room:r");
      const before = await server.metric("godwit_messages_out_total");
      const num = 200;
      /* Nobody waits for the echo to be answered. */
      await Promise.all(range(1, num).map((n) => publisher.publish("room:r", n)));
      /* Who joins lets go what is left, and goes on from there. */
      const late = await Client.connect(server.port);
      const { offset } = await late.subscribe("room:r");
      assert.equal(Number(offset), num);
      await expectAll(readers, 1, num);
      const answers = num + 2;
      const messages =
        await server.metric("godwit_messages_out_total") - before - answers;
      assert.ok(messages <= 10 * num / 10, `${messages} messages`);
      assert.ok(await server.metric("godwit_batches_total") >= 10);
      /* So does who drains the server. */
      await publisher.publish("room:r", num + 1);
      await server.stop();
      for (const c of [late, ...readers])
        assert.equal((await c.publications(1))[0].offset, num + 1);
    }));
