// SPDX-License-Identifier: MIT
// cli.test.mjs - the subcommands that are clients, against a real server, and
// where the configuration comes from.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import fs from "node:fs";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import { test } from "node:test";
import { Command, run } from "./support/cli.mjs";
import { Client } from "./support/client.mjs";
import { Server, withServer } from "./support/server.mjs";

const POSITION = /^[0-9a-f]{16}:[0-9]+$/;
const COMMANDS = ["serve", "config", "publish", "subscribe", "send", "presence",
  "rpc"];

/** Runs fn(folder) in a folder of its own. */
async function withFolder(fn) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "godwit-cli-"));
  try {
    return await fn(folder);
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

/** Publish in a server; has to succeed. Returns the position. */
async function publish(server, ...args) {
  const { code, err, lines } = await run(["publish", ...args], { server });
  assert.equal(code, 0, err);
  assert.equal(lines.length, 1);
  assert.match(lines[0], POSITION);
  return lines[0];
}

/* ---- publish --------------------------------------------------------------- */

test("publish prints the position that the server acknowledged", () =>
  withServer({}, async (server) => {
    const client = await Client.connect(server.port);
    const { epoch } = await client.subscribe("room:a");
    const position = await publish(server, "room:a", '{"text":"hi"}');
    assert.equal(position, BigInt(epoch).toString(16).padStart(16, "0") + ":1");
    assert.deepEqual(await client.publications(1),
      [{ offset: 1, value: { text: "hi" } }]);
    await client.close();
  }));

test("publish takes JSON, text, bytes and files", () =>
  withServer({}, (server) => withFolder(async (folder) => {
    const client = await Client.connect(server.port);
    await client.subscribe("a");
    const next = async () => (await client.next("publication")).publication;
    const file = path.join(folder, "data");
    fs.writeFileSync(file, Buffer.from([0, 255, 10]));

    await publish(server, "a", "12");
    assert.equal((await next()).json, "12");
    await publish(server, "a", "plain Grüße");
    assert.equal(JSON.parse((await next()).json), "plain Grüße");
    await publish(server, "a", "--text", "12");
    assert.equal((await next()).json, '"12"');
    await publish(server, "a", "--bytes", "12");
    assert.equal((await next()).data, "MTI=");
    await publish(server, "a", "--bytes", "--file", file);
    assert.equal((await next()).data, "AP8K");
    await publish(server, "--", "a", "--help");
    assert.equal((await next()).json, '"--help"');
    const user = await run(["publish", "a", "1", "--user=zoë"], { server });
    assert.equal(user.code, 0);
    assert.equal((await next()).user, "zoë");
    await client.close();
  })));

test("publish sends lines of a pipe and of a file in order", () =>
  withServer({}, (server) => withFolder(async (folder) => {
    const num = 3000;
    const input = Array.from({ length: num }, (_, i) => `{"n":${i}}\n`).join("");
    const subscriber = new Command(
      ["subscribe", "a", "--json", "--count", String(2 * num)], { server });
    await subscriber.live("a");
    const piped = await run(["publish", "a", "-"], { server, input });
    assert.equal(piped.code, 0, piped.err);
    assert.equal(piped.lines.length, num);

    const file = path.join(folder, "lines");
    fs.writeFileSync(file, input.slice(0, -1)); // the last line without its end
    const stdin = fs.openSync(file);
    const redirected = await run(["publish", "a"], { server, stdin });
    fs.closeSync(stdin);
    assert.equal(redirected.code, 0, redirected.err);
    const offsets = [...piped.lines, ...redirected.lines]
      .map((line) => Number(line.split(":")[1]));
    assert.deepEqual(offsets, Array.from({ length: 2 * num }, (_, i) => i + 1));

    assert.equal(await subscriber.end(), 0);
    assert.deepEqual(subscriber.lines.map((line) => JSON.parse(line).json.n),
      Array.from({ length: 2 * num }, (_, i) => i % num));
  })));

test("publish reads on while its input stays open", () =>
  withServer({}, async (server) => {
    const command = new Command(["publish", "a", "-"], { server, input: "open" });
    command.write("1\n");
    await command.until((c) => c.lines.length === 1);
    command.write("\r\n2\r\nhalf");
    await command.until((c) => c.lines.length === 2);
    command.signal("SIGINT");
    assert.equal(await command.end(), 1);
    assert.equal(command.lines.length, 2);
  }));

test("publish fails when the server refuses, and says which line", () =>
  withServer({ args: ["--limits.max_frame_bytes", "2KiB"] }, async (server) => {
    const input = `1\n"${"x".repeat(4000)}"\n2\n`;
    const { code, err, lines } = await run(["publish", "a"], { server, input });
    assert.equal(code, 1);
    assert.equal(lines.length, 2);
    assert.match(err, /line 2: .*(TOO_BIG|larger)/);
    const bad = await run(["publish", "", "1"], { server });
    assert.notEqual(bad.code, 0);
    const json = await run(["publish", "a", "--json", "{no"], { server });
    assert.equal(json.code, 1);
    assert.match(json.err, /not JSON/);
  }));

test("publish compares and sets", () =>
  withServer({}, async (server) => {
    const first = await publish(server, "a", "1");
    await publish(server, "a", "2", "--expect", first);
    const { code, err } =
      await run(["publish", "a", "3", "--expect", first], { server });
    assert.equal(code, 1);
    assert.match(err, /CONFLICT/);
  }));

test("publish without a server names the address and the remedy", async () => {
  const url = "ws://localhost:1/v1/ws";
  const { code, out, err } =
    await run(["publish", "--url", url, "--timeout", "700ms", "a", "1"]);
  assert.equal(code, 1);
  assert.equal(out, "");
  assert.match(err, /no connection to ws:\/\/localhost:1\/v1\/ws within 0\.7 s/);
  assert.match(err, /godwit serve/);
  const once = await run(["publish", "--url", url, "--retry", "none", "a", "1"]);
  assert.equal(once.code, 1);
  assert.match(once.err, /ATTEMPTS_EXHAUSTED: connection refused/);
});

test("publish waits for a server that comes in time", () =>
  withServer({}, async (first) => {
    const { port } = first;
    await first.kill();
    const command = new Command(
      ["publish", "a", "1", "--retry", "aggressive", "--timeout", "30s"],
      { server: { port } });
    await command.until((c) => c.err.includes("trying again"));
    await withServer({ port }, async () => {
      assert.equal(await command.end(), 0);
      assert.equal(command.lines.length, 1);
    });
    first.stop = async () => 0; // it was killed, which is what was tested
  }));

/* ---- subscribe ------------------------------------------------------------- */

test("subscribe prints lines for people", () =>
  withServer({}, async (server) => {
    const command = new Command(["subscribe", "a", "b", "--count", "3"],
      { server });
    await command.live("a");
    await command.live("b");
    await run(["publish", "a", '{"text":"hi"}', "--user", "ana"], { server });
    await run(["publish", "b", "--bytes", "text"], { server });
    await run(["publish", "b", "--bytes", "x", "--file", "/dev/null"],
      { server });
    await run(["publish", "a", "-", "--bytes", "--user", "ana"],
      { server, input: Buffer.from([255, 10]) });
    assert.equal(await command.end(), 0);
    assert.match(command.lines[0], /^\d\d:\d\d:\d\d a 1 ana: {"text":"hi"}$/);
    assert.match(command.lines[1], /^\d\d:\d\d:\d\d b 1 [0-9a-f]{16}: text$/);
    assert.match(command.lines[2], /^\d\d:\d\d:\d\d a 2 ana: base64 \/w==$/);
  }));

test("subscribe cannot be made to write to the terminal's controls", () =>
  withServer({}, async (server) => {
    const command = new Command(["subscribe", "a", "--presence", "--count", "3"],
      { server });
    await command.live("a");
    const client = await Client.connect(server.port,
      { user: "\u001b]0;title\u0007\u202e" });
    await client.subscribe("a");
    await client.request({ channel: 1, alias: true, presenceSet:
      { state: "\u009b31m", json: '"\u2028"' } });
    await command.until((c) => c.out.includes("entered"));
    await client.publish("a", "x\u001b[31m\u009b1m\u202e");
    await client.request({ publish: { channel: "a",
      json: "{\n \"raw\": \"\u007f\u2066\"}" } });
    await client.request({ publish: { channel: "a",
      data: Buffer.from("\u001b[2J\nsecond line").toString("base64") } });
    assert.equal(await command.end(), 0);
    // eslint-disable-next-line no-control-regex
    assert.doesNotMatch(command.out + command.err,
      /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/);
    assert.equal(command.lines.length, 4);
    assert.match(command.out, /\\u009b31m/);
    assert.match(command.out, /: {  "raw": "\\u007f\\u2066"}\n/);
    assert.match(command.out, /: \\u001b\[2J\\nsecond line\n/);
    await client.close();
  }));

test("subscribe --json is for machines", () =>
  withServer({}, async (server) => {
    const command = new Command(["subscribe", "a", "--json", "--count", "2"],
      { server });
    await command.live("a");
    await run(["publish", "a", '{"big":123456789012345678901234567890, "é":1}',
      "--user", 'q"uote'], { server });
    await run(["publish", "a", "--bytes", "\u001b"], { server });
    assert.equal(await command.end(), 0);
    const [first, second] = command.lines.map((line) => JSON.parse(line));
    assert.equal(first.type, "publication");
    assert.equal(first.channel, "a");
    assert.match(first.epoch, /^[0-9a-f]{16}$/);
    assert.equal(first.offset, 1);
    assert.equal(first.user, 'q"uote');
    assert.equal(first.json["é"], 1);
    assert.match(command.lines[0], /123456789012345678901234567890/);
    assert.ok(Math.abs(new Date(first.time) - Date.now()) < 60000);
    assert.equal(second.data, "Gw==");
    assert.equal("json" in second, false);
  }));

test("a publication is about an item, and subscribe shows it", () =>
  withServer({}, async (server) => {
    const item = "bus número \u001b[2J7";
    await run(["publish", "a", "--item", item, "on time"], { server });
    await run(["publish", "a", "about nothing"], { server });
    const all = ["subscribe", "a", "--since", "start", "--count", "2"];
    const { lines, out } = await run(
      [...all, "--overflow", "conflate"], { server });
    assert.match(lines[0], /^\S+ 1 \S+ \[bus número \\u001b\[2J7\]: "on time"$/);
    assert.match(lines[1], /^\S+ 2 \S+: "about nothing"$/);
    assert.equal(out.includes("\u001b"), false);
    const { lines: json } = await run([...all, "--json"], { server });
    assert.equal(JSON.parse(json[0]).item, item);
    assert.equal("item" in JSON.parse(json[1]), false);
    const long = await run(["publish", "a", "--item", "x".repeat(256), "1"],
      { server });
    assert.equal(long.code, 2);
    assert.match(long.err, /--item must not be longer than 255 bytes/);
    const odd = await run(["subscribe", "a", "--overflow", "ignore"], { server });
    assert.equal(odd.code, 2);
    assert.match(odd.err, /--overflow must be close, drop, conflate or sample/);
  }));

test("subscribe begins at the start, at a position, or now", () =>
  withServer({}, async (server) => {
    const input = "1\n2\n3\n";
    const { lines } = await run(["publish", "a"], { server, input });
    const offsets = async (...args) => {
      const { code, lines: got } = await run(
        ["subscribe", "a", "--json", ...args], { server });
      assert.equal(code, 0);
      return got.map((line) => JSON.parse(line).offset);
    };
    assert.deepEqual(await offsets("--since", "start", "--count", "3"), [1, 2, 3]);
    assert.deepEqual(await offsets("--since", lines[0], "--count", "2"), [2, 3]);
    const now = new Command(["subscribe", "a", "--json", "--count", "1"],
      { server });
    await now.live("a");
    await publish(server, "a", "4");
    assert.equal(await now.end(), 0);
    assert.equal(JSON.parse(now.lines[0]).offset, 4);
  }));

test("subscribe tells what will not come", () =>
  withServer({ args: ["--history.size", "2"] }, async (server) => {
    const input = "1\n2\n3\n4\n5\n";
    const { lines } = await run(["publish", "a"], { server, input });
    const { code, lines: got, err } = await run(
      ["subscribe", "a", "--json", "--since", lines[0], "--count", "2"],
      { server });
    assert.equal(code, 0);
    const [gap, ...rest] = got.map((line) => JSON.parse(line));
    assert.deepEqual(gap,
      { type: "gap", channel: "a", reason: "trimmed", from: 2, to: 3 });
    assert.deepEqual(rest.map((p) => p.offset), [4, 5]);
    assert.match(err, /a: publications 2 to 3 will not come: they were trimmed/);
  }));

test("subscribe comes back by itself when the server was killed", () =>
  withServer({}, async (first) => {
    const { port } = first;
    const command = new Command(
      ["subscribe", "a", "--json", "--retry", "aggressive"], { server: first });
    await command.live("a");
    await publish(first, "a", "1");
    await command.until((c) => c.lines.length === 1);
    await first.kill();
    await command.until((c) => c.err.includes("trying again in"));
    await withServer({ port }, async (second) => {
      await command.until((c) => c.err.match(/live at/g).length === 2);
      await publish(second, "a", "2");
      await command.until((c) => c.lines.length === 3);
      const [one, gap, two] = command.lines.map((line) => JSON.parse(line));
      assert.equal(gap.type, "gap");
      assert.equal(gap.reason, "epoch_changed");
      assert.notEqual(one.epoch, two.epoch);
      assert.equal(two.json, 2);
      command.signal("SIGINT");
      assert.equal(await command.end(), 0);
    });
    first.stop = async () => 0;
  }));

test("subscribe ends when it is interrupted, or nobody reads", () =>
  withServer({}, async (server) => {
    for (const signal of ["SIGINT", "SIGTERM"]) {
      const command = new Command(["subscribe", "a"], { server });
      await command.live("a");
      command.signal(signal);
      assert.equal(await command.end(), 0, signal);
    }
    const early = new Command(["subscribe", "a", "--url", "ws://127.0.0.1:1/"]);
    await early.until((c) => c.err.includes("trying again"));
    early.signal("SIGINT");
    assert.equal(await early.end(), 0);

    const unread = new Command(["subscribe", "a"], { server });
    await unread.live("a");
    unread.hangUp();
    await publish(server, "a", "1");
    assert.equal(await unread.end(), 1);
    await server.until("godwit_connections", (n) => n === 0);
  }));

test("subscribe fails when it is refused for good", () =>
  withServer({ args: ["--limits.max_channel_bytes", "5"] }, async (server) => {
    const { code, err } = await run(["subscribe", "long-name"], { server });
    assert.notEqual(code, 0);
    assert.match(err, /long-name: /);
  }));

test("an address that is no godwit server is told", () =>
  withServer({}, async (server) => {
    const base = `ws://localhost:${server.port}`;
    const { code, err } = await run(
      ["presence", "a", "--url", `${base}/nothing`, "--retry", "none"]);
    assert.equal(code, 1);
    assert.match(err, /HTTP status 40[04]/);
    assert.match(err, /--url/);
  }));

/** What a server that is none answers to a handshake, and what is told of it. */
const STRANGERS = [
  ["HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n", /HTTP status 503/],
  ["HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n",
    /PERMISSION_DENIED: refused with HTTP status 403/],
  ["HTTP/1.1 302 Away\r\nLocation: http://localhost:1/\r\n\r\n",
    /HTTP status 302/],
  ["220 mail.example ESMTP\r\n", /is it a godwit server\?/],
  ["", /is it a godwit server\?/],
  ["HTTP/1.1 101 OK\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
    "Sec-WebSocket-Accept: KEY\r\n\r\n", /does not speak godwit\.v1/],
  ["HTTP/1.1 101 OK\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
    "Sec-WebSocket-Protocol: godwit.v1\r\nSec-WebSocket-Accept: wrong\r\n\r\n",
    /is it a godwit server\?/],
  ["HTTP/1.1 101 OK\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
    "Sec-WebSocket-Protocol: godwit.v1\r\nSec-WebSocket-Accept: KEY\r\n\r\n" +
    "\x82\x03\x01\x02\x03", /PROTOCOL|malformed/],
];

test("servers of another kind are told apart", async () => {
  let reply = "";
  const stranger = net.createServer((socket) => {
    socket.on("error", () => {});
    socket.once("data", (data) => {
      const key = /sec-websocket-key: (.*)\r\n/i.exec(data.toString())?.[1];
      const accept = createHash("sha1").update(
        `${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
      socket.end(Buffer.from(reply.replace("KEY", accept), "latin1"));
    });
  });
  await new Promise((done) => stranger.listen(0, "127.0.0.1", done));
  try {
    for (const [text, pattern] of STRANGERS) {
      reply = text;
      const { code, err } = await run(["rpc", "m", "--retry", "none"],
        { server: { port: stranger.address().port } });
      assert.equal(code, 1, text);
      assert.match(err, pattern, text);
    }
  } finally {
    stranger.close();
  }
});

test("a server that says nothing is given up", async () => {
  const silent = net.createServer((socket) => socket.on("error", () => {}));
  await new Promise((done) => silent.listen(0, "127.0.0.1", done));
  try {
    const { code, err } = await run(["presence", "a", "--timeout", "300ms"],
      { server: { port: silent.address().port } });
    assert.equal(code, 1);
    assert.match(err, /no connection to .* within 0\.3 s/);
  } finally {
    silent.close();
  }
});

/* ---- presence -------------------------------------------------------------- */

async function enter(server, channel, user, set) {
  const client = await Client.connect(server.port, { user });
  await client.subscribe(channel);
  await client.request({ channel: 1, alias: true, presenceSet: set });
  return client;
}

/** Changes are told, and listed, as soon as they are made. */
const AT_ONCE = ["--presence.grace", "0", "--presence.coalesce", "0"];

test("presence shows who is there", () =>
  withServer({ args: AT_ONCE }, async (server) => {
    const nobody = await run(["presence", "a"], { server });
    assert.equal(nobody.code, 0);
    assert.equal(nobody.out, "nobody is in a\n");
    const ana = await enter(server, "a", "ana",
      { state: "away", json: '{"typing":true}' });
    const zoe = await enter(server, "a", "zoë", {});

    const table = await run(["presence", "a"], { server });
    assert.equal(table.code, 0);
    assert.match(table.lines[0], /^USER +STATE +SINCE +CLIENT +DATA$/);
    assert.match(table.out,
      /^ana +away +\d\d:\d\d:\d\d +[0-9a-f]{16} +{"typing":true}$/m);
    assert.match(table.out, /^zoë {17}online +\d\d:\d\d:\d\d +[0-9a-f]{16} *$/m);

    const json = await run(["presence", "a", "--json"], { server });
    const members = json.lines.map((line) => JSON.parse(line))
      .sort((x, y) => (x.user < y.user ? -1 : 1));
    assert.equal(members.length, 2);
    assert.deepEqual({ ...members[0], client: 0, since: 0 }, { client: 0,
      user: "ana", state: "away", since: 0, json: { typing: true } });
    assert.equal(BigInt("0x" + members[0].client), BigInt(ana.welcome.client));
    await Promise.all([ana.close(), zoe.close()]);
  }));

test("presence --watch goes on with the changes", () =>
  withServer({ args: AT_ONCE }, async (server) => {
    const ana = await enter(server, "a", "ana", {});
    const command = new Command(["presence", "a", "--watch"], { server });
    await command.until((c) => /^ana +online/m.test(c.out));
    await ana.request({ channel: 1, alias: true, presenceSet:
      { state: "busy", json: "1" } });
    await command.until((c) => c.out.includes("a - ana changed: busy 1"));
    const zoe = await enter(server, "a", "zoë", { state: "away" });
    await command.until((c) => c.out.includes("a - zoë entered: away"));
    await ana.request({ channel: 1, alias: true, presenceLeave: {} });
    await command.until((c) => c.out.includes("a - ana left"));
    command.signal("SIGINT");
    assert.equal(await command.end(), 0);
    await Promise.all([ana.close(), zoe.close()]);
  }));

test("presence tells numbers where members are not listed", () =>
  withServer({ args: ["--presence.mode", "counts", "--presence.grace", "0",
    "--presence.counts_interval", "50ms"] }, async (server) => {
    const ana = await enter(server, "a", "ana", {});
    const command = new Command(["presence", "a", "--watch"], { server });
    await command.until((c) => c.out.includes("a - 1 clients"));
    const once = await run(["presence", "a"], { server });
    assert.equal(once.out, "a - 1 clients of 1 users (counts)\n");
    const json = await run(["presence", "a", "--json"], { server });
    assert.deepEqual(JSON.parse(json.lines[0]), { type: "numbers", channel: "a",
      mode: "counts", clients: 1, users: 1 });
    const zoe = await enter(server, "a", "ana", {});
    await command.until((c) => c.out.includes("a - 2 clients of 1 users"));
    command.signal("SIGINT");
    assert.equal(await command.end(), 0);
    await Promise.all([ana.close(), zoe.close()]);
  }));

/* ---- send ------------------------------------------------------------------- */

test("send tells how many got the message, and subscribe prints it", () =>
  withServer({ args: ["--dev", "true", "--send.to_user", "user",
    "--send.to_everybody", "anyone"] }, async (server) => {
    const plain = new Command(["subscribe", "a", "--user", "zoë"], { server });
    const json = new Command(["subscribe", "a", "--user", "zoë", "--json"],
      { server });
    await Promise.all([plain.live("a"), json.live("a")]);
    const sent = await run(["send", "--user", "ana", "--to-user", "zoë",
      "--event", "poke", '{"n":1}'], { server });
    assert.equal(sent.code, 0, sent.err);
    assert.equal(sent.out, "2\n");
    await plain.until((c) => /^\d\d:\d\d:\d\d message poke ana: {"n":1}$/m
      .test(c.out));
    await json.until((c) => c.lines.length === 1);
    const { client, time, ...message } = JSON.parse(json.lines[0]);
    assert.match(client, /^[0-9a-f]{16}$/);
    assert.ok(Date.parse(time) > 0);
    assert.deepEqual(message, { type: "message", event: "poke", user: "ana",
      to: "user", json: { n: 1 } });
    const all = await run(["send", "--to-everybody", "--bytes", "1"], { server });
    assert.equal(all.out, "3\n"); // itself, too
    await json.until((c) => c.lines.length === 2);
    assert.equal(JSON.parse(json.lines[1]).data, "MQ==");
    const refused = await run(["send", "--to-group", "g"], { server });
    assert.equal(refused.code, 1);
    assert.match(refused.err, /PERMISSION_DENIED/);
    for (const command of [plain, json]) {
      command.signal("SIGINT");
      assert.equal(await command.end(), 0);
    }
  }));

/* ---- rpc ------------------------------------------------------------------- */

test("rpc calls methods of the server", () =>
  withServer({}, async (server) => {
    const echo = await run(["rpc", "server.echo", '{"a":[1, 2]}'], { server });
    assert.equal(echo.code, 0, echo.err);
    assert.equal(echo.out, '{"a":[1, 2]}\n');
    const bytes = await run(["rpc", "server.echo", "--bytes", "12\u001b"],
      { server });
    assert.equal(bytes.out, "12\u001b"); // a pipe gets it as it is
    const unknown = await run(["rpc", "no.such"], { server });
    assert.equal(unknown.code, 1);
    assert.match(unknown.err, /UNKNOWN_METHOD/);
  }));

test("rpc calls another client", () =>
  withServer({}, async (server) => {
    const client = await Client.connect(server.port, { user: "ana" });
    const to = BigInt(client.welcome.client).toString(16);
    const command = new Command(
      ["rpc", "greet", "5", "--to", to, "--user", "zoë"], { server });
    const call = await client.next("rpc");
    assert.equal(call.rpc.method, "greet");
    assert.equal(call.rpc.json, "5");
    assert.equal(call.rpc.fromUser, "zoë");
    client.send({ id: call.id, rpcResult: { json: '"hello"' } });
    assert.equal(await command.end(), 0);
    assert.equal(command.out, '"hello"\n');

    const silent = await run(["rpc", "greet", "--to", to, "--timeout", "300ms"],
      { server });
    assert.equal(silent.code, 1);
    assert.match(silent.err, /TIMEOUT|no answer/);
    const gone = await run(["rpc", "greet", "--to", "1"], { server });
    assert.equal(gone.code, 1);
    assert.match(gone.err, /NOT_FOUND|PEER_GONE/);
    await client.close();
  }));

/* ---- command lines --------------------------------------------------------- */

test("each subcommand explains itself", async () => {
  const help = await run(["help"]);
  assert.equal(help.code, 0);
  for (const name of COMMANDS) {
    assert.match(help.out, new RegExp(`^  ${name} `, "m"));
    const { code, out } = await run([name, "--help"]);
    assert.equal(code, 0);
    assert.match(out, new RegExp(`^usage: godwit ${name} `));
  }
  const { out } = await run(["publish", "--help"]);
  for (const flag of ["--url", "--user", "--token", "--token-command", "--retry",
    "--timeout"])
    assert.match(out, new RegExp(`^  ${flag} `, "m"));
});

test("a wrong command line exits with 2 and says why", async () => {
  const wrong = [
    [[], /usage/], [["nonsense"], /nonsense/], [["publish"], /channel/],
    [["publish", "a", "b", "c"], /quote/], [["publish", "a", "--ttl"], /value/],
    [["publish", "a", "1", "--ttl", "5"], /unit/],
    [["publish", "a", "1", "--expect", "5"], /EPOCH:OFFSET/],
    [["publish", "a", "1", "--text", "--bytes"], /exclude/],
    [["publish", "a", "1", "--file", "x"], /exclude/],
    [["publish", "a", "1", "--url", "http://localhost"], /ws:\/\//],
    [["publish", "a", "1", "--retry", "forever"], /aggressive/],
    [["subscribe"], /channel/], [["subscribe", "a", "--jsn"], /--jsn/],
    [["subscribe", "a", "--json=1"], /no value/],
    [["subscribe", "a", "--count", "0"], /from 1/],
    [["subscribe", "a", "--since", "x"], /start or EPOCH:OFFSET/],
    [["subscribe", "a", "b", "--since", "1:2"], /one channel/],
    [["presence"], /channel/], [["presence", "a", "b"], /channel/],
    [["send"], /--to-/], [["send", "--to-user", "a", "--to-group", "b"], /--to-/],
    [["send", "--to-client", "xyz"], /hexadecimal/],
    [["send", "--to-user", "a", "b", "c"], /quote/],
    [["rpc"], /method/], [["rpc", "m", "--to", "xyz"], /hexadecimal/],
    [["config"], /usage/], [["config", "nonsense"], /usage/],
  ];
  for (const [args, pattern] of wrong) {
    const { code, out, err } = await run(args);
    assert.equal(code, 2, args.join(" "));
    assert.match(err + (args.length === 0 ? out : ""), pattern, args.join(" "));
  }
});

test("what comes later says so and fails", async () => {
  for (const name of ["top", "tail", "doctor", "gen", "new"]) {
    const { code, err } = await run([name]);
    assert.equal(code, 69);
    assert.equal(err.trim().split("\n").length, 1);
    assert.match(err, /not there yet/);
  }
});

/* ---- configuration --------------------------------------------------------- */

test("config default is a file that config check takes", () =>
  withFolder(async (cwd) => {
    const { code, out } = await run(["config", "default"], { cwd });
    assert.equal(code, 0);
    fs.writeFileSync(path.join(cwd, "godwit.yaml"), out);
    for (const [args, options] of [[["check"], { cwd }],
      [["check", "godwit.yaml"], { cwd }], [["check", "-"], { input: out }]]) {
      const checked = await run(["config", ...args], options);
      assert.equal(checked.code, 0, checked.err);
      assert.match(checked.out, /good/);
    }
    const schema = await run(["config", "schema"], { cwd });
    assert.equal(schema.code, 0);
    const { properties } = JSON.parse(schema.out);
    assert.equal(properties.listen.properties.public.default, "localhost:8000");
  }));

test("config check names file, line and the nearest key", () =>
  withFolder(async (cwd) => {
    fs.writeFileSync(path.join(cwd, "x.yaml"),
      "workers: 2\nlog:\n  levl: info\n  format: xml\n");
    const { code, err } = await run(["config", "check", "x.yaml"], { cwd });
    assert.equal(code, 2);
    assert.equal(err,
      "x.yaml:3: log.levl: there is no such key; the nearest is log.level\n" +
      "x.yaml:4: log.format: 'xml' must be text or json\n");
    const env = { GODWIT_WORKERS: "many" };
    const here = await run(["config", "check"], { cwd, env });
    assert.equal(here.code, 2);
    assert.match(here.err, /^GODWIT_WORKERS: workers: 'many' must be/);
  }));

test("serve refuses a wrong configuration with 2", () =>
  withFolder(async (cwd) => {
    fs.writeFileSync(path.join(cwd, "godwit.yaml"), "listne:\n  public: x\n");
    const file = await run(["serve"], { cwd });
    assert.equal(file.code, 2);
    assert.match(file.err, /godwit.yaml:1: listne: .*nearest is listen/);
    fs.rmSync(path.join(cwd, "godwit.yaml"));
    const flag = await run(["serve", "--ping.interval", "1h"], { cwd });
    assert.equal(flag.code, 2);
    assert.match(flag.err, /--ping.interval: .*'1h' must be .* from 1s to 2m/);
    const address = await run(["serve", "--listen.public", "nowhere"], { cwd });
    assert.equal(address.code, 2);
  }));

test("flags win over the environment, and that over the file", () =>
  withFolder(async (folder) => {
    const file = path.join(folder, "c.yaml");
    fs.writeFileSync(file, "limits:\n  max_subscriptions: 5\n  max_calls: 5\n" +
      "  max_presence_bytes: 500\nnode: from-file\n");
    const server = await Server.start({
      args: ["--config", file, "--limits.max_subscriptions", "7"],
      env: { GODWIT_LIMITS_MAX_SUBSCRIPTIONS: "6", GODWIT_LIMITS_MAX_CALLS: "6" },
    });
    const client = await Client.connect(server.port);
    const { limits, node } = client.welcome;
    await client.close();
    assert.equal(await server.stop(), 0);
    assert.equal(limits.maxSubscriptions, 7);
    assert.equal(limits.maxCalls, 6);
    assert.equal(limits.maxPresenceBytes, 500);
    assert.equal(node, "from-file");
  }));

test("namespaces have settings of their own", () =>
  withFolder(async (folder) => {
    const file = path.join(folder, "c.yaml");
    fs.writeFileSync(file, "history: {size: 0}\nnamespaces:\n" +
      "  - {name: kept, history: {size: 10}}\n");
    await withServer({ args: ["--config", file] }, async (server) => {
      await publish(server, "kept:a", "1");
      const { lines } = await run(["subscribe", "kept:a", "--since", "start",
        "--json", "--count", "1"], { server });
      assert.equal(JSON.parse(lines[0]).json, 1);
    });
  }));

/* ---- mistakes --------------------------------------------------------------- */

/** What somebody types, the exit code, and what it is answered with. */
const MISTAKES = [
  [["subscrib", "a"], 2, /nearest is subscribe/],
  [["publish", "a", "1", "--ur", "x"], 2, /no option --ur; the nearest is --url/],
  [["publish", "a", "1", "--nothing-like-it"], 2, /no option --nothing-like-it\n/],
  [["publish", '{"text":"hi"}', "room:lobby"], 2, /CHANNEL comes before DATA/],
  [["publish", "", "1"], 2, /channel's name is empty/],
  [["presence", "x".repeat(256)], 2, /has 256 bytes; 255 are the most/],
  [["subscribe", "a", "\xff".repeat(200)], 2, /has 400 bytes/],
  [["publish", "closed:a", "1"], 1, /PERMISSION_DENIED: .*allow\.publish/],
  [["subscribe", "closed:a"], 1, /PERMISSION_DENIED: .*allow\.subscribe/],
  [["rpc", "godwit.history", '{"channel":"closed:a"}'], 1, /allow\.history/],
  [["send", "--to-everybody", "1"], 1, /rule send\.to_everybody/],
  [["rpc", "godwit.send", '{"user":"a","json":1}'], 1, /rule send\.to_user/],
  [["publish", "$state:user:bob", "1", "--item", "a"], 1, /somebody else/],
  [["publish", "$events:a", "1"], 1, /the server's own/],
];

test("a mistake is told with what would be right", () =>
  withServer({ args: ["--namespaces", JSON.stringify([{ name: "closed",
    allow: { subscribe: "nobody", publish: "nobody", history: "nobody" } }])] },
  async (server) => {
    for (const [args, code, told] of MISTAKES) {
      const result = await run(args, { server });
      assert.match(result.err, told);
      assert.equal(result.code, code, result.err);
    }
    const api = (port) => `http://127.0.0.1:${port}`;
    const scope = await run(["state", "get", "usr", "ada", "theme",
      "--api", api(server.internal)]);
    assert.match(scope.err, /scope: must be connection, user, channel, group/);
    const port = await run(["channels", "--api", api(server.port)]);
    assert.match(port.err, /the API is at listen\.internal/);
    const path = await run(["presence", "a", "--retry", "none",
      "--url", `ws://localhost:${server.port}`]);
    assert.match(path.err, /404; is the path right, such as \/v1\/ws\?/);
  }));

test("the help of each command ends with examples, of api with its methods", async () => {
  const { out } = await run(["help"]);
  for (const [, name] of out.matchAll(/^ {2}(\S+) .*$/gm)) {
    if (["version", "help"].includes(name)) continue;
    const help = await run([name, "--help"]);
    assert.equal(help.code, 0);
    assert.match(help.out, /\nexamples:\n[^]* {2}godwit /, name);
  }
  assert.match((await run(["api", "--help"])).out, /methods:[^]* group_create/);
});
