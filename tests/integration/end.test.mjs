// SPDX-License-Identifier: MIT
// end.test.mjs - starting and stopping: drain, signals, ports, exit codes.

import assert from "node:assert/strict";
import { execFile as execFileCallback } from "node:child_process";
import { test } from "node:test";
import { promisify } from "node:util";
import { Client, connectMany } from "./support/client.mjs";
import { BINARY, get, Server, withServer } from "./support/server.mjs";
import { openWebSocket, within } from "./support/websocket.mjs";

const execFile = promisify(execFileCallback);

test("SIGTERM sends clients away in batches, then ends with 0", async () => {
  const server = await Server.start({
    args: ["--drain.window", "1s", "--drain.timeout", "10s"] });
  const clients = await connectMany(server.port, 40);
  const times = [], start = Date.now();
  const ends = clients.map((c) => c.closed.then((end) => {
    times.push(Date.now() - start);
    return end;
  }));
  const stopped = server.stop();
  await server.logged(/server\.draining/);
  assert.equal((await get(server.internal, "/readyz")).status, 503);
  assert.equal((await get(server.internal, "/healthz")).status, 200);
  await assert.rejects(openWebSocket(server.port));
  for (const { code } of await Promise.all(ends)) assert.equal(code, 4200);
  assert.equal(await stopped, 0, server.log);
  assert.ok(Math.max(...times) - Math.min(...times) > 200,
    `all at once: ${Math.max(...times)}`);
  assert.match(server.log, /server\.stopped/);
});

test("Close tells clients when to come back", async () => {
  const server = await Server.start({ args: ["--drain.window", "0s"] });
  const client = await Client.connect(server.port);
  server.signal("SIGINT");
  const { close } = await client.next("close");
  assert.equal(close.code, "CODE_SHUTDOWN");
  assert.equal((await client.closed).code, 4200);
  assert.equal(await within(10000, "the end", server.exited), 0);
});

test("the deadline ends a drain that clients hold up", async () => {
  const server = await Server.start({
    args: ["--drain.window", "500ms", "--drain.timeout", "1s"] });
  const client = await Client.connect(server.port);
  client.ws.pause();
  const start = Date.now();
  assert.equal(await server.stop(), 0, server.log);
  assert.ok(Date.now() - start >= 900 && Date.now() - start < 8000);
  client.ws.destroy();
  assert.match(server.log, /server\.drained .*deadline/);
});

test("a second signal ends the server at once", async () => {
  const server = await Server.start({ args: ["--drain.window", "30s", "--drain.timeout", "30s"] });
  const clients = await connectMany(server.port, 10);
  server.signal("SIGTERM");
  await server.logged(/server\.draining/);
  server.signal("SIGTERM");
  assert.equal(await within(5000, "the end", server.exited), 1);
  await Promise.all(clients.map((c) => c.closed));
});

test("a server whose terminal is closed ends, instead of staying unseen", async () => {
  /* Python can make a terminal: the server runs in it until the master's end is
   * closed, and its exit code is told. */
  const script = `
import os, pty, sys
pid, master = pty.fork()
if pid == 0: os.execv(sys.argv[1], sys.argv[1:])
seen = b""
while b" serves " not in seen: seen += os.read(master, 4096)
os.close(master)
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))`;
  const { stdout } = await within(15000, "the end", execFile(
    process.env.PYTHON ?? "python3", ["-c", script, BINARY, "serve",
      "--listen.public", "localhost:0", "--listen.internal", "127.0.0.1:0"]));
  assert.equal(stdout, "0\n");
});

test("a port in use is refused with its holder's name and exit code 3", () =>
  withServer({}, async (server) => {
    const second = await Server.run(["serve", "--listen.public",
      `localhost:${server.port}`, "--listen.internal", "127.0.0.1:0"]);
    assert.equal(second.code, 3);
    assert.match(second.log, new RegExp(
      `port ${server.port} of localhost is in use by "godwit" \\(pid ${
        server.pid}\\).*another port`));
  }));

test("wrong flags and settings end with 2 and say what is allowed",
  async () => {
    for (const args of [["--no.such.key", "1"], ["--workers", "many"],
      ["--listen.public", "nonsense"], ["--port-file"],
      ["--dev", "--demo", "/no/such/folder"]]) {
      const { code, log } = await Server.run(["serve", ...args]);
      assert.equal(code, 2, args.join(" "));
      assert.ok(log.length > 10, args.join(" "));
    }
    assert.equal((await Server.run(["nonsense"])).code, 2);
    assert.equal((await Server.run(["serve", "--help"])).code, 0);
  });

test("the start line names the addresses and the memory-only store", () =>
  withServer({}, async (server) => {
    assert.match(server.output, new RegExp(
      `^Godwit [\\d.]+ serves ws://localhost:${server.port}/v1/ws, .*` +
      `:${server.internal}/metrics; 2 workers; memory only\n$`));
    await server.logged(/store\.memory_only/);
  }));

test("it listens on both address families", () =>
  withServer({}, async (server) => {
    for (const host of ["127.0.0.1", "::1"]) {
      const client = await Client.connect(server.port, { host });
      await client.close();
    }
  }));
