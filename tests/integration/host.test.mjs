// SPDX-License-Identifier: MIT
// host.test.mjs - what the machine does to a server: its wall clock steps, its
// descriptors are used up, its disk is full. Those who are connected go on, and
// the accounts of what they sent and were given agree.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import http from "node:http";
import os from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { api } from "./support/api.mjs";
import { Command } from "./support/cli.mjs";
import { Client, connectMany } from "./support/client.mjs";
import { SECRET, seconds, sign } from "./support/jwt.mjs";
import { Ledger, reconcile } from "./support/ledger.mjs";
import { BINARY, get, SANITIZER_ENV, withServer } from "./support/server.mjs";
import { WallClock } from "./support/wall_clock.mjs";
import { within } from "./support/websocket.mjs";

const sleep = (ms) => new Promise((r) => setTimeout(r, ms));
const closeAll = (clients) => Promise.all(clients.map((c) => c.close()));
const publishAll = (ledger, clients, num) =>
  Promise.all(clients.map((c) => ledger.publish(c, num)));

let folder;
before(() => (folder = fs.mkdtempSync(path.join(os.tmpdir(), "godwit-host-"))));
after(() => fs.rmSync(folder, { recursive: true, force: true }));

/** Sets a soft limit of a process that runs; returns what it was. */
function limit(pid, name, value) {
  const was = execFileSync("prlimit", ["--pid", pid, `--${name}`, "-o", "SOFT",
    "--noheadings", "--raw"]).toString().trim();
  execFileSync("prlimit", ["--pid", pid, `--${name}=${value}:`]);
  return was;
}

async function expectHealthy(server) {
  for (const page of ["/healthz", "/readyz"])
    assert.equal((await get(server.internal, page)).status, 200, page);
}

/* ---- the clock ---------------------------------------------------------------------- */

const HOUR = 3600;

/** Claims, in seconds from now, and the close codes that they lead to at an hour
 * ahead, at the right time, and an hour behind; 0: they are let in. */
const TOKENS = [
  [{ iat: 0, exp: 60 }, { [HOUR]: 4300, 0: 0, [-HOUR]: 4301 }],
  [{ iat: 0, exp: 2 * HOUR }, { [HOUR]: 0, 0: 0, [-HOUR]: 4301 }],
  [{ exp: -60 }, { [HOUR]: 4300, 0: 4300, [-HOUR]: 0 }],
  [{ nbf: 60, exp: 2 * HOUR }, { [HOUR]: 0, 0: 4301, [-HOUR]: 4301 }],
];

const tokenOf = ({ iat, nbf, exp }) => {
  const at = (time) => time === undefined ? undefined : seconds(time);
  return sign({ sub: "ann", iat: at(iat), nbf: at(nbf), exp: at(exp) });
};

async function expectTokens(server, shift) {
  for (const [claims, codes] of TOKENS) {
    const client = await Client.connect(server.port,
      { hello: { token: tokenOf(claims) } }).catch((error) => error);
    const code = client instanceof Client ? 0
      : Number(/closed: (\d+)/.exec(client.message)?.[1]);
    assert.equal(code, codes[shift], `${JSON.stringify(claims)} at ${shift}`);
    if (code === 0) await client.close();
  }
}

/** Members of a presence who read the ledger's channel, each with a token. */
async function enterMany(server, ledger, num) {
  const token = sign({ sub: "member", exp: seconds(300) });
  const members = await connectMany(server.port, num, { hello: { token } });
  for (const member of members) {
    await ledger.read(member, { presence: true });
    const { error } = await member.request(
      { channel: 1, alias: true, presenceSet: { state: "here" } });
    assert.equal(error, undefined);
  }
  return members;
}

const leavesOf = (readers) => readers.flatMap((r) => r.others)
  .flatMap((push) => push.presenceDiff?.changes ?? [])
  .filter((change) => change.kind === "PRESENCE_LEAVE");

