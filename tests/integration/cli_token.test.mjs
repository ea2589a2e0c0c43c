// SPDX-License-Identifier: MIT
// cli_token.test.mjs - subcommands that get their tokens from a command, or are
// sent away by HTTP.

import assert from "node:assert/strict";
import fs from "node:fs";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import { test } from "node:test";
import { Command, run } from "./support/cli.mjs";
import { Client } from "./support/client.mjs";
import { SECRET, seconds, sign } from "./support/jwt.mjs";
import { BINARY, withServer } from "./support/server.mjs";

const env = { GODWIT_AUTH_JWT_SECRET: SECRET };

/** A server that checks tokens, and a folder. */
const withTokens = (fn) => withServer({
  env, args: ["--auth.jwt.leeway", "0"],
}, async (server) => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "godwit-token-"));
  const runs = path.join(folder, "runs");
  const numRuns = () => fs.existsSync(runs)
    ? fs.readFileSync(runs, "utf8").split("\n").length - 1 : 0;
  try {
    await fn({ server, runs, numRuns });
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
});

const withCommand = (command, ...args) =>
  [...args, "--retry", "aggressive", "--token-command", command];

test("a key that does not fit the algorithm is told, and let go", async () => {
  const { code, out, err } = await run(
    ["token", "--user", "ada", "--alg", "RS256"], { env });
  assert.equal(code, 2, err);
  assert.equal(out, "");
  assert.match(err, /^godwit token: ./);
  assert.doesNotMatch(err, /Sanitizer/);
});

test("a subscription outlives the tokens that a command prints", () =>
  withTokens(async ({ server, runs, numRuns }) => {
    const subscriber = new Command(withCommand(
      `echo run >>'${runs}'; exec '${BINARY}' token --user ada --ttl 6s`,
      "subscribe", "a", "--json"), { server, env });
    await subscriber.live("a");
    await subscriber.until(() => numRuns() >= 3, "two renewals");
    const { code, lines, err } = await run(["publish", "a", "1"], {
      server, env: { GODWIT_TOKEN: sign({ sub: "bob" }) },
    });
    assert.equal(code, 0, err);
    assert.equal(lines.length, 1);
    await subscriber.until((c) => c.lines.length === 1);
    assert.equal(subscriber.err.match(/connected to .*, user ada/g).length, 1);
    assert.doesNotMatch(subscriber.err, /trying again/);
    subscriber.signal("SIGINT");
    assert.equal(await subscriber.end(), 0);
  }));

test("a command that fails is run again, by its environment variable, too", () =>
  withTokens(async ({ server, runs, numRuns }) => {
    const { code, err } = await run(["publish", "a", "1"], {
      server,
      env: {
        GODWIT_TOKEN_COMMAND: `echo run >>'${runs}'; ` +
          `test $(wc -l <'${runs}') -gt 2 && echo '${sign({ sub: "ada" })}'`,
      },
    });
    assert.equal(code, 0, err);
    assert.equal(err.match(/--token-command: exit status 1/g).length, 2);
    assert.match(err, /cannot be made or checked/);
    assert.equal(numRuns(), 3);
  }));

test("without a token there is no connection, whatever the command does", () =>
  withTokens(async ({ server }) => {
    for (const [command, ...patterns] of [
      ["true", /printed no token/, /NO_TOKEN/],
      ["no-such-command-at-all", /exit status 127/, /NO_TOKEN/],
      ["head -c 9000 /dev/zero | tr '\\0' x", /more than a token/, /TOO_BIG/],
      ["yes", /more than a token/, /TOO_BIG/],
      ["printf '\\377'", /no text/, /BAD_TEXT/],
    ]) {
      const { code, err } =
        await run(withCommand(command, "publish", "a", "1"), { server });
      assert.equal(code, 1, command);
      for (const pattern of patterns) assert.match(err, pattern, command);
    }
    const killed = await run(
      withCommand("kill -9 $$", "publish", "a", "1", "--timeout", "500ms"),
      { server });
    assert.equal(killed.code, 1);
    assert.match(killed.err, /ended by signal 9/);
    assert.equal(await server.metric("godwit_connections_total"), 0);
  }));

