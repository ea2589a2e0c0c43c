// SPDX-License-Identifier: MIT
// access.test.mjs - rows X1, X3 and X4 of docs/ledger.md: tokens and keys, pages
// of others, limits in tiers.

import assert from "node:assert/strict";
import net from "node:net";
import { test } from "node:test";
import { AdminBrowser, withAdmins } from "../support/admin.mjs";
import { ask } from "../support/api.mjs";
import { withBackend } from "../support/backend.mjs";
import { run } from "../support/cli.mjs";
import { jwkOf, keysFor, KeyServer, SECRET, seconds, sign } from
  "../support/jwt.mjs";
import { fails, inDevelopment, listTo, onStage, refusedConfig, until } from
  "../support/sdk.mjs";
import { get } from "../support/server.mjs";
import { RawWebSocket } from "../support/websocket.mjs";
import { api } from "../support/api.mjs";

const WITH_SECRET = { GODWIT_AUTH_JWT_SECRET: SECRET };

/** The reason that a client fails with. */
async function failure(t, options) {
  const client = t.client(options);
  client.connect();
  await until(() => client.state === "failed");
  return client.info.reason.name;
}

test("X1 tokens of HS, RS, ES and EdDSA, by keys that are rotated meanwhile",
  async () => {
    const keys = await new KeyServer().start();
    const pairs = new Map(["RS256", "ES256", "EdDSA"].map(
      (alg) => [alg, keysFor(alg)]));
    const jwk = (alg, kid = alg) => jwkOf(pairs.get(alg), { kid, alg });
    keys.keys = [jwk("RS256")];
    await onStage({
      env: WITH_SECRET,
      config: { auth: { jwt: { jwks_url: keys.url, jwks_interval: "1s" } } },
    }, async (t) => {
      const join = async (alg, kid = alg) => {
        const { privateKey } = pairs.get(alg);
        const client = await t.join("", { token: sign(
          { sub: `by ${alg}` }, { alg, kid, key: privateKey }) });
        assert.equal(client.info.user, `by ${alg}`);
      };
      const hs = await t.join("", { token: sign({ sub: "by HS256" }) });
      assert.equal(hs.info.user, "by HS256");
      await join("RS256");
      // The issuer signs with keys that the server has not seen yet.
      keys.keys = [jwk("ES256"), jwk("EdDSA")];
      await new Promise((r) => setTimeout(r, 1100));
      await join("ES256");
      await join("EdDSA");
      assert.ok(keys.requests <= 4, "and there is no storm of requests");
      assert.equal(hs.state, "ready");
    }).finally(() => keys.stop());
  });

test("X1 a token is renewed, a channel's opens it, one that is taken back ends",
  () => onStage({
    env: WITH_SECRET, config: {
      auth: { jwt: { leeway: 0, max_lifetime: "1h" } },
      namespaces: [{ name: "private", allow: { subscribe: "token" } }],
    },
  }, async (t) => {
    let asked = 0;
    const ann = await t.join("", {
      getToken: () => sign({ sub: "ann", exp: seconds(asked++ ? 60 : 2) }),
    });
    const { connectionId } = ann.info;
    await until(() => asked === 2, "a refresh in band");
    const room = await t.live(ann, "private:a",
      { token: sign({ channel: "private:a", exp: seconds(1.5) }) });
    const ends = listTo(room, "state", (e) => e.reason.name);
    await until(() => room.state === "ended");
    assert.equal(ends.at(-1), "TOKEN_EXPIRED");
    assert.equal(ann.info.connectionId, connectionId);
    const bob = await t.join("", { token: sign({ sub: "bob", jti: "b1" }) });
    await api(t.server, "revoke", { user: "bob" });
    await until(() => bob.state === "failed");
    assert.equal(bob.info.reason.name, "TOKEN_REVOKED");
    // A token of the binary's own.
    const { out } = await run(["token", "--user", "eve"], { env: WITH_SECRET });
    assert.equal((await t.join("", { token: out.trim() })).info.user, "eve");
  }));

test("X1 API keys open the API; hooks are signed by HMAC", () => {
  const key = "a-key-of-the-application";
  return withBackend({ rpc: () => ({ json: 1 }) }, (backend) => onStage({
    config: { api: { keys: [key] } }, args: backend.args("rpc"),
  }, async (t) => {
    for (const [headers, status] of [[{}, 401],
      [{ authorization: "Bearer wrong" }, 401], [{ "x-api-key": key }, 200],
      [{ authorization: `Bearer ${key}` }, 200]]) {
      const answer = await ask(t.server, "info", {}, { headers });
      assert.equal(answer.status, status);
    }
    await (await t.join("ann")).call("x");
    assert.ok(backend.requests[0].signed);
  }));
});