async function serverTime(client) {
  const { rpcResult } = await client.request({ rpc: { method: "server.time" } });
  return JSON.parse(rpcResult.json).timeMs / 1000;
}

/** All that a step of the clock must not touch, at each of its steps. */
async function stepThrough(server, clock, ledger, members) {
  const brief = await Client.connect(server.port,
    { hello: { token: sign({ sub: "brief", exp: seconds(6) }) } });
  let uptime = 0;
  for (const shift of [0, HOUR, 0, -HOUR, 0, HOUR, -HOUR]) {
    clock.step(shift);
    const ahead = await serverTime(members[0]) - seconds();
    assert.ok(Math.abs(ahead - shift) < 60, `${ahead} s ahead, not ${shift}`);
    await publishAll(ledger, members, 10);
    await expectTokens(server, shift);
    /* Longer than the time of a ping with its answer, and than the grace. */
    await sleep(1500);
    const now = await server.metric("godwit_uptime_seconds");
    assert.ok(now > uptime && now < 600, `up for ${now} s after ${uptime} s`);
    uptime = now;
    await expectHealthy(server);
  }
  /* Its time was counted from when it came in. */
  assert.equal((await within(15000, "the end of a token", brief.closed)).code,
    4300);
}

test("a wall clock that steps an hour: tokens that come feel it, nobody else",
  async () => {
    const NUM = 10;
    const clock = new WallClock();
    const args = ["--ping.interval", "1s", "--ping.timeout", "800ms",
      "--presence.grace", "1s", "--history.size", "1000", "--history.ttl", "10m",
      "--channel.idle", "1m", "--auth.jwt.leeway", "0"];
    const env = { ...clock.env, GODWIT_AUTH_JWT_SECRET: SECRET };
    await withServer({ args, env }, async (server) => {
      const ledger = new Ledger("room:a");
      const members = await enterMany(server, ledger, NUM);
      await stepThrough(server, clock, ledger, members);
      const sent = 7 * 10 * NUM;
      assert.deepEqual(await ledger.settle(), { sent, acked: sent, refused: 0,
        unanswered: 0, delivered: NUM * sent, missed: 0 });
      assert.deepEqual(leavesOf(ledger.readers), []);
      const { members: there } = await api(server, "presence",
        { channel: "room:a", limit: 100 });
      assert.equal(there.length, NUM);
      const { publications } = await api(server, "history",
        { channel: "room:a", limit: 1000 });
      assert.equal(publications.length, sent);
      assert.equal(await server.metric("godwit_ping_timeouts_total"), 0);
      assert.equal(await server.metric("godwit_gaps_total"), 0);
      await server.until("godwit_sessions", (n) => n === NUM);
      await closeAll(members);
    }).finally(() => clock.remove());
  });

/* ---- descriptors -------------------------------------------------------------------- */

/** Connects until so many were turned away: { inside, outside }. Those are told
 * by the end of TCP, before any answer. */
async function connectUntilFull(server, outside) {
  const inside = [];
  for (let turnedAway = 0; turnedAway < outside;)
    try {
      inside.push(await Client.connect(server.port));
    } catch (error) {
      assert.match(error.message, /^closed: 0/);
      turnedAway++;
    }
  return inside;
}

