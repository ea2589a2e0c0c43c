// SPDX-License-Identifier: MIT
// auth.test.mjs - tokens, from the first message to their end: whatever signs
// them, wherever the keys come from, whatever is wrong with them.

import assert from "node:assert/strict";
import crypto from "node:crypto";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { test } from "node:test";
import { api, ask } from "./support/api.mjs";
import { withBackend } from "./support/backend.mjs";
import { run } from "./support/cli.mjs";
import { Client, connectMany, kindOf } from "./support/client.mjs";
import {
  ALGORITHMS, jwkOf, keysFor, KeyServer, SECRET, seconds, sign,
} from "./support/jwt.mjs";
import { get, Server, withServer } from "./support/server.mjs";
import { openWebSocket, within } from "./support/websocket.mjs";

const WITH_SECRET = { GODWIT_AUTH_JWT_SECRET: SECRET };

const connect = (server, token, options = {}) =>
  Client.connect(server.port, { hello: { token }, ...options });

/** The code that a connection is refused with. */
async function refused(server, token, options) {
  try {
    await (await connect(server, token, options)).close();
  } catch (error) {
    return Number(/closed: 4(\d\d\d)/.exec(error.message)?.[1]);
  }
  return 0;
}

async function withKeys(args, fn) {
  const keys = await new KeyServer().start();
  try {
    await withServer({
      args: ["--auth.jwt.jwks_url", keys.url, "--auth.jwt.jwks_interval", "1s",
        ...args],
    }, (server) => fn(server, keys));
  } finally {
    keys.stop();
  }
}

const INVALID = "CODE_TOKEN_INVALID", EXPIRED = "CODE_TOKEN_EXPIRED";

// ---- algorithms and keys ---------------------------------------------------------

test("tokens of every algorithm name their user", async () => {
  const keys = await new KeyServer().start();
  const pairs = new Map(ALGORITHMS.map((alg) => [alg, keysFor(alg)]));
  keys.keys = ALGORITHMS.filter((alg) => !alg.startsWith("HS"))
    .map((alg) => jwkOf(pairs.get(alg), { kid: alg, alg, use: "sig" }));
  await withServer({
    args: ["--auth.jwt.jwks_url", keys.url], env: WITH_SECRET,
  }, async (server) => {
    for (const alg of ALGORITHMS) {
      const token = sign({ sub: `user of ${alg}` },
        { alg, kid: alg, key: pairs.get(alg).privateKey });
      const client = await connect(server, token);
      assert.equal(client.welcome.user, `user of ${alg}`);
      await client.close();
      // The last but one character: the last has bits that count for nothing.
      const at = token.length - 2;
      const other = token[at] === "A" ? "B" : "A";
      assert.equal(await refused(server,
        token.slice(0, at) + other + token.slice(at + 1)), 301, alg);
    }
    assert.equal(await server.metric("godwit_auth_fetches_total"), 1);
  }).finally(() => keys.stop());
});

test("keys come from PEM and JWKS files", async () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "godwit-keys-"));
  const file = (name, text) => {
    fs.writeFileSync(path.join(folder, name), text);
    return path.join(folder, name);
  };
  const pem = keysFor("RS256"), jwk = keysFor("ES384");
  await withServer({
    args: ["--auth.jwt.key_file",
      file("public.pem", pem.publicKey.export({ type: "spki", format: "pem" })),
      "--auth.jwt.jwks_file",
      file("keys.json", JSON.stringify({ keys: [jwkOf(jwk, { kid: "k" })] })),
      "--auth.jwt.secret_file", file("secret", `${SECRET}\n`)],
  }, async (server) => {
    for (const options of [{ alg: "RS256", key: pem.privateKey },
      { alg: "ES384", key: jwk.privateKey, kid: "k" }, {}]) {
      const client = await connect(server, sign({ sub: "ada" }, options));
      assert.equal(client.welcome.user, "ada");
      await client.close();
    }
  }).finally(() => fs.rmSync(folder, { recursive: true }));
});

