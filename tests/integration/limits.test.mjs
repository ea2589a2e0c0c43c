// SPDX-License-Identifier: MIT
// limits.test.mjs - out of descriptors, over the cap of connections.

import assert from "node:assert/strict";
import fs from "node:fs";
import net from "node:net";
import { test } from "node:test";
import { Client } from "./support/client.mjs";
import { withServer } from "./support/server.mjs";

/** User and system time of a process in ticks of 10 ms. */
function ticks(pid) {
  const stat = fs.readFileSync(`/proc/${pid}/stat`, "utf8");
  const parts = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return Number(parts[11]) + Number(parts[12]);
}

test("without descriptors new sockets are dropped, and nothing spins", () =>
  withServer({ fds: 64, workers: 1 }, async (server) => {
    const client = await Client.connect(server.port);
    const sockets = Array.from({ length: 100 }, () => {
      const socket = net.connect(server.port, "127.0.0.1");
      socket.on("error", () => {});
      return socket;
    });
    await server.logged(/socket\.refused .*open files/);
    const before = ticks(server.pid);
    await new Promise((r) => setTimeout(r, 1000));
    assert.ok(ticks(server.pid) - before < 30, "the server spins");
    await client.publish("room:r", "those who are in are served");
    assert.ok(await server.metric("godwit_sockets") > 1, "no metrics");
    for (const socket of sockets) socket.destroy();
    await server.until("godwit_sockets", (n) => n === 1, 15000);
    assert.ok(await server.metric("godwit_accepts_starved_total") > 0);
    const later = await Client.connect(server.port);
    await Promise.all([client.close(), later.close()]);
  }));

test("without any descriptor the internal listener recovers, too", () =>
  withServer({ fds: 64, workers: 1 }, async (server) => {
    const hold = (port) => Array.from({ length: 100 }, () => {
      const socket = net.connect(port, "127.0.0.1");
      socket.on("error", () => {});
      return socket;
    });
    const sockets = [...hold(server.port), ...hold(server.internal)];
    await server.logged(/internal\.refused .*open files/);
    const before = ticks(server.pid);
    await new Promise((r) => setTimeout(r, 1000));
    assert.ok(ticks(server.pid) - before < 30, "the server spins");
    for (const socket of sockets) socket.destroy();
    const deadline = Date.now() + 15000;
    while (await server.metric("godwit_sockets").catch(() => -1) !== 0)
      assert.ok(Date.now() < deadline, "the sockets do not end");
    await (await Client.connect(server.port)).close();
  }));

test("over the cap a connection is told so, and comes in when there is room",
  () => withServer({ workers: 1, args: ["--limits.max_connections", "3"] },
    async (server) => {
      const clients = [];
      for (let i = 0; i < 3; i++)
        clients.push(await Client.connect(server.port));
      await assert.rejects(Client.connect(server.port), /4203/);
      assert.equal(await server.metric("process_max_fds"), 3 + 1024 + 1024);
      assert.equal(await server.metric("godwit_connections_refused_total"), 1);
      await clients.pop().close();
      await server.until("godwit_connections", (n) => n === 2);
      clients.push(await Client.connect(server.port));
      await Promise.all(clients.map((c) => c.close()));
    }));

test("sockets that say nothing make room for one that does", () =>
  withServer({
    workers: 1, args: ["--handshake.timeout", "60s"],
  }, async (server) => {
    const sockets = Array.from({ length: 1200 }, () => {
      const socket = net.connect(server.port, "127.0.0.1");
      socket.on("error", () => {});
      return socket;
    });
    await server.until("godwit_accepts_total", (n) => n >= 1200, 15000);
    const client = await Client.connect(server.port, { ms: 20000 });
    assert.ok(await server.metric("godwit_handshakes_evicted_total") > 0);
    await client.close();
    for (const socket of sockets) socket.destroy();
  }));