test("more clients than descriptors: those in go on, those out come in later",
  () => withServer({ fds: 96, args: ["--history.size", "5000"] },
    async (server) => {
      const OUTSIDE = 40;
      const ledger = new Ledger("room:a");
      const inside = await connectUntilFull(server, OUTSIDE);
      assert.ok(inside.length > 10, `${inside.length} fit`);
      for (const client of inside) await ledger.read(client);
      const late = new Command(["subscribe", "room:a", "--json", "--since",
        "start", "--retry", "aggressive", "--timeout", "60s"], { server });
      const knocks = Promise.all(Array.from({ length: OUTSIDE }, () =>
        assert.rejects(Client.connect(server.port), /^Error: closed: 0/)));
      await Promise.all([knocks, publishAll(ledger, inside, 20)]);
      const sent = 20 * inside.length;
      assert.deepEqual(await ledger.settle(), { sent, acked: sent, refused: 0,
        unanswered: 0, delivered: sent * inside.length, missed: 0 });
      await expectHealthy(server);
      assert.ok(await server.metric("godwit_accepts_starved_total") >=
        2 * OUTSIDE);
      assert.ok(await server.metric("process_open_fds") <= 96);
      await late.until((c) => c.err.includes("trying again"));
      assert.deepEqual(late.lines, []);

      /* Who leaves makes room, and who came too early has missed nothing. */
      await closeAll(inside);
      await late.until((c) => c.lines.length === sent);
      const { values, missed } = reconcile(late.lines);
      assert.deepEqual(values, [...ledger.acked.keys()].sort((a, b) => a - b)
        .map((offset) => ledger.acked.get(offset)));
      assert.equal(missed, 0);
      late.signal("SIGINT");
      assert.equal(await late.end(), 0);
      await server.until("godwit_sockets", (n) => n === 0, 15000);
      const again = await connectMany(server.port, inside.length);
      await closeAll(again);
    }));

test("descriptors that are taken from a server that runs: who comes waits",
  () => withServer({}, async (server) => {
    const ledger = new Ledger("room:a");
    const inside = await connectMany(server.port, 10);
    for (const client of inside) await ledger.read(client);
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    await get(server.internal, "/metrics", { agent });
    const was = limit(server.pid, "nofile", 10); /* all have higher numbers */
    let numIn = 0;
    const waiting = Array.from({ length: 5 }, () =>
      Client.connect(server.port, { ms: 30000 }).then((c) => (numIn++, c)));
    await publishAll(ledger, inside, 20);
    assert.deepEqual(await ledger.settle(), { sent: 200, acked: 200, refused: 0,
      unanswered: 0, delivered: 2000, missed: 0 });
    const { status, body } = await get(server.internal, "/metrics", { agent });
    assert.equal(status, 200);
    assert.match(body, /^process_open_fds 10$/m);
    assert.match(body, /^process_max_fds 10$/m);
    assert.doesNotMatch(body, /^process_resident_memory_bytes 0$/m);
    assert.equal(numIn, 0);
    limit(server.pid, "nofile", was);
    const late = await Promise.all(waiting);
    for (const client of late) await ledger.read(client);
    await publishAll(ledger, [...inside, ...late], 2);
    assert.deepEqual(await ledger.settle(), { sent: 230, acked: 230, refused: 0,
      unanswered: 0, delivered: 10 * 230 + 5 * 30, missed: 0 });
    await expectHealthy(server);
    agent.destroy();
    await closeAll([...inside, ...late]);
  }));

/* ---- the disk ----------------------------------------------------------------------- */

const ACCESS_LOG = (file) => ["--middleware", "access_log",
  "--access_log.file", file, "--access_log.format", "json"];

/** Clients that come, publish to each other and go, each of which is logged. */
async function traffic(server, ledger) {
  const clients = await connectMany(server.port, 5);
  for (const client of clients) await ledger.read(client);
  await publishAll(ledger, clients, 20);
  const { sent, acked, delivered, missed } = await ledger.settle();
  assert.deepEqual([acked, delivered, missed], [sent, 500, 0]);
  /* A reader who has gone reads no more. */
  ledger.readers = [];
  await closeAll(clients);
  await server.until("godwit_sockets", (n) => n === 0);
}

test("output, log and access log on a full disk: the server serves", () =>
  withServer({ out: "/dev/full", err: "/dev/full",
    args: ["--log.level", "debug", ...ACCESS_LOG("/dev/full")] },
  async (server) => {
    const ledger = new Ledger("room:a");
    await traffic(server, ledger);
    server.signal("SIGHUP"); /* opens its files again */
    await traffic(server, ledger);
    assert.equal(ledger.sent, 200);
    await expectHealthy(server);
    assert.ok(await server.metric("godwit_log_suppressed_total") > 10);
  }));