test("an algorithm that is none, or not allowed, is refused", () =>
  withKeys(["--auth.jwt.algorithms", "ES256,EdDSA"], async (server, keys) => {
    const pair = keysFor("ES256"), rsa = keysFor("RS256");
    keys.keys = [jwkOf(pair, { kid: "a" }), jwkOf(rsa, { kid: "b" })];
    await server.until("godwit_auth_keys", (n) => n === 2);
    const good = sign({ sub: "ada" },
      { alg: "ES256", kid: "a", key: pair.privateKey });
    await (await connect(server, good)).close();
    const [, payload] = good.split(".");
    const none = Buffer.from('{"alg":"none"}').toString("base64url");
    assert.equal(await refused(server, `${none}.${payload}.`), 301);
    assert.equal(await refused(server, sign({ sub: "ada" },
      { alg: "RS256", kid: "b", key: rsa.privateKey })), 301);
    // The public key, as anybody has it, as the secret of HMAC.
    for (const text of [pair.publicKey.export({ type: "spki", format: "pem" }),
      JSON.stringify(jwkOf(pair))])
      assert.equal(await refused(server, sign({ sub: "root" },
        { alg: "HS256", kid: "a", key: Buffer.from(text) })), 301);
  }));

// ---- what tokens say --------------------------------------------------------------

test("a connection without a token is refused, or is nobody's", async () => {
  await withServer({ env: WITH_SECRET }, async (server) => {
    assert.equal(await refused(server, ""), 301);
    assert.equal(await server.metric("godwit_tokens_missing_total"), 1);
    // A name that is only claimed counts for nothing.
    const client = await connect(server, sign({ sub: "ada" }), { user: "root" });
    assert.equal(client.welcome.user, "ada");
    await client.close();
  });
  await withServer({
    env: WITH_SECRET, args: ["--auth.anonymous"],
  }, async (server) => {
    const client = await connect(server, "", { user: "root" });
    assert.equal(client.welcome.user ?? "", "");
    await client.close();
    // No fall-back: a bad token does not turn somebody into nobody.
    assert.equal(await refused(server, sign({ exp: seconds(-60) })), 300);
    assert.equal(await refused(server, "garbage"), 301);
  });
});

test("claims have to fit this server and this time", () =>
  withServer({
    env: WITH_SECRET,
    args: ["--auth.jwt.issuer", "https://id.example.org",
      "--auth.jwt.audience", "chat,push", "--auth.jwt.max_lifetime", "1h",
      "--auth.jwt.leeway", "1s", "--auth.jwt.user_claim", "uid"],
  }, async (server) => {
    const ours = { iss: "https://id.example.org", aud: ["push"], uid: 42 };
    const client = await connect(server, sign(ours));
    assert.equal(client.welcome.user, "42");
    const ttl = Number(client.welcome.tokenTtlMs);
    assert.ok(ttl > 55000 && ttl <= 61000, `${ttl}`);
    await client.close();
    for (const [claims, code] of [
      [{ iss: "https://evil.example.org" }, 301], [{ aud: "mail" }, 301],
      [{ aud: undefined }, 301], [{ exp: seconds(-2) }, 300],
      [{ nbf: seconds(60) }, 301], [{ exp: seconds(7200) }, 301],
      [{ exp: undefined }, 301], [{ iat: seconds(60) }, 301],
      [{ exp: "soon" }, 301], [{ channel: "room:a" }, 301],
      [{ uid: "x".repeat(256) }, 301], [{ uid: {} }, 301]])
      assert.equal(await refused(server, sign({ ...ours, ...claims })), code,
        JSON.stringify(claims));
    assert.equal(await server.metric("godwit_tokens_expired_total"), 1);
  }));

test("secrets and tokens are not in the log, nor told", () =>
  withServer({
    env: WITH_SECRET, args: ["--log.level", "debug"],
  }, async (server) => {
    const token = sign({ sub: "ada" });
    await (await connect(server, token)).close();
    await refused(server, `${token}x`);
    await server.logged(/its signature is wrong|no signed token/);
    const { body } = await get(server.internal, "/metrics");
    for (const text of [server.log, server.output, body]) {
      assert.ok(!text.includes(SECRET));
      assert.ok(!text.includes(token.slice(0, 40)));
    }
  }));

