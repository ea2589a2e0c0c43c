// SPDX-License-Identifier: MIT
// crowd.test.mjs - a thousand clients on two workers, and publications that
// cross from one worker to the other in order.

import assert from "node:assert/strict";
import { test } from "node:test";
import { connectMany } from "./support/client.mjs";
import { withServer } from "./support/server.mjs";

test("a thousand subscribers on two workers see one order without a hole", () =>
  withServer({ workers: 2 }, async (server) => {
    const NUM = 1000, PUBLISHERS = 10, EACH = 10, CHANNELS = ["room:a", "room:b"];
    const clients = await connectMany(server.port, NUM);
    for (let i = 0; i < NUM; i += 100)
      await Promise.all(clients.slice(i, i + 100).map(
        (c, k) => c.subscribe(CHANNELS[k % 2])));
    assert.equal(await server.metric("godwit_sessions"), NUM);
    assert.ok(await server.metric("godwit_channels_followed") > 0);

    /* Publishers are spread over both workers; each waits for nobody. */
    await Promise.all(clients.slice(0, PUBLISHERS).flatMap((c, p) =>
      CHANNELS.flatMap((channel) => Array.from({ length: EACH }, (_, n) =>
        c.publish(channel, { p, n }, {}).catch((e) => { throw e; })))));

    const total = PUBLISHERS * EACH;
    const seen = await Promise.all(clients.map(
      (c) => c.publications(total, 60000)));
    for (let i = 0; i < NUM; i++) {
      const first = seen[i % 2];
      assert.deepEqual(seen[i].map((p) => p.offset),
        Array.from({ length: total }, (_, k) => k + 1));
      assert.deepEqual(seen[i], first);
    }
    /* What one publisher sent keeps its order. */
    for (const list of [seen[0], seen[1]])
      for (let p = 0; p < PUBLISHERS; p++)
        assert.deepEqual(list.filter((m) => m.value.p === p)
          .map((m) => m.value.n), Array.from({ length: EACH }, (_, n) => n));
    assert.ok(await server.metric("godwit_mail_total") > 0);

    await Promise.all(clients.map((c) => c.close()));
    await server.until("godwit_sockets", (n) => n === 0, 20000);
    for (const gauge of ["sessions", "subscriptions", "queue_bytes"])
      await server.until(`godwit_${gauge}`, (n) => n === 0);
  }));
