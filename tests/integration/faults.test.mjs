// SPDX-License-Identifier: MIT
// faults.test.mjs - what happens to processes and networks: bad links, processes
// that are stopped, floods, too little memory. Each has an outcome that is stated,
// and in the end what was sent is what was acknowledged, and that what was
// delivered or told as a gap.

import assert from "node:assert/strict";
import fs from "node:fs";
import net from "node:net";
import { test } from "node:test";
import { ask } from "./support/api.mjs";
import { Command, run } from "./support/cli.mjs";
import { Client, connectMany } from "./support/client.mjs";
import { reconcile } from "./support/ledger.mjs";
import { Peer, upgrade } from "./support/peer.mjs";
import { BadNetwork } from "./support/proxy.mjs";
import { RELEASE, Server, withServer } from "./support/server.mjs";
import {
  BINARY, CLOSE, encodeFrame, openWebSocket, TEXT, within,
} from "./support/websocket.mjs";
import { hello, nextFrame, TYPE } from "./support/binary.mjs";

const range = (from, to) =>
  Array.from({ length: to - from + 1 }, (_, i) => from + i);
const sleep = (ms) => new Promise((r) => setTimeout(r, ms));
const viaProxy = (proxy) =>
  ({ env: { GODWIT_URL: `ws://127.0.0.1:${proxy.port}/v1/ws` } });

/* ---- bad networks ---------------------------------------------------------------- */

const NETWORKS = {
  "in pieces of up to nine bytes": { splitBytes: 9 },
  "late and in pieces": { splitBytes: 300, delayMs: 8 },
  "that resets": { splitBytes: 500, resetBytes: 6000 },
  "that half-closes": { splitBytes: 500, resetBytes: 9000, halfCloses: true },
};

for (const [name, faults] of Object.entries(NETWORKS))
  test(`a network ${name}: all that is sent is acknowledged and delivered`, () =>
    withServer({ args: ["--history.size", "1000"] }, async (server) => {
      const NUM = 300;
      const up = await BadNetwork.start(server.port, faults, 1);
      const down = await BadNetwork.start(server.port, faults, 2);
      const reader = new Command(["subscribe", "a", "--json", "--retry",
        "aggressive", "--since", "start", "--count", String(NUM)], viaProxy(down));
      await reader.until((c) => /live at/.test(c.err));
      const writer = new Command(["publish", "a", "-", "--retry", "aggressive"],
        { ...viaProxy(up), input: range(1, NUM).join("\n") });
      assert.equal(await writer.end(), 0, writer.err);
      assert.equal(writer.lines.length, NUM, "acknowledged");
      assert.equal(await reader.end(), 0, reader.err);
      const { values, missed } = reconcile(reader.lines);
      assert.deepEqual(values, range(1, NUM));
      assert.equal(missed, 0);
      const { body } = await ask(server, "history", { channel: "a", limit: 1 });
      assert.match(body.toString(), new RegExp(`"offset":"?${NUM}"?`));
      if (faults.resetBytes)
        assert.ok(up.counts.resets > 0 && down.counts.resets > 0);
      await Promise.all([up.stop(), down.stop()]);
    }));

test("a network that stalls: who waits long enough comes back", () =>
  withServer({ args: ["--ping.interval", "1s", "--ping.timeout", "500ms",
    "--history.size", "1000"] }, async (server) => {
    const proxy = await BadNetwork.start(server.port);
    const reader = new Command(["subscribe", "a", "--json", "--retry",
      "aggressive", "--count", "40"], viaProxy(proxy));
    await reader.live("a");
    const writer = await Client.connect(server.port);
    for (const n of range(1, 20)) await writer.publish("a", n);
    proxy.stall(2500);
    for (const n of range(21, 40)) await writer.publish("a", n);
    assert.equal(await reader.end(), 0, reader.err);
    assert.deepEqual(reconcile(reader.lines), { values: range(1, 40), missed: 0 });
    await writer.close();
    await proxy.stop();
  }));

/* ---- processes ---------------------------------------------------------------------- */

test("a server that was stopped for a while goes on with everybody", () =>
  withServer({ args: ["--ping.interval", "1s", "--ping.timeout", "800ms"] },
    async (server) => {
      const clients = await connectMany(server.port, 20);
      for (const c of clients) await c.subscribe("a");
      await sleep(900); /* so that some have a ping under way */
      server.signal("SIGSTOP");
      const acks = range(1, 20).map((n) => clients[n - 1].publish("a", n));
      await sleep(2500);
      server.signal("SIGCONT");
      await Promise.all(acks);
      for (const c of clients)
        assert.deepEqual((await c.publications(20)).map((p) => p.offset),
          range(1, 20));
      assert.equal(await server.metric("godwit_ping_timeouts_total"), 0);
      assert.equal(await server.metric("godwit_sessions"), 20);
      await Promise.all(clients.map((c) => c.close()));
    }));