test("what is wrong with keys is told at the start", async () => {
  for (const [args, why] of [
    [["--auth.jwt.secret", "short"],
      /auth\.jwt\.secret: the secret must have 32 to 4096 bytes/],
    [["--auth.jwt.key_file", "/nowhere.pem"],
      /auth\.jwt\.key_file: \/nowhere\.pem cannot be read: No such file/],
    [["--auth.jwt.jwks_file", "/etc/hostname"],
      /auth\.jwt\.jwks_file: \/etc\/hostname: it is no JSON/],
    [["--auth.cookie", "session"], /auth\.cookie: needs a key/],
    [["--auth.cookie", "session", "--origins", "*", "--auth.jwt.secret", SECRET],
      /auth\.cookie: needs a list of origins/]]) {
    const { code, log } = await Server.run(["serve", "--listen.public",
      "localhost:0", "--listen.internal", "127.0.0.1:0", ...args]);
    assert.equal(code, 2, log);
    assert.match(log, why);
    assert.ok(!log.includes(SECRET) && !log.includes("short"));
  }
});

// ---- the end of a token --------------------------------------------------------------

test("a connection ends with its token, unless that is renewed", () =>
  withServer({
    env: WITH_SECRET, args: ["--auth.jwt.leeway", "0"],
  }, async (server) => {
    const brief = () => sign({ sub: "ada", exp: seconds(2) });
    const ends = await connect(server, brief());
    const stays = await connect(server, brief());
    for (const [token, code] of [
      [sign({ sub: "eve" }), INVALID], ["garbage", INVALID], ["", INVALID],
      [sign({ sub: "ada", exp: seconds(-1) }), EXPIRED]]) {
      const { error } = await stays.request({ refresh: { token } });
      assert.equal(error.code, code);
    }
    const { refreshed } = await stays.request(
      { refresh: { token: sign({ sub: "ada", exp: seconds(600) }) } });
    assert.ok(Number(refreshed.tokenTtlMs) > 590000);
    const { code } = await within(5000, "the end", ends.closed);
    assert.equal(code, 4300);
    await stays.publish("room:a", "still here");
    await stays.close();
  }));

const CHANNEL_TOKENS = ["--allow.subscribe", "token", "--auth.jwt.leeway", "0"];

test("a channel opens to a token for it, until that ends", () =>
  withServer({ env: WITH_SECRET, args: CHANNEL_TOKENS }, async (server) => {
    const ada = await connect(server, sign({ sub: "ada" }));
    const ask = async (token, channel = "room:a") => {
      const frame = await ada.request({
        channel: 1, alias: true,
        subscribe: { channel, ...(token ? { token } : {}) },
      });
      return frame.error?.code ?? frame;
    };
    for (const claims of [{ channel: "room:b" }, { sub: "ada" },
      { sub: "eve", channel: "room:a" }])
      assert.equal(await ask(sign(claims)), INVALID);
    assert.equal(await ask(), INVALID);
    assert.equal(
      await ask(sign({ channel: "room:a", exp: seconds(-1) })), EXPIRED);
    const { subscribed, channel } = await ask(
      sign({ sub: "ada", channel: "room:a", exp: seconds(2) }));
    assert.ok(Number(subscribed.tokenTtlMs) <= 2000);
    const end = await ada.next("unsubscribed");
    assert.equal(end.channel, channel);
    assert.equal(end.unsubscribed.code, EXPIRED);
    // The connection goes on, and a new token opens it again.
    await ask(sign({ channel: "room:a" }));
    const { refreshed } = await ada.request({
      channel: 1, alias: true,
      refresh: { token: sign({ channel: "room:a", exp: seconds(3600) }) },
    });
    assert.ok(Number(refreshed.tokenTtlMs) > 3590000);
    await ada.close();
  }));