test("X1 bad input: tokens that are none, of others, too late, or not signed", () =>
  onStage({ env: WITH_SECRET, config: { auth: { jwt: { leeway: 0 } } } },
    async (t) => {
      const none = sign({ sub: "ann" }, { alg: "HS256", header: { alg: "none" } });
      for (const [token, name] of [["garbage", "TOKEN_INVALID"],
        [none, "TOKEN_INVALID"], [undefined, "TOKEN_INVALID"],
        [sign({ sub: "ann", exp: seconds(-5) }), "TOKEN_EXPIRED"],
        [sign({ sub: "ann", aud: "other" }), "TOKEN_INVALID"],
        [sign({ sub: "ann" }, { key: Buffer.alloc(32, 1) }), "TOKEN_INVALID"]])
        assert.equal(await failure(t, { token }), name);
    }));

test("X3 pages come from listed origins, and cookies count for these only", () =>
  onStage({ env: WITH_SECRET, config: {
    origins: ["https://app.example.org"], auth: { cookie: "sid" },
  } }, async (t) => {
    const upgrade = async (headers) => {
      const ws = new RawWebSocket(t.server.port);
      const answer = await ws.handshake({ protocol: "godwit.v1.json", headers });
      if (answer.status === 101)
        ws.send(JSON.stringify({ id: 1, hello: { version: 1,
          instance: "AAECAwQFBgcICQoLDA0ODw==" } }));
      const first = answer.status !== 101 ? JSON.parse(answer.body).error.name
        : JSON.parse((await ws.messages.next()).split("\n")[0]);
      ws.destroy();
      return [answer.status, first.welcome?.user ?? first.close?.code ?? first];
    };
    const Cookie = `sid=${sign({ sub: "ann" })}`;
    assert.deepEqual(await upgrade(
      { Origin: "https://app.example.org", Cookie }), [101, "ann"]);
    assert.deepEqual(await upgrade(
      { Origin: "https://evil.example.org", Cookie }), [403, "BAD_ORIGIN"]);
    // Without an origin it is no page's, and a cookie proves nothing.
    assert.deepEqual(await upgrade({ Cookie }), [101, "CODE_TOKEN_INVALID"]);
  }));

test("X3 a form of another page posts nothing, and answers keep pages apart", () =>
  inDevelopment({}, async (t) => {
    for (const headers of [{ "content-type": "text/plain" },
      { "content-type": "application/x-www-form-urlencoded" }])
      assert.equal((await ask(t.server, "publish",
        '{"channel":"a","json":1}', { headers })).status, 415);
    const page = await ask(t.server, "publish", { channel: "a", json: 1 },
      { headers: { origin: "https://evil.example.org" } });
    assert.deepEqual([page.status, page.json.error.name], [403, "PERMISSION_DENIED"]);
    for (const [port, path] of [[t.server.port, "/nothing"],
      [t.server.internal, "/metrics"]]) {
      const { headers } = await get(port, path);
      assert.equal(headers["x-content-type-options"], "nosniff");
      assert.equal(headers["referrer-policy"], "no-referrer");
      assert.equal(headers["x-frame-options"], "DENY");
      assert.match(headers["content-security-policy"], /default-src 'none'/);
    }
    const ann = await t.join("ann");
    const { publications } = await ann.call("godwit.history", { channel: "a" });
    assert.equal(publications, undefined);
  }));

test("X3 administrators log in, and do what their own page asks only", () =>
  inDevelopment(withAdmins(), async (t) => {
    const ann = await t.join("ann");
    const room = await t.live(ann, "room:a");
    const ada = new AdminBrowser(t.server);
    const publish = (headers) =>
      ada.api("publish", { channel: "room:a", json: "x" }, { headers });
    assert.equal((await ada.logIn("ada", "wrong password")).status, 401);
    assert.equal((await publish({ "x-csrf-token": "x" })).status, 401);
    assert.equal((await ada.logIn()).status, 200);
    for (const headers of [{ "x-csrf-token": undefined },
      { "x-csrf-token": "x" }, { origin: "https://evil.example.org" }])
      assert.equal((await publish(headers)).status, 403);
    assert.equal((await publish()).status, 200);
    await until(() => room.told.length === 1);
    const { json } = await ada.api("disconnect", { user: "ann" });
    assert.equal(json.connections, 1);
    await until(() => ann.state === "failed");
    assert.equal(ann.info.reason.name, "FORCED");
    assert.equal((await ada.ask("POST", "/admin/logout")).status, 200);
    assert.equal((await publish()).status, 401);
    await t.server.logged(/admin\.call user=ada .* of_channel=room:a/);
  }));

test("X3 bad input: logins too often, sessions that are over, no administrators",
  async () => {
    await inDevelopment(withAdmins({ failures: "1/h burst 1", idle: "1s" }),
      async (t) => {
        const ada = new AdminBrowser(t.server);
        assert.equal((await ada.logIn()).status, 200);
        await until(async () => (await ada.api("info", {},
          { headers: { "x-godwit-background": "1" } })).status === 401);
        assert.equal((await ada.logIn("eve", "x")).status, 401);
        const { status, json } = await ada.logIn();
        assert.deepEqual([status, json.error.name], [429, "RATE_LIMITED"]);
        assert.ok(json.error.retryAfterMs > 0);
      });
    await inDevelopment({}, async (t) => {
      const { status, body } = await get(t.server.internal, "/admin");
      assert.equal(status, 404);
      assert.match(body, /hash-password/);
    });
    assert.match(await refusedConfig({ admin: { users: { ada: "secret" } } }),
      /admin\.users: 'ada' has a password that is not/);
  });