test("a reader that was stopped is told what it missed, or given it", () =>
  withServer({ args: ["--ping.interval", "1s", "--ping.timeout", "500ms",
    "--history.size", "60"] }, async (server) => {
    const NUM = 200;
    const reader = new Command(["subscribe", "a", "--json", "--retry",
      "aggressive"], { server });
    await reader.live("a");
    const writer = await Client.connect(server.port);
    for (const n of range(1, 50)) await writer.publish("a", n);
    await reader.until((c) => c.lines.length === 50);
    reader.signal("SIGSTOP");
    await server.until("godwit_sessions", (n) => n === 1, 10000);
    for (const n of range(51, NUM)) await writer.publish("a", n);
    reader.signal("SIGCONT");
    await reader.until((c) => c.out.includes(`"offset":${NUM},`));
    reader.signal("SIGINT");
    assert.equal(await reader.end(), 0);
    const { values, missed } = reconcile(reader.lines);
    assert.equal(values.length + missed, NUM);
    assert.equal(missed, NUM - 50 - 60);
    assert.deepEqual(values.slice(-60), range(NUM - 59, NUM));
    await writer.close();
  }));

test("kill -9 in the midst of a stream: what was acknowledged is told", async () => {
  const first = await Server.start({ args: ["--history.size", "2000"] });
  const network = await BadNetwork.start(first.port);
  const reader = new Command(["subscribe", "a", "--json", "--retry",
    "aggressive"], viaProxy(network));
  await reader.live("a");
  const NUM = 400;
  const writer = new Command(["publish", "a", "-", "--retry", "aggressive"],
    { ...viaProxy(network), input: "open" });
  const write = async (from, to) => {
    for (const n of range(from, to)) {
      writer.write(`${n}\n`);
      if (n % 20 === 0) await sleep(5);
    }
  };
  await write(1, NUM / 2);
  await reader.until((c) => c.lines.length > 20);
  await first.kill();
  await withServer({ args: ["--history.size", "2000"] }, async (second) => {
    network.lead(second.port);
    await write(NUM / 2 + 1, NUM);
    await writer.until((c) => c.lines.length === NUM);
    await publishLast(second);
    await reader.until((c) => c.out.includes('"json":"last"'));
    for (const c of [reader, writer]) c.signal("SIGINT");
    await Promise.all([reader.end(), writer.end()]);
  });
  await network.stop();
  /* Each was acknowledged by one of the two lives. Of the first, the reader has
   * a part in order; of the second all behind its gap. */
  const told = reader.lines.map((l) => JSON.parse(l));
  const cut = told.findIndex((l) => l.type === "gap");
  assert.ok(cut > 0 && told[cut].reason === "epoch_changed");
  const before = told.slice(0, cut).map((l) => l.json);
  assert.deepEqual(before, range(1, before.length));
  const behind = told.slice(cut + 1);
  assert.ok(behind.every((l) => l.type === "publication"));
  const seen = behind.map((l) => l.json).filter((v) => v !== "last");
  assert.equal(new Set(seen).size, seen.length, "one was repeated");
  assert.deepEqual(seen, [...seen].sort((a, b) => a - b));
  const epochs = writer.lines.map((l) => l.split(":")[0]);
  const second = epochs.at(-1);
  const ofSecond = range(1, NUM).filter((n) => epochs[n - 1] === second);
  assert.deepEqual(seen, ofSecond.slice(ofSecond.length - seen.length));
});

async function publishLast(server) {
  const client = await Client.connect(server.port);
  await client.publish("a", "last");
  await client.close();
}

/* ---- slow peers ------------------------------------------------------------------------ */

/* What follows a frame's beginning is as it stands. */
const PLAIN = { claim: 60000, mask: Buffer.alloc(4) };

/** The bytes one by one, then blanks, until the end of TCP. */
async function drip(peer, bytes, everyMs) {
  let open = true;
  peer.ended.then(() => (open = false));
  for (let at = 0; open; at++) {
    peer.write(at < bytes.length ? bytes.subarray(at, at + 1) : " ");
    await sleep(everyMs);
  }
}

