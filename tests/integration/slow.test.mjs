// SPDX-License-Identifier: MIT
// slow.test.mjs - a reader that does not read costs its cap, and nobody else.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Client, connectMany } from "./support/client.mjs";
import { withServer } from "./support/server.mjs";
import { within } from "./support/websocket.mjs";

const PAYLOAD = "x".repeat(16000);
const CAP = 256 * 1024;
/* More than the cap and what kernels keep between the two ends. */
const NUM = 1500;

/** Publishes until done says so; returns how many it took. */
async function flood(publisher, channel, done) {
  for (let i = 1; i <= NUM; i += 10) {
    await Promise.all(Array.from({ length: 10 }, (_, k) =>
      publisher.publish(channel, { n: i + k, PAYLOAD })));
    if (await done()) return i + 9;
  }
  return NUM;
}

test("a reader that stops reading is cut at its cap; others read on", () =>
  withServer({ args: ["--limits.max_queue_bytes", String(CAP)] },
    async (server) => {
      const publisher = await Client.connect(server.port);
      const slow = await Client.connect(server.port);
      const others = await connectMany(server.port, 5);
      for (const c of [slow, ...others]) await c.subscribe("room:r");
      slow.ws.pause();
      const num = await flood(publisher, "room:r", async () =>
        await server.metric("godwit_slow_readers_total") > 0);
      assert.equal(await server.metric("godwit_slow_readers_total"), 1);
      for (const c of others) {
        const got = await c.publications(num, 10000);
        assert.deepEqual(got.map((p) => p.offset),
          Array.from({ length: num }, (_, i) => i + 1));
      }
      await server.logged(/session\.end .*SLOW_READER/);
      /* Told by the close, or cut when it would not even read that. */
      slow.ws.resume();
      const { code } = await within(10000, "the end", slow.closed);
      assert.ok([4103, 0].includes(code), `code ${code}`);
      await server.until("godwit_connections", (n) => n === 6);
      assert.ok(await server.metric("godwit_queue_bytes") <= CAP);
      await Promise.all([publisher, ...others].map((c) => c.close()));
    }));

test("a reader that chose to drop stays, and is told what it missed", () =>
  withServer({ args: ["--limits.max_queue_bytes", String(CAP)] },
    async (server) => {
      const publisher = await Client.connect(server.port);
      const slow = await Client.connect(server.port);
      await slow.subscribe("room:r", { overflow: "OVERFLOW_DROP" });
      slow.ws.pause();
      /* What it missed is reckoned when it reads again. */
      const num = await flood(publisher, "room:r", () => false);
      await publisher.publish("room:r", { n: num + 1 });
      slow.ws.resume();
      let next = 1, missed = 0;
      while (next <= num + 1) {
        const push = await slow.pushes.next(10000, "a push");
        if (push.lagged) {
          assert.equal(Number(push.lagged.from), next);
          assert.equal(push.lagged.reason, "GAP_SLOW_READER");
          assert.equal(Number(push.lagged.count),
            Number(push.lagged.to) - Number(push.lagged.from) + 1);
          missed += Number(push.lagged.count);
          next = Number(push.lagged.to) + 1;
        } else {
          assert.equal(Number(push.publication.offset), next);
          next++;
        }
      }
      assert.ok(missed > 0);
      assert.equal(await server.metric("godwit_lagged_total"), missed);
      assert.equal(await server.metric("godwit_slow_readers_total"), 0);
      await Promise.all([publisher.close(), slow.close()]);
    }));