test("X3 bad input: a cookie for pages of anybody stops the start", async () => {
  assert.match(await refusedConfig({ origins: ["*"], auth: { cookie: "sid",
    jwt: { secret: SECRET } } }), /auth\.cookie/);
});

/** How many of so many attempts were refused, and how: all with a time. */
async function refusedOf(num, attempt) {
  let refused = 0;
  for (let i = 0; i < num; i++) {
    try {
      await attempt(i);
    } catch (error) {
      assert.equal(error.name, "RATE_LIMITED");
      assert.ok(error.retryAfterMs > 0);
      refused++;
    }
  }
  return refused;
}

test("X4 limits by operation, connection, user and channel are told with a time",
  () => onStage({ env: WITH_SECRET, config: {
    limits: { rate: { rpc: "1/m burst 4", user: "1/m burst 8",
      subscribe: "1/m burst 3" } },
    namespaces: [{ name: "slow", channel: { rate: "1/m burst 2" } }],
  } }, async (t) => {
    const token = () => sign({ sub: "ann" });
    const ann = await t.join("", { token: token() });
    const time = (client) => client.call("server.time");
    assert.ok(await refusedOf(6, () => time(ann)) >= 2);
    // Other connections have calls of their own, as long as the user has any: a
    // burst on each of two workers, of which four calls are gone.
    let refused = 0;
    for (let i = 0; i < 5; i++) {
      const client = await t.join("", { token: token() });
      refused += await refusedOf(4, () => time(client));
    }
    assert.ok(refused >= 8 && refused < 20, `${refused}`);
    // Who comes and goes has no more, and perhaps what comes again in a minute.
    const cy = () => t.join("", { token: sign({ sub: "cy" }) });
    let allowed = 0;
    for (let i = 0; i < 8; i++) {
      const client = await cy();
      allowed += 4 - await refusedOf(4, () => time(client));
      client.close();
    }
    assert.ok(allowed >= 8 && allowed <= 2 * 8 + 1, `${allowed}`);
    const bob = await t.join("", { token: sign({ sub: "bob" }) });
    const publish = (i) =>
      bob.publish("slow:a", i, { atMostOnce: true });
    assert.equal(await refusedOf(3, publish), 1);
    const metric = (name) => t.server.metric(`godwit_${name}_total`);
    assert.ok(await metric("rate_limited") >= 2);
    assert.ok(await metric("user_rate_limited") > 0);
    assert.ok(await metric("channel_rate_limited") > 0);
  }));

test("X4 an address connects so often, and has so many connections", () =>
  inDevelopment({ limits: { connections_per_address: 2,
    rate: { connect: "1/m burst 3" } } }, async (t) => {
    await t.joinAll("ann", "bob");
    const eve = t.client({ retry: { baseMs: 10, capMs: 10, attempts: 3 } });
    const reasons = listTo(eve, "state", (e) => e.reason.name);
    eve.connect();
    await until(() => reasons.includes("CONNECTION_LIMIT"));
    assert.equal(eve.info.reason.class, "retry-after");
    eve.close();
    const { status, headers, body } = await get(t.server.port, "/");
    assert.equal(status, 429);
    assert.ok(Number(headers["retry-after"]) > 0);
    assert.equal(JSON.parse(body).error.name, "RATE_LIMITED");
  }));

test("X4 floods, half requests and packed bombs cost their sender only", () =>
  inDevelopment({ handshake: { timeout: "500ms" },
    limits: { max_frame_bytes: 2048, max_message_bytes: 4096 },
  }, async (t) => {
    const ann = await t.join("ann");
    const room = await t.live(ann, "room:a");
    // Slowloris: a request that does not end, and sockets that say nothing.
    const ends = Array.from({ length: 60 }, (_, i) => new Promise((resolve) => {
      const socket = net.connect(t.server.port, "localhost");
      socket.on("error", () => {});
      socket.on("close", resolve);
      if (i % 2) socket.write("GET /v1/ws HTTP/1.1\r\nHost: x\r\n");
    }));
    await Promise.all(ends);
    // Nothing is unpacked that somebody sends: no compression is agreed on.
    const ws = new RawWebSocket(t.server.port);
    const answer = await ws.handshake({ protocol: "godwit.v1.json", headers: {
      "Sec-WebSocket-Extensions": "permessage-deflate" } });
    assert.equal(answer.status, 101);
    assert.equal(answer.headers["sec-websocket-extensions"], undefined);
    ws.send("x", { rsv: 4 });
    assert.equal((await ws.closed).code, 1002);
    // Bad input: more than a message may be.
    const large = new RawWebSocket(t.server.port);
    await large.handshake({ protocol: "godwit.v1.json" });
    large.send("x".repeat(5000));
    assert.ok([1009, 4502].includes((await large.closed).code));
    await fails("TOO_BIG", ann.publish("room:a", "x".repeat(3000)));
    await ann.publish("room:a", "still here");
    await until(() => room.told.length === 1);
  }));
