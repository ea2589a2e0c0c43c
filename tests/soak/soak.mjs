// SPDX-License-Identifier: MIT
// soak.mjs - a server under mixed load for hours, that must not grow: clients come,
// go and break off, publish, recover and are slow, while its memory and its gauges
// are looked at. Prints a line a sample, and the reconciled counts in the end.
//
//   node tests/soak/soak.mjs HOURS [SEED]

import fs from "node:fs";
import { randomBytes } from "node:crypto";
import { Client } from "../integration/support/client.mjs";
import { randomOf } from "../integration/support/proxy.mjs";
import { RELEASE, Server } from "../integration/support/server.mjs";

const hours = Number(process.argv[2] ?? 1);
const seed = Number(process.argv[3] ?? 1);
const END_MS = hours * 3600e3;
const NUM_CLIENTS = 60;
const NUM_CHANNELS = 40;
const NUM_SAMPLES = 40;
/* What a heap may wander without a leak: the arenas of four threads. */
const SLACK_BYTES = 3e6;
const SLACK_SHARE = 0.05;
/* What has to be as in the beginning when all have gone. */
const GAUGES = ["godwit_sockets", "godwit_sessions", "godwit_subscriptions",
  "godwit_queue_bytes", "godwit_channels"];
const ARGS = ["--history.size", "50", "--history.ttl", "10s",
  "--channel.idle", "5s", "--presence.grace", "2s", "--limits.max_queue_bytes", "262144"];

const random = randomOf(seed);
const pick = (n) => Math.floor(random() * n);
const sleep = (ms) => new Promise((r) => setTimeout(r, ms));
const counts = { connects: 0, breaks: 0, slow: 0, sent: 0, acked: 0, refused: 0,
  unsettled: 0, delivered: 0, gaps: 0, holes: 0 };
const faults = [];
const start = Date.now();
const isOver = () => Date.now() - start >= END_MS;

/** One who comes, lives for a while, and goes in one way or another. */
class Visitor {
  instance = randomBytes(16).toString("base64");
  positions = new Map();

  async visit(port) {
    const client = await Client.connect(port, { instance: this.instance });
    counts.connects++;
    this.read(client);
    for (let i = pick(4); i >= 0; i--) await this.subscribe(client);
    for (let i = 10 + pick(40); i > 0 && !isOver(); i--) {
      await this.act(client);
      await sleep(pick(60));
    }
    if (random() < 0.5) {
      counts.breaks++;
      client.ws.destroy();
    } else {
      await client.close();
    }
  }

  async subscribe(client) {
    const channel = `soak:${pick(NUM_CHANNELS)}`;
    if ([...this.mine(client).values()].includes(channel)) return;
    const at = this.positions.get(channel);
    const answer = await client.subscribe(channel, {
      presence: random() < 0.3, overflow: "OVERFLOW_DROP",
      ...(at ? { recover: true, ...at } : {}) });
    if (answer.result === "RECOVERY_GAP") counts.gaps++;
    this.positions.set(channel, { epoch: answer.epoch, offset: answer.offset });
    this.mine(client).set(channel, channel);
  }

  mine(client) {
    return (client.channels ??= new Map());
  }

  async act(client) {
    const channel = `soak:${pick(NUM_CHANNELS)}`;
    const what = random();
    if (what < 0.75) await this.publish(client, channel);
    else if (what < 0.9) await this.subscribe(client);
    else if (what < 0.95) await this.dawdle(client);
    else await client.request({ rpc: { method: "none" } });
  }

  async publish(client, channel) {
    counts.sent++;
    try {
      const answer = await client.request({ publish: { channel,
        json: JSON.stringify("x".repeat(pick(2000))) } }, 30000);
      if (answer.published) counts.acked++;
      else counts.refused++;
    } catch (error) {
      counts.unsettled++; /* told nothing: its connection ended */
      throw error;
    }
  }

  /** It reads nothing for a while. */
  async dawdle(client) {
    counts.slow++;
    client.ws.pause();
    await sleep(pick(1500));
    client.ws.resume();
  }