test("a channel's token that is given at connect ends as well", () =>
  withServer({ env: WITH_SECRET, args: CHANNEL_TOKENS }, async (server) => {
    const ws = await openWebSocket(server.port);
    const token = sign({ channel: "room:a", exp: seconds(1.5) });
    // One message: Hello, and behind it the subscription with its token.
    ws.send([
      { id: 1, hello: {
        version: 1, instance: crypto.randomBytes(16).toString("base64"),
        token: sign({ sub: "ada" }),
      } },
      { id: 2, channel: 7, alias: true, subscribe: { channel: "room:a", token } },
    ].map((frame) => JSON.stringify(frame)).join("\n"));
    const kinds = [];
    while (!kinds.includes("unsubscribed")) {
      const text = await ws.messages.next(5000, "the end");
      for (const line of text.split("\n").filter((l) => l)) {
        const frame = JSON.parse(line);
        if (frame.unsubscribed)
          assert.equal(frame.unsubscribed.code, EXPIRED);
        kinds.push(kindOf(frame));
      }
    }
    assert.deepEqual(kinds, ["welcome", "subscribed", "unsubscribed"]);
    await ws.close();
  }));

test("the server subscribes a user to the channels that a token names", () =>
  withServer({ env: WITH_SECRET }, async (server) => {
    const token = sign({ sub: "ada", channels: ["feed:ada", "news", ""] });
    const client = await connect(server, token);
    /** Owners of channels answer in any order. */
    const channels = async (of) => [await of.next("serverSubscribed"),
      await of.next("serverSubscribed")].map((f) => f.serverSubscribed.channel);
    assert.deepEqual((await channels(client)).sort(), ["feed:ada", "news"]);
    await api(server, "publish", { channel: "feed:ada", json: 1 });
    await client.next("publication");
    await server.logged(/grant\.refused .*BAD_CHANNEL/);
    assert.equal(await refused(server, sign({ channels: "news" })), 301);
    // `godwit token` makes such tokens, too.
    const { out } = await run(["token", "--user", "bob", "--channels", "a, b"],
      { env: WITH_SECRET });
    const bob = await connect(server, out.trim());
    assert.deepEqual((await channels(bob)).sort(), ["a", "b"]);
    await Promise.all([client.close(), bob.close()]);
  }));

// ---- taking back ---------------------------------------------------------------------

test("what rests on a revoked token ends, on all workers, and stays away", () =>
  withServer({
    workers: 3, env: WITH_SECRET,
    args: ["--auth.jwt.max_lifetime", "1h", "--allow.subscribe",
      "user, token"],
  }, async (server) => {
    const issued = seconds();
    const ada = (claims = {}) => sign({ sub: "ada", iat: issued, ...claims });
    const clients = await connectMany(server.port, 6,
      { hello: { token: ada() } });
    const bob = await connect(server, sign({ sub: "bob", jti: "bob-1" }));
    const token = sign({ channel: "room:a", jti: "room-1" });
    await bob.request(
      { channel: 1, alias: true, subscribe: { channel: "room:a", token } });
    // A user, by the time of issue.
    const { ended } = await api(server, "revoke", { user: "ada" });
    assert.equal(ended.length, 6);
    assert.ok(ended.every((e) => e.user === "ada" && !e.channel));
    for (const client of clients) {
      const { code } = await within(5000, "the end", client.closed);
      assert.equal(code, 4302);
    }
    assert.equal(await refused(server, ada()), 302);
    await (await connect(server, ada({ iat: seconds(1) }))).close();
    // One token, by its id: a subscription ends, its connection does not.
    const one = await api(server, "revoke", { token: "room-1" });
    assert.deepEqual(one.ended.map((e) => [e.user, e.channel]),
      [["bob", "room:a"]]);
    const end = await bob.next("unsubscribed");
    assert.equal(end.unsubscribed.code, "CODE_TOKEN_REVOKED");
    // And that of a connection.
    const list = await api(server, "connections", { user: "bob" });
    await api(server, "revoke",
      { connection: list.connections[0].connection });
    assert.equal((await within(5000, "the end", bob.closed)).code, 4302);
    assert.equal(await refused(server, sign({ sub: "bob", jti: "bob-1" })), 302);
    assert.equal((await ask(server, "revoke", {})).status, 400);
    assert.equal(await server.metric("godwit_revocations"), 9);
    await server.logged(/access\.revoked user=ada /);
  }));