test("whoever drips bytes is cut at each stage, at a time for the whole", () =>
  withServer({ args: ["--handshake.timeout", "1s", "--ping.interval", "1s",
    "--ping.timeout", "500ms"] }, async (server) => {
    const witness = await Client.connect(server.port);
    await witness.subscribe("a");
    const head = upgrade();
    const stages = {
      "nothing": [new Peer(server.port), Buffer.alloc(0)],
      "half a request": [new Peer(server.port), Buffer.from("GET /v1/ws HTTP/1")],
      "an upgrade without an end": [new Peer(server.port),
        Buffer.concat([head.subarray(0, -2), Buffer.from("X: y\r\n".repeat(99))])],
      "no Hello": [await Peer.open(server.port), Buffer.alloc(0)],
      "a Hello without an end": [await Peer.open(server.port),
        encodeFrame(TEXT, "{", PLAIN)],
      "fragments of a Hello": [await Peer.open(server.port),
        encodeFrame(TEXT, " ", { ...PLAIN, fin: false })],
    };
    const late = await Peer.open(server.port);
    late.text('{"id":1,"hello":{"version":1,"instance":' +
      '"AAECAwQFBgcICQoLDA0ODw=="}}');
    await late.next(TEXT);
    stages["half a frame behind the Welcome"] =
      [late, encodeFrame(TEXT, "{", PLAIN)];
    /* A byte is life: what drips on is no more than a slow client. */
    const ends = Object.entries(stages).map(async ([what, [peer, bytes]]) => {
      const start = Date.now();
      const isLive = peer === late;
      void (bytes.length ? drip(peer, bytes, 100) : 0);
      if (isLive) return;
      await within(9000, `the end of ${what}`, peer.ended);
      return Date.now() - start;
    });
    const number = await witness.publish("a", 1);
    assert.equal(Number(number.offset), 1);
    await Promise.all(ends);
    assert.equal(await server.metric("godwit_sessions"), 2);
    late.destroy();
    await server.until("godwit_sockets", (n) => n === 1, 10000);
    await witness.close();
    Peer.destroyAll();
  }));

/* ---- floods ------------------------------------------------------------------------------ */

test("a flood of connections: those who are in do not notice", () =>
  withServer({ workers: 2 }, async (server) => {
    const [writer, reader] = await connectMany(server.port, 2);
    await reader.subscribe("a");
    const sockets = [];
    let flooding = true, acked = 0;
    const traffic = (async () => {
      for (; flooding || acked < 50; acked++) await writer.publish("a", acked);
    })();
    for (let i = 0; i < 2500; i++) {
      const socket = net.connect(server.port, "127.0.0.1");
      socket.on("error", () => {});
      sockets.push(socket);
      if (i % 3 === 0) socket.write("GET / HTTP/1.1\r\n");
      if (i % 3 === 1) socket.resetAndDestroy();
      if (i % 50 === 0) await sleep(1);
    }
    flooding = false;
    await within(20000, "the traffic", traffic);
    assert.equal((await reader.publications(acked)).length, acked);
    for (const socket of sockets) socket.destroy();
    await server.until("godwit_sockets", (n) => n === 2, 30000);
    await Promise.all([writer.close(), reader.close()]);
  }));

test("a message of 100 MB costs its sender only, and no memory", () =>
  withServer({}, async (server) => {
    const witness = await Client.connect(server.port);
    for (const isJson of [false, true]) {
      const ws = await openWebSocket(server.port,
        { protocol: isJson ? "godwit.v1.json" : "godwit.v1" });
      ws.send(isJson ? '{"id":1,"hello":{"version":1,"instance":' +
        '"AAECAwQFBgcICQoLDA0ODw=="}}' : hello());
      if (isJson) await ws.messages.next();
      else await nextFrame(ws, TYPE.WELCOME);
      const before = await server.metric("process_resident_memory_bytes");
      ws.write(encodeFrame(isJson ? TEXT : BINARY, Buffer.alloc(1000, 0x20),
        { ...PLAIN, claim: 100e6 }));
      let open = true, sent = 0, peak = 0;
      ws.closed.then(() => (open = false));
      const piece = Buffer.alloc(250e3, 0x20);
      for (; open && sent < 99e6; sent += piece.length) {
        await Promise.race([ws.closed,
          new Promise((r) => ws.socket.write(piece, r))]);
        if (sent % 5e6 === 0)
          peak = Math.max(peak,
            await server.metric("process_resident_memory_bytes"));
      }
      const { code } = await within(5000, "the end", ws.closed);
      assert.ok([4502, 4501, 0].includes(code), `code ${code}`);
      assert.ok(peak - before < 30e6, `${peak - before} bytes more`);
    }
    await witness.publish("a", "still here");
    await witness.close();
    const { status } = await ask(server, "publish", Buffer.alloc(20e6, 0x20))
      .catch(() => ({ status: 413 })); /* or reset before it has all sent */
    assert.equal(status, 413);
  }));