  async read(client) {
    const last = new Map();
    for (;;) {
      const push = await client.pushes.next(0x7fffffff).catch(() => null);
      if (!push) return;
      const channel = client.channelOf(push) ?? push.channel;
      if (push.publication) this.take(last, channel, push.publication);
      if (push.lagged) last.set(channel, Number(push.lagged.to));
      if (push.recovery || push.unsubscribed) last.delete(channel);
      if (push.lagged || push.recovery?.gap) counts.gaps++;
    }
  }

  /** Each follows the last, or something was told between the two. */
  take(last, channel, { offset }) {
    counts.delivered++;
    const before = last.get(channel);
    if (before !== undefined && Number(offset) !== before + 1) counts.holes++;
    last.set(channel, Number(offset));
    if (this.positions.has(channel))
      this.positions.get(channel).offset = offset;
  }
}

async function live(port) {
  const visitor = new Visitor();
  while (!isOver())
    await visitor.visit(port).catch((error) => {
      if (!/closed|nothing within/.test(error.message)) throw error;
      faults.push(error.message);
    });
}

/* ---- samples ------------------------------------------------------------------ */

function rss(pid) {
  const text = fs.readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(/VmRSS:\s+(\d+) kB/.exec(text)[1]) * 1024;
}

async function sample(server) {
  const taken = { s: Math.round((Date.now() - start) / 1000),
    rss: rss(server.pid), fds: fs.readdirSync(`/proc/${server.pid}/fd`).length };
  for (const gauge of GAUGES) taken[gauge] = await server.metric(gauge);
  console.log(`${String(taken.s).padStart(6)} s ` +
    `${(taken.rss / 1e6).toFixed(1).padStart(7)} MB ${taken.fds} descriptors ` +
    GAUGES.map((g) => `${g.slice(7)} ${taken[g]}`).join(", ") +
    `; ${counts.acked} acknowledged, ${counts.delivered} delivered`);
  return taken;
}

const least = (samples) => Math.min(...samples.map((s) => s.rss));

/** Memory has to come back to what it was: compared are the least of the second
 * quarter, when all is warm, and of the last. */
function growth(samples) {
  const quarter = Math.floor(samples.length / 4);
  const early = least(samples.slice(quarter, 2 * quarter));
  const late = least(samples.slice(-quarter));
  const allowed = early * SLACK_SHARE + SLACK_BYTES;
  console.log(`memory: ${(early / 1e6).toFixed(1)} MB, then ` +
    `${(late / 1e6).toFixed(1)} MB; ${(allowed / 1e6).toFixed(1)} MB allowed`);
  return late - early > allowed ? [`memory grew by ${late - early} bytes`] : [];
}

async function settled(server) {
  const problems = [];
  for (const gauge of GAUGES)
    await server.until(gauge, (n) => n === 0, 60000)
      .catch((error) => problems.push(error.message));
  return problems;
}

/* ---- run -------------------------------------------------------------------------- */

const server = await Server.start({ binary: RELEASE, args: ARGS });
const samples = [];
try {
  const visitors = Promise.all(
    Array.from({ length: NUM_CLIENTS }, () => live(server.port)));
  visitors.catch(() => {});
  while (!isOver()) {
    await sleep(END_MS / NUM_SAMPLES);
    samples.push(await sample(server));
  }
  await visitors;
  const problems = [...growth(samples), ...await settled(server)];
  await sample(server);
  const { sent, acked, refused, unsettled } = counts;
  if (counts.holes > 0) problems.push(`${counts.holes} holes without a word`);
  if (sent !== acked + refused + unsettled)
    problems.push("publications without an outcome");
  if (unsettled > counts.breaks + faults.length) problems.push("answers are lost");
  if (await server.metric("godwit_publications_total") < acked)
    problems.push("more was acknowledged than published");
  const code = await server.stop();
  if (code !== 0) problems.push(`the server ended with ${code}`);
  console.log(JSON.stringify(counts));
  if (faults.length)
    console.log(`${faults.length} connections ended by the server, such as: ` +
      faults[0]);
  for (const problem of problems) console.log(`problem: ${problem}`);
  console.log(`${problems.length ? 0 : 1} passed, ${problems.length} failed`);
  process.exitCode = problems.length ? 1 : 0;
} catch (error) {
  console.error(error, server.log.slice(-4000));
  await server.kill();
  process.exitCode = 1;
}