// ---- beside hooks -----------------------------------------------------------------------

test("a token decides where one is given, the hook where none is", () =>
  withBackend({
    connect: (m) => m.who.user === "guest" ? { user: "guest-1" }
      : { refuse: { code: 301 } },
    subscribe: (m) => m.channel === "ask:open" ? {} : { refuse: {} },
  }, (backend) => withServer({
    env: WITH_SECRET,
    args: [...backend.args("connect", "subscribe"), "--namespaces",
      "[{name: ask, allow: {subscribe: 'token, hook'}}]"],
  }, async (server) => {
    const ada = await connect(server, sign({ sub: "ada" }));
    assert.equal(ada.welcome.user, "ada");
    assert.equal(backend.requests.length, 0);
    assert.equal(await refused(server, sign({ exp: seconds(-60) })), 300);
    const guest = await connect(server, "", { user: "guest" });
    assert.equal(guest.welcome.user, "guest-1");
    assert.equal(await refused(server, "", { user: "root" }), 301);
    assert.equal(backend.requests.length, 2);
    let alias = 0;
    const subscribe = async (channel, token) => kindOf(await ada.request({
      channel: ++alias, alias: true,
      subscribe: { channel, ...(token ? { token } : {}) },
    }));
    assert.equal(await subscribe("ask:shut"), "error");
    assert.equal(await subscribe("ask:shut", sign({ channel: "ask:a" })),
      "error");
    assert.equal(backend.requests.length, 3);
    assert.equal(await subscribe("ask:shut", sign({ channel: "ask:shut" })),
      "subscribed");
    assert.equal(await subscribe("ask:open"), "subscribed");
    assert.equal(backend.requests.length, 4);
    await Promise.all([ada.close(), guest.close()]);
  })));

// ---- fetched keys ----------------------------------------------------------------------

test("keys are rotated without a restart, and without a storm", () =>
  withKeys([], async (server, keys) => {
    const old = keysFor("ES256"), next = keysFor("ES256");
    keys.keys = [jwkOf(old, { kid: "old" })];
    const by = (pair, kid, claims = {}) => sign({ sub: "ada", ...claims },
      { alg: "ES256", kid, key: pair.privateKey });
    await server.until("godwit_auth_keys", (n) => n === 1);
    await (await connect(server, by(old, "old"))).close();
    await new Promise((r) => setTimeout(r, 1100)); // an interval
    const before = keys.requests;
    keys.keys = [jwkOf(next, { kid: "next" })];
    const clients = await connectMany(server.port, 60,
      { hello: { token: by(next, "next") } });
    assert.equal(keys.requests - before, 1);
    assert.ok(clients.every((c) => c.welcome.user === "ada"));
    // What is not in the set any more opens nothing.
    const code = await refused(server, by(old, "old"));
    assert.ok(code === 204 || code === 301, `${code}`);
    // Made-up names of keys: still one fetch in an interval.
    const start = Date.now(), from = keys.requests;
    const codes = await Promise.all(Array.from({ length: 40 },
      (_, i) => refused(server, by(next, `made-up-${i}`), { ms: 9000 })));
    assert.ok(codes.every((c) => c === 301 || c === 204), `${codes}`);
    assert.ok(keys.requests - from <= 2 + (Date.now() - start) / 1000);
    await Promise.all(clients.map((c) => c.close()));
  }));