/** The lines of a log in JSON, and how many are none. */
function readLog(file) {
  const lines = [];
  let torn = 0;
  for (const text of fs.readFileSync(file, "utf8").split("\n"))
    try {
      if (text !== "") lines.push(JSON.parse(text));
    } catch {
      torn++;
    }
  return { lines, torn };
}

test("a disk that fills up costs lines of the logs, and none that follow",
  async () => {
    const files = ["server.log", "access.log"].map((f) => path.join(folder, f));
    const [err, access] = files;
    const sizes = () => files.map((file) => fs.statSync(file).size);
    await withServer({ err, args: ["--log.level", "debug", "--log.format",
      "json", ...ACCESS_LOG(access)] }, async (server) => {
      const ledger = new Ledger("room:a");
      await traffic(server, ledger);
      const room = Math.max(...sizes()) + 100;
      const was = limit(server.pid, "fsize", room);
      for (let i = 0; i < 50 && sizes().some((n) => n < room); i++)
        await traffic(server, ledger);
      await traffic(server, ledger);
      assert.deepEqual(sizes(), [room, room]);
      await expectHealthy(server);
      assert.ok(await server.metric("godwit_log_suppressed_total") > 0);
      limit(server.pid, "fsize", was);
      await traffic(server, ledger);
    });
    const logs = files.map(readLog);
    for (const { lines, torn } of logs) {
      assert.ok(torn <= 1, `${torn} lines are torn`);
      assert.ok(lines.some((line) => line.lost > 0), "what was lost is not told");
    }
    assert.ok(logs[0].torn + logs[1].torn > 0, "none was torn");
    assert.ok(logs[0].lines.some((l) => l.event === "server.stopped"));
  });

test("a torn line of the access log stays in the file that is moved away",
  async () => {
    const file = path.join(folder, "moved.log");
    await withServer({ args: ACCESS_LOG(file) }, async (server) => {
      const ledger = new Ledger("room:a");
      await traffic(server, ledger);
      const room = fs.statSync(file).size + 10;
      const was = limit(server.pid, "fsize", room);
      await traffic(server, ledger);
      assert.equal(fs.statSync(file).size, room);
      limit(server.pid, "fsize", was);
      fs.renameSync(file, `${file}.1`);
      server.signal("SIGHUP");
      const deadline = Date.now() + 5000;
      while (!fs.existsSync(file) && Date.now() < deadline) await sleep(10);
      await traffic(server, ledger);
    });
    assert.deepEqual(readLog(`${file}.1`).torn, 1);
    const { lines, torn } = readLog(file);
    assert.ok(lines[0].lost > 0);
    assert.deepEqual([torn, fs.readFileSync(file, "utf8")[0]], [0, "{"]);
  });

/** Runs `godwit serve` to its end in the test's folder: { code, log }. */
function serve(prefix, ...args) {
  const [command, ...rest] = [...prefix, BINARY, "serve", "--listen.public",
    "localhost:0", "--listen.internal", "", ...args];
  try {
    execFileSync(command, rest, { cwd: folder, timeout: 15000, stdio: "pipe",
      env: { ...process.env, ...SANITIZER_ENV } });
    return { code: 0, log: "" };
  } catch (error) {
    return { code: error.status ?? error.signal, log: String(error.stderr) };
  }
}

test("a port file that cannot be written stops the start, and leaves nothing",
  () => {
    const ports = path.join(folder, "ports");
    const { code, log } = serve(["prlimit", "--fsize=0:"], "--port-file", ports);
    assert.equal(code, 4, log);
    assert.match(log, /ports: File too large/);
    assert.deepEqual(fs.readdirSync(folder).filter((f) => /ports/.test(f)), []);
  });

test("a pipe that nobody reads is no access log", () => {
  const pipe = path.join(folder, "pipe");
  execFileSync("mkfifo", [pipe]);
  const { code, log } = serve([], ...ACCESS_LOG(pipe));
  assert.equal(code, 2, log);
  assert.match(log, /access_log\.file: .* cannot be written: No such device/);
});
