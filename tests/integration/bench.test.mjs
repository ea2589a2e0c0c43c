// SPDX-License-Identifier: MIT
// bench.test.mjs - `godwit bench` against a real server.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Command, run } from "./support/cli.mjs";
import { Client } from "./support/client.mjs";
import { withServer } from "./support/server.mjs";

test("bench reconciles what it sent with what was delivered", () =>
  withServer({}, async (server) => {
    for (const load of [["--rate", "50"], ["--window", "8"]]) {
      const { code, err, lines } = await run(["bench", "--json", "--connections", "20",
        "--channels", "4", "--duration", "500ms", ...load], { server });
      assert.equal(code, 0, err);
      const told = JSON.parse(lines[0]);
      assert.equal(told.connections, 24);
      assert.ok(told.sent > 0);
      assert.equal(told.acked, told.sent);
      assert.equal(told.delivered, told.sent * 5);
      assert.ok(told.p50_ms <= told.p99_ms && told.p99_ms <= told.max_ms);
    }
  }));

test("bench looks at a server's process, and enters a presence", () =>
  withServer({}, async (server) => {
    const { code, out, err } = await run(["bench", "--presence", "--duration", "300ms",
      "--connections", "10", "--pid", String(process.pid)], { server });
    assert.equal(code, 0, err);
    assert.match(out, /all acknowledged/);
    assert.match(out, /none lost, none repeated/);
    assert.match(out, /us of CPU a delivery/);
  }));

test("bench that is interrupted tells what it saw until then", () =>
  withServer({}, async (server) => {
    const command = new Command(["bench", "--duration", "60s"], { server });
    await command.until((c) => c.err.includes("deliveries/s"));
    command.signal("SIGINT");
    assert.equal(await command.end(), 0);
    assert.match(command.out, /none lost/);
  }));

test("bench fails when somebody else publishes to its channels", () =>
  withServer({}, async (server) => {
    const client = await Client.connect(server.port);
    const command = new Command(["bench", "--duration", "60s", "--channel", "ours"],
      { server });
    await command.until((c) => c.err.includes("deliveries/s"));
    await client.publish("ours-0", 1);
    assert.equal(await command.end(), 1);
    assert.match(command.err, /instead of/);
    await client.close();
  }));

test("after a storm everybody is live again, with all that was missed", () =>
  withServer({}, async (server) => {
    const { code, err, lines } = await run(["bench", "--json", "--connections", "300",
      "--channels", "10", "--storm", "100"], { server });
    assert.equal(code, 0, err);
    const told = JSON.parse(lines[0]);
    assert.equal(told.recovered, 300 * 100);
    assert.ok(told.p50_s <= told.p99_s && told.p99_s <= told.seconds);
    assert.equal(await server.metric("godwit_recoveries_total"), 300);
    assert.equal(await server.metric("godwit_recovered_publications_total"), 30000);
    assert.equal(await server.metric("godwit_gaps_total"), 0);
    await server.until("godwit_sockets", (n) => n === 0);
  }));

test("a storm finds out that the history was too short", () =>
  withServer({ args: ["--history.size", "50"] }, async (server) => {
    const { code, err } = await run(["bench", "--connections", "20", "--channels", "2",
      "--storm", "100"], { server });
    assert.equal(code, 1);
    assert.match(err, /cannot be recovered from 0: a gap; does history\.size/);
  }));

test("bench says what is wrong with a command line or an address", () =>
  withServer({}, async (server) => {
    const wrong = [
      [["bench", "--rate", "1", "--window", "1"], 2, /exclude each other/],
      [["bench", "--rate", "1", "--storm", "9"], 2, /exclude each other/],
      [["bench", "--storm", "70000"], 1, /more are missed/],
      [["bench", "more"], 2, /more/],
      [["bench", "--size", "8"], 1, /32 bytes/],
      [["bench", "--url", "http://localhost/"], 1, /ws:\/\/ or wss:/],
      [["bench", "--url", "wss://127.0.0.1:1/", "--ca", "/dev/null"], 1, /--ca/],
      [["bench", "--url", "ws://127.0.0.1:1/"], 1, /refused/],
    ];
    for (const [args, expected, pattern] of wrong) {
      const { code, err } = await run(args, { server });
      assert.equal(code, expected, err);
      assert.match(err, pattern);
    }
  }));
