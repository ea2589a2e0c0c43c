// SPDX-License-Identifier: MIT
// token.test.mjs - `godwit token`: makes tokens that Node's crypto agrees with,
// tells what others say and why a server would refuse them, and makes API keys.

import assert from "node:assert/strict";
import crypto from "node:crypto";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { test } from "node:test";
import { run } from "./support/cli.mjs";
import { jwkOf, keysFor, KeyServer, SECRET, seconds, sign }
  from "./support/jwt.mjs";
import { withServer } from "./support/server.mjs";

const env = { GODWIT_AUTH_JWT_SECRET: SECRET };

const withFolder = async (fn) => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "godwit-token-"));
  try {
    await fn((name, text) => {
      const file = path.join(folder, name);
      if (text !== undefined) fs.writeFileSync(file, text);
      return file;
    });
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
};

const part = (token, n) =>
  JSON.parse(Buffer.from(token.split(".")[n], "base64url").toString());

async function made(args, options = { env }) {
  const { code, out, err } = await run(["token", ...args], options);
  assert.equal(code, 0, err);
  return out.trim();
}

async function refused(args, code, pattern, options = { env }) {
  const it = await run(["token", ...args], options);
  assert.equal(it.code, code, it.err);
  assert.match(it.err, pattern);
  return it;
}

/* ---- making ------------------------------------------------------------------------------- */

test("a token says what it was asked to say", async () => {
  const token = await made(["--user", "ada", "--channel", "room:a", "--channels",
    "a, b\tc", "--info", "{\"name\":\"Ada\"}", "--id", "one", "--ttl", "90s",
    "--kid", "k"], { env: { ...env, GODWIT_AUTH_JWT_ISSUER: "us",
    GODWIT_AUTH_JWT_AUDIENCE: "here, there" } });
  assert.deepEqual(part(token, 0), { alg: "HS256", kid: "k", typ: "JWT" });
  const { iat, exp, ...claims } = part(token, 1);
  assert.deepEqual(claims, { sub: "ada", channel: "room:a",
    channels: ["a", "b", "c"], info: { name: "Ada" }, jti: "one", iss: "us",
    aud: "here" });
  assert.equal(exp - iat, 90);
  assert.ok(Math.abs(seconds() - iat) < 60);
});

test("ids of tokens are random, and no two are alike", async () => {
  const ids = [];
  for (let i = 0; i < 2; i++) ids.push(part(await made([]), 1).jti);
  for (const id of ids) assert.match(id, /^[0-9a-f]{24}$/);
  assert.notEqual(ids[0], ids[1]);
});

test("each kind of key signs by its usual algorithm", () =>
  withFolder(async (file) => {
    for (const alg of ["RS256", "ES256", "EdDSA"]) {
      const { publicKey, privateKey } = keysFor(alg);
      const pem = file(`${alg}.pem`,
        privateKey.export({ type: "pkcs8", format: "pem" }));
      const token = await made(["--user", "ada", "--key", pem], { env: {} });
      assert.equal(part(token, 0).alg, alg);
      const [head, body, signature] = token.split(".");
      assert.ok(crypto.verify(alg === "EdDSA" ? null : "sha256",
        Buffer.from(`${head}.${body}`),
        { key: publicKey, dsaEncoding: "ieee-p1363" },
        Buffer.from(signature, "base64url")), alg);
    }
    /* A secret may end with the end of its line. */
    const secret = file("secret", `${SECRET}\r\n`);
    const token = await made(["--user", "ada", "--key", secret], { env: {} });
    const [head, body, signature] = token.split(".");
    assert.equal(signature, crypto.createHmac("sha256", SECRET)
      .update(`${head}.${body}`).digest("base64url"));
  }));

test("what cannot be made is told, and nothing printed", () =>
  withFolder(async (file) => {
    for (const [args, pattern, options] of [
      [["--info", "{"], /--info has to be JSON/],
      [["--info", "1 2"], /--info has to be JSON/],
      [[], /there is no key to sign with: give --key FILE/, { env: {} }],
      [["--key", file("none")], /none: No such file/],
      [["--key", file("short", "short")], /short: ./],
      [["--key", file("pem", "-----BEGIN PRIVATE KEY-----\nx\n")], /pem: ./],
      [["--key", file("s", SECRET), "--alg", "ES256"], /s: ./],
      [["--alg", "none"], /auth\.jwt\.secret: ./],
      [["--config", file("c.yaml", "auth: 1\n")], /c\.yaml:1/],
      [["what"], /what shall be done\?/],
      [["check"], /what shall be done\?/],
      [["--ttl", "soon"], /--ttl/],
    ]) {
      const { out } = await refused(args, 2, pattern, options);
      assert.equal(out, "", args.join(" "));
    }
    assert.equal((await run(["token", "--help"])).code, 0);
  }));