test("JSON that is deep costs its sender only", () =>
  withServer({}, async (server) => {
    const client = await Client.connect(server.port);
    for (const [open, close] of [["[", "]"], ['{"a":', "}"]])
      for (const depth of [100, 1000, 5000]) {
        const json = open.repeat(depth) + "1" + close.repeat(depth);
        const answer = await client.request({ publish: { channel: "a", json } });
        assert.ok(answer.published || answer.error, JSON.stringify(answer));
        const { status } = await ask(server, "publish", json);
        assert.equal(status, 400);
        const nested = await ask(server, "publish", { channel: "a", json });
        assert.ok([200, 400].includes(nested.status), nested.body.toString());
      }
    await client.close();
  }));

test("a thousand subscriptions of one connection, and not one more", () =>
  withServer({ args: ["--limits.max_subscriptions", "1000"] }, async (server) => {
    const NUM = 1000;
    const [reader, writer] = await connectMany(server.port, 2);
    assert.equal(reader.welcome.limits.maxSubscriptions, NUM);
    for (let i = 0; i < NUM; i += 100)
      await Promise.all(range(i, i + 99).map((n) => reader.subscribe(`a:${n}`)));
    await assert.rejects(reader.subscribe("a:more"), /TOO_MANY|LIMIT/);
    let acked = 0;
    for (let i = 0; i < NUM; i += 100)
      acked += (await Promise.all(range(i, i + 99).map(
        (n) => writer.publish(`a:${n}`, n)))).length;
    const got = await reader.publications(NUM);
    assert.equal(acked, NUM);
    assert.deepEqual(got.map((p) => p.value).sort((a, b) => a - b),
      range(0, NUM - 1));
    assert.equal(await server.metric("godwit_subscriptions"), NUM);
    await Promise.all([reader.close(), writer.close()]);
    await server.until("godwit_subscriptions", (n) => n === 0);
  }));

test("a storm of 500 who come back at once: each is given what it missed", () =>
  withServer({}, async (server) => {
    const { code, err, lines } = await run(["bench", "--json", "--connections",
      "500", "--channels", "5", "--storm", "40"], { server });
    assert.equal(code, 0, err);
    assert.equal(JSON.parse(lines[0]).recovered, 500 * 40);
    assert.equal(await server.metric("godwit_gaps_total"), 0);
    await server.until("godwit_sockets", (n) => n === 0, 20000);
    await server.until("godwit_sessions", (n) => n === 0);
    await server.until("godwit_subscriptions", (n) => n === 0);
  }));

/* ---- memory ------------------------------------------------------------------------------- */

function addressSpace(pid) {
  const text = fs.readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(/VmSize:\s+(\d+) kB/.exec(text)[1]) * 1024;
}

/* Sanitizers need address space of their own, so it is the release build. */
test("with too little memory some are refused; then all is as before", async () => {
  const ROOM = 24e6; /* which a slow machine, too, fills before it forgets */
  /* The C library gives each thread an arena of its own, and what one has free is
   * of no use to another when the address space is at its end. */
  const env = { MALLOC_ARENA_MAX: "1" };
  const probe = await Server.start({ binary: RELEASE, env, workers: 1 });
  const idle = addressSpace(probe.pid);
  assert.equal(await probe.stop(), 0);
  const args = ["--history.size", "10000", "--history.ttl", "6s",
    "--channel.idle", "1s", "--log.level", "warn"];
  await withServer({ binary: RELEASE, args, env, workers: 1, memory: idle + ROOM },
    async (server) => {
      const json = JSON.stringify("x".repeat(60000));
      let acked = 0, refused = 0, cut = 0;
      const flood = async (k) => {
        const isEnough = (n) => n >= 200 && (refused + cut > 0 || n >= 2000);
        for (let n = 0, client; !isEnough(n); n++)
          try {
            client ??= await Client.connect(server.port);
            const answer = await client.request(
              { publish: { channel: `a:${k}:${n % 50}`, json } });
            if (answer.published) acked++;
            else refused++;
            if (answer.error)
              assert.match(answer.error.code, /OVERLOADED|INTERNAL/);
          } catch {
            client?.ws.destroy();
            client = undefined;
            cut++;
          }
      };
      await Promise.all(range(1, 8).map(flood));
      assert.ok(acked > 100, `${acked} acknowledged`);
      assert.ok(refused + cut > 0, `the memory was enough for ${acked}`);
      /* What was published is forgotten by and by. */
      const deadline = Date.now() + 30000;
      let client;
      while (!(client = await Client.connect(server.port).catch(() => null))) {
        assert.ok(Date.now() < deadline, "nobody is let in any more");
        await sleep(200);
      }
      await client.subscribe("a");
      await client.publish("a", "as before");
      assert.equal((await client.publications(1))[0].value, "as before");
      await client.close();
    });
});