test("a token that expired and is the only one ends the command", () =>
  withTokens(async ({ server }) => {
    const { code, err } = await run(
      ["subscribe", "a", "--token", sign({ sub: "ada", exp: seconds(2) })],
      { server });
    assert.equal(code, 1);
    assert.match(err, /TOKEN_EXPIRED/);
    const late = await run(
      ["publish", "a", "1", "--token", sign({ sub: "ada", exp: seconds(-9) })],
      { server });
    assert.equal(late.code, 1);
    assert.match(late.err, /TOKEN_EXPIRED[^]*--token-command/);
  }));

test("a command is given up when the subcommand is interrupted", () =>
  withTokens(async ({ server, numRuns, runs }) => {
    const subscriber = new Command(withCommand(
      `echo run >>'${runs}'; exec sleep 60`, "subscribe", "a"), { server });
    await subscriber.until(() => numRuns() === 1);
    subscriber.signal("SIGINT");
    assert.equal(await subscriber.end(10000), 0);
  }));

test("a user's token may be renewed by that of the same user only", () =>
  withTokens(async ({ server, runs, numRuns }) => {
    const subscriber = new Command(withCommand(
      `echo run >>'${runs}'; exec '${BINARY}' token --ttl 4s ` +
        `--user user$(wc -l <'${runs}')`,
      "subscribe", "a"), { server, env });
    await subscriber.live("a");
    // The old one holds to its end; then the user is another, on another
    // connection.
    await subscriber.until((c) => c.err.match(/connected to/g)?.length > 1,
      "another connection");
    const users = [...subscriber.err.matchAll(/connected to .*, user (.*)/g)]
      .map(([, user]) => user);
    assert.equal(users[0], "user1", subscriber.err);
    assert.notEqual(users[1], "user1", subscriber.err);
    assert.match(subscriber.err, /The token has expired; trying again/);
    assert.ok(numRuns() < 20, "no loop");
    subscriber.signal("SIGINT");
    assert.equal(await subscriber.end(), 0);
  }));

/** Answers every request in the same way, and counts. */
async function withRefusals(head, fn) {
  const refusals = { count: 0 };
  const server = net.createServer((socket) => {
    socket.on("error", () => {});
    socket.once("data", () => {
      refusals.count++;
      socket.end(`${head}\r\nContent-Length: 0\r\n\r\n`);
    });
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  try {
    await fn({ port: server.address().port }, refusals);
  } finally {
    server.close();
  }
}

test("a refusal in HTTP is obeyed when it says how long", async () => {
  for (const [field, wait, isLong] of [
    ["Retry-After: 7", /trying again in 7\.[0-9] s/, true],
    ["retry-after: 999999999999", /trying again in 300\.[0-9] s/, true],
    ["Retry-After: Fri, 31 Dec 1999 23:59:59 GMT", /in 0\.[0-9] s/],
    ["Retry-After: -1", /in 0\.[0-9] s/],
  ]) {
    await withRefusals(`HTTP/1.1 429 Slow down\r\n${field}`,
      async (server, refusals) => {
        const command = new Command(
          ["subscribe", "a", "--retry", "aggressive"], { server });
        try {
          await command.until((c) => c.err.includes("trying again"));
          assert.match(command.err.split("\n")[0], wait, field);
          assert.match(command.err, /HTTP status 429/);
          if (isLong) assert.equal(refusals.count, 1, field);
        } finally {
          command.signal("SIGINT");
        }
        assert.equal(await command.end(), 0);
      });
  }
});

test("a server that limits an address is obeyed by its clients", () =>
  withServer({
    args: ["--limits.rate.connect", "30/m burst 1"],
  }, async (server) => {
    const first = await Client.connect(server.port);
    const command = new Command(["subscribe", "a"], { server });
    await command.until((c) => c.err.includes("trying again"));
    assert.match(command.err.split("\n")[0], /in [2-9]\.[0-9] s/);
    await command.live("a");
    assert.equal(command.err.match(/trying again/g).length, 1);
    command.signal("SIGINT");
    assert.equal(await command.end(), 0);
    await first.close();
  }));
