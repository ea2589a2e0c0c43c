// SPDX-License-Identifier: MIT
// restart.test.mjs - kill -9: what is lost is told, and nothing else is.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Client } from "./support/client.mjs";
import { Server, withServer } from "./support/server.mjs";

test("after kill -9 the epoch is new, and the gap is told", async () => {
  const first = await Server.start({});
  const before = await Client.connect(first.port);
  await before.subscribe("room:r");
  let epoch;
  for (let i = 1; i <= 5; i++) ({ epoch } = await before.publish("room:r", i));
  await before.publications(5);
  await first.kill();
  assert.equal((await before.closed).code, 0);

  await withServer({ port: first.port }, async (second) => {
    const after = await Client.connect(second.port,
      { instance: before.instance });
    assert.equal(after.welcome.client, before.welcome.client);
    const answer = await after.subscribe("room:r",
      { recover: true, epoch, offset: "5" });
    assert.equal(answer.result, "RECOVERY_GAP");
    assert.equal(answer.gap, "GAP_EPOCH_CHANGED");
    assert.notEqual(answer.epoch, epoch);
    await after.publish("room:r", "new");
    assert.deepEqual(await after.publications(1), [{ offset: 1, value: "new" }]);
    await after.close();
  });
});

test("twenty kills in a row leave a server that starts on the same port",
  async () => {
    let port = 0;
    for (let i = 0; i < 20; i++) {
      const server = await Server.start({ port, workers: 1 });
      port = server.port;
      const client = await Client.connect(port);
      await client.publish("room:r", i);
      await server.kill();
      await client.closed;
    }
  });