/* ---- checking ----------------------------------------------------------------------------- */

test("a good token is shown, with the time that is left to it", async () => {
  const token = sign({ sub: "ada", exp: seconds(600) });
  const { code, out, err } = await run(["token", "check", token], { env });
  assert.equal(code, 0, err);
  assert.match(out, /^header: \{\n/);
  assert.match(out, /claims: \{[^}]*"sub": "ada"/);
  const [, left] = /good for (\d+) s\n$/.exec(out);
  assert.ok(left > 500 && left <= 600 + 5, left); /* with the leeway */
  const channel = sign({ sub: "ada", channel: "room:a" });
  const input = await run(["token", "check", "-"], { env, input: `${channel}\n` });
  assert.equal(input.code, 0, input.err);
  assert.match(input.out, /good for \d+ s, for a channel\n$/);
});

test("what a terminal would obey is not printed", async () => {
  const token = sign({ sub: "\u001b[2J\u009b" });
  const { code, out } = await run(["token", "check", token], { env });
  assert.equal(code, 0);
  assert.match(out, /\\u001[bB]\[2J\\u009[bB]/);
  assert.doesNotMatch(out, /[\u001b\u009b]/);
});

test("a token that a server would refuse is shown all the same, with the reason",
  async () => {
    const other = sign({ sub: "ada" }, { key: Buffer.from(SECRET + "!") });
    for (const [token, pattern, shown] of [
      [sign({ sub: "ada", exp: seconds(-600) }), /TOKEN_EXPIRED: ./, /"sub"/],
      [other, /TOKEN_INVALID: ./, /"sub"/],
      [sign({ sub: "ada" }, { header: { alg: "none" } }), /TOKEN_INVALID: ./,
        /"none"/],
      [`${sign({ sub: "ada" })}.x`, /TOKEN_INVALID: ./, /^/],
      ["no token", /TOKEN_INVALID: ./, /^/],
      ["", /TOKEN_INVALID: ./, /^/],
    ]) {
      const { out } = await refused(["check", token], 1, pattern);
      assert.match(out, shown);
      assert.doesNotMatch(out, /good/);
    }
    await refused(["check", "-"], 1, /there is no token at the standard input/,
      { env, input: "" });
    await refused(["check", sign({ sub: "ada" })], 1,
      /not checked: there is no key under auth\.jwt/, { env: {} });
  });

test("keys are fetched as a server does, and their want is told", async () => {
  const pair = keysFor("ES256");
  const keys = await new KeyServer().start();
  keys.keys = [jwkOf(pair, { kid: "one" })];
  const from = (url) => ({ env: { GODWIT_AUTH_JWT_JWKS_URL: url,
    GODWIT_AUTH_JWT_JWKS_TIMEOUT: "2s" } });
  try {
    const token = sign({ sub: "ada" },
      { alg: "ES256", kid: "one", key: pair.privateKey });
    const { code, out, err } = await run(["token", "check", token],
      from(keys.url));
    assert.equal(code, 0, err);
    assert.match(out, /good for/);
    const unknown = sign({ sub: "ada" },
      { alg: "ES256", kid: "two", key: pair.privateKey });
    await refused(["check", unknown], 1, /AUTH_UNAVAILABLE: ./, from(keys.url));
    await refused(["check", token], 1, /127\.0\.0\.1:1\/keys: ./,
      from("http://127.0.0.1:1/keys"));
    keys.body = "none";
    await refused(["check", token], 1, /: ./, from(keys.url));
  } finally {
    keys.stop();
  }
});

/* ---- keys of the API ---------------------------------------------------------------------- */

test("a key that was made opens the API of a server that has its hash", async () => {
  const { code, out } = await run(["token", "api-key"]);
  assert.equal(code, 0);
  const [, key, hash] = /^key {3}(\S+)\nhash {2}(\S+)\n$/.exec(out);
  await withServer({ args: ["--api.keys", hash] }, async (server) => {
    const ask = async (given) => {
      const { status } = await fetch(
        `http://127.0.0.1:${server.internal}/v1/api/info`, {
          method: "POST", body: "{}", headers: {
            "content-type": "application/json", "x-api-key": given,
          } });
      return status;
    };
    assert.equal(await ask(key), 200);
    assert.equal(await ask(`${key}x`), 401);
  });
});