test("a fetch that fails keeps the old keys and hurts nobody", () =>
  withKeys(["--auth.jwt.jwks_timeout", "1s"], async (server, keys) => {
    const pair = keysFor("EdDSA");
    keys.keys = [jwkOf(pair, { kid: "a" })];
    const by = (kid) => sign({ sub: "ada" },
      { alg: "EdDSA", kid, key: pair.privateKey });
    await server.until("godwit_auth_keys", (n) => n === 1);
    for (const broken of [{ status: 500 }, { body: "<html>" },
      { body: '{"keys":[]}' }, { body: "x".repeat(300 * 1024) },
      { status: 302, headers: { location: "/elsewhere" } },
      { gate: new Promise(() => {}) }]) {
      Object.assign(keys, { status: 200, body: null, headers: {} }, broken);
      const failed = await server.metric("godwit_auth_fetches_failed_total");
      const waits = refused(server, by("unknown"), { ms: 9000 });
      // Meanwhile those with a known key come and go.
      await (await connect(server, by("a"))).close();
      assert.equal(await waits, 204, JSON.stringify(broken));
      await server.until("godwit_auth_fetches_failed_total", (n) => n > failed);
      assert.equal(await server.metric("godwit_auth_keys"), 1);
    }
    await server.logged(/auth\.keys_failed/);
  }));

test("nobody is let in before there are keys, and then everybody who waited",
  async () => {
    const keys = await new KeyServer().start();
    const pair = keysFor("EdDSA");
    let open;
    keys.gate = new Promise((r) => (open = r));
    keys.keys = [jwkOf(pair, { kid: "a" })];
    await withServer({
      args: ["--auth.jwt.jwks_url", keys.url],
    }, async (server) => {
      assert.equal((await get(server.internal, "/readyz")).status, 503);
      const token = sign({ sub: "ada" },
        { alg: "EdDSA", kid: "a", key: pair.privateKey });
      const early = Array.from({ length: 20 },
        () => connect(server, token, { ms: 9000 }));
      await server.until("godwit_tokens_waiting", (n) => n === 20);
      open();
      const clients = await Promise.all(early);
      assert.equal(keys.requests, 1);
      assert.equal((await get(server.internal, "/readyz")).status, 200);
      await Promise.all(clients.map((c) => c.close()));
    }).finally(() => keys.stop());
  });

test("Cache-Control says when the keys are fetched again", () =>
  withKeys(["--auth.jwt.jwks_min_age", "1s"], async (server, keys) => {
    keys.headers = { "cache-control": "max-age=1" };
    keys.keys = [jwkOf(keysFor("EdDSA"), { kid: "a" })];
    // The first went out before the header was set, or not; wait for others.
    await server.until("godwit_auth_fetches_total", (n) => n >= 1, 10000);
    const from = keys.requests;
    if (from < 2) keys.keys = [...keys.keys];
    await refused(server, sign({}, {
      alg: "EdDSA", kid: "z", key: crypto.generateKeyPairSync("ed25519").privateKey,
    }), { ms: 9000 });
    await server.until("godwit_auth_fetches_total", (n) => n >= 4, 15000);
  }));

// ---- cookies -----------------------------------------------------------------------------

test("a token in a cookie counts for pages of listed origins only", () =>
  withServer({
    env: WITH_SECRET,
    args: ["--auth.cookie", "session", "--origins", "https://app.example.org"],
  }, async (server) => {
    const cookie = (origin, token = sign({ sub: "ada" })) => ({
      headers: {
        Cookie: `theme=dark; session=${token}; x=1`,
        ...(origin ? { Origin: origin } : {}),
      },
    });
    const client = await connect(server, "", cookie("https://app.example.org"));
    assert.equal(client.welcome.user, "ada");
    await client.close();
    // The first message wins.
    const other = await connect(server, sign({ sub: "bob" }),
      cookie("https://app.example.org"));
    assert.equal(other.welcome.user, "bob");
    await other.close();
    await assert.rejects(
      connect(server, "", cookie("https://evil.example.org")), /HTTP 403/);
    assert.equal(await refused(server, "", cookie(null)), 301);
    assert.equal(await refused(server, "",
      cookie("https://app.example.org", "garbage")), 301);
    assert.equal(await refused(server, "", {
      headers: {
        Cookie: `evilsession=${sign({ sub: "ada" })}`,
        Origin: "https://app.example.org",
      },
    }), 301);
  }));
