// SPDX-License-Identifier: MIT
// check.test.mjs - `godwit config check` and what a configuration names: each
// mistake that would stop a start is told with its place, and nothing is touched.

import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { Certificates } from "./support/certificate.mjs";
import { run } from "./support/cli.mjs";
import { BINARY, withServer } from "./support/server.mjs";

const WORDFILTER = path.join(path.dirname(BINARY), "plugins", "wordfilter.so");
const SECRET = "0123456789abcdef0123456789abcdef";
const HASH = "scrypt$15$8$3$AAAAAAAAAAAAAAAAAAAAAA$" + "A".repeat(43);
const certificates = new Certificates();
let cwd, good, other;

before(() => {
  cwd = fs.mkdtempSync(path.join(os.tmpdir(), "godwit-check-"));
  good = certificates.make("good");
  other = certificates.make("other");
  fs.mkdirSync(path.join(cwd, "pages"));
  for (const [name, text] of Object.entries({
    "secret": `${SECRET}\n`, "ada": `${HASH}\n`, "text": "plain text\n",
    "user.json": '{"type":"object"}', "bad.json": '{"oneOf":[]}',
    "torn.json": '{"type":', "file.log": "a line\n",
    "set.json": '{"keys":[{"kty":"oct","k":"' +
      Buffer.from(SECRET).toString("base64url") + '"}]}',
  })) fs.writeFileSync(path.join(cwd, name), text);
});
after(() => fs.rmSync(cwd, { recursive: true, force: true }));

/** What is in the test's folder: names, times and sizes. */
const listing = () => fs.readdirSync(cwd).map((name) => {
  const { mtimeMs, size } = fs.statSync(path.join(cwd, name));
  return [name, mtimeMs, size];
});

/** Checks a text as the file c.yaml. */
async function check(text, ...args) {
  const file = path.join(cwd, "c.yaml");
  fs.writeFileSync(file, text);
  const before = listing();
  const done = await run(["config", "check", ...args, "c.yaml"], { cwd });
  assert.deepEqual(listing(), before);
  return done;
}

test("config check finds good what a server starts with", async () => {
  const at = (name) => path.join(cwd, name);
  const { code, out, err } = await check(`
tls: {cert: ${good.cert}, key: ${good.key}}
auth:
  jwt:
    secret_file: ${at("secret")}
    key_file: ${good.cert}
    jwks_file: ${at("set.json")}
admin: {users: [{name: ada, password_file: ${at("ada")}}]}
middleware: [access_log, metrics]
access_log: {file: ${at("access.log")}}
static: {/app: ${at("pages")}}
plugins: [{path: ${WORDFILTER}, settings: spam}]
payload: {type: json, schema: ${at("user.json")}}
`);
  assert.deepEqual([code, out, err], [0, "c.yaml: good\n", ""]);
  await withServer({ args: ["--config", at("c.yaml")] }, async () =>
    assert.ok(fs.existsSync(at("access.log"))));
  fs.rmSync(at("access.log"));
});

/** A configuration, and what is told of it: all, but for the file's name. */
const MISTAKES = () => [
  [`tls:\n  cert: none.pem\n  key: ${good.key}\n`,
    /^2: tls\.cert: none\.pem cannot be read: No such file.*; give the path/],
  [`tls:\n  cert: ${good.cert}\n  key: none.pem\n`,
    /^3: tls\.key: none\.pem cannot be read: No such file/],
  [`tls:\n  cert: ${good.cert}\n  key: ${other.key}\n`,
    /^3: tls\.key: .* does not belong to the certificate in .*; give the key/],
  [`tls:\n  cert: text\n  key: ${good.key}\n`,
    /^2: tls\.cert: text holds no certificate in PEM; `openssl/],
  ["auth:\n  jwt:\n    secret_file: none\n",
    /^3: auth\.jwt\.secret_file: none cannot be read: No such file.*; give the path of a file/],
  ["auth:\n  jwt:\n\n    secret_file: text\n",
    /^4: auth\.jwt\.secret_file: text: the secret must have 32/],
  ["auth:\n  jwt:\n    key_file: text\n", /^3: auth\.jwt\.key_file: text: /],
  [`auth:\n  jwt:\n    key_file: ${good.key}\n`,
    /^3: auth\.jwt\.key_file: .*private/],
  ["auth:\n  jwt:\n    jwks_file: torn.json\n",
    /^3: auth\.jwt\.jwks_file: torn\.json: it is no JSON/],
  ["auth:\n  jwt:\n    jwks_file: pages\n",
    /^3: auth\.jwt\.jwks_file: pages cannot be read: Is a directory; give a file, not a folder/],
  ["admin:\n  users:\n    - name: ada\n      password_file: none\n",
    /^4: admin\.users: 'none' cannot be read: No such file.*; give the path/],
  ["admin:\n  users:\n    - name: ada\n      password_file: text\n",
    /^4: admin\.users: 'ada' has a password that is not a line of/],
  ["payload: {type: json}\nnamespaces:\n  - name: a\n    payload:\n" +
    "      schema: none\n",
  /^5: payload\.schema: none cannot be read: No such file.*; give the path/],
  ["namespaces:\n  - name: a\n    payload: {type: json, schema: bad.json}\n",
    /^3: payload\.schema: bad\.json: .*oneOf: this keyword is not supported/],
  ["payload:\n  type: json\n  schema: torn.json\nnamespaces:\n  - name: a\n" +
    "  - name: b\n", /^3: payload\.schema: torn\.json: /],
  ["payload:\n  type: json\n  schema: pages\n",
    /^3: payload\.schema: pages cannot be read: Is a directory; give a file/],
  ["static:\n  - path: /\n    folder: none\n",
    /^3: static: \/: none: No such file or directory/],
  ["static:\n  /app: text\n", /^2: static: \/app: text: Not a directory/],
  ["plugins:\n  - path: ./none.so\n",
    /^2: plugin: \.\/none\.so: cannot open shared object file/],
  ["plugins:\n  - ./text\n", /^2: plugin: \.\/text: .*(too short|invalid ELF)/],
  ["middleware: access_log\naccess_log:\n  file: no/where\n",
    /^3: access_log\.file: 'no\/where' cannot be written: No such.*; make its/],
  ["middleware: access_log\naccess_log:\n  file: text/where\n",
    /^3: access_log\.file: 'text\/where' cannot be written: Not a directory; /],
  ["middleware: access_log\naccess_log:\n  file: pages\n",
    /^3: access_log\.file: 'pages' cannot be written: Is a directory; give/],
  ["middleware: acess_log\n", /^1: middleware: .*acess_log/],
];

test("config check tells what would stop the start, where, and what to do",
  async () => {
    for (const [text, pattern] of MISTAKES()) {
      const { code, out, err } = await check(text);
      assert.deepEqual([code, out], [2, ""], `${text}${err}`);
      assert.match(err, /^c\.yaml:[^\n]*\n$/, text);
      assert.match(err.slice("c.yaml:".length), pattern, text);
      assert.doesNotMatch(err, /plain text|0123456789abcdef/);
    }
  });

test("config check tells several mistakes, and what no file has", async () => {
  const { code, err } = await check("tls: {cert: none, key: none}\n" +
    "static: {/a: none, /b: no}\nplugins: [./none.so]\n" +
    "auth: {jwt: {key_file: none}}\n");
  assert.equal(code, 2);
  assert.deepEqual(err.trim().split("\n").map((line) =>
    line.split(": ").slice(0, 2).join(" ")), ["c.yaml:1 tls.cert",
    "c.yaml:2 static", "c.yaml:2 static", "c.yaml:3 plugin",
    "c.yaml:4 auth.jwt.key_file"]);
  const env = { GODWIT_AUTH_JWT_SECRET_FILE: "none" };
  const here = await run(["config", "check"], { cwd, env });
  assert.equal(here.code, 2);
  assert.match(here.err,
    /^GODWIT_AUTH_JWT_SECRET_FILE: auth\.jwt\.secret_file: none cannot be read: No such/);
});

test("config check --no-files leaves alone what is on another machine",
  async () => {
    for (const [text] of MISTAKES()) {
      const { code, out, err } = await check(text, "--no-files");
      assert.deepEqual([code, out, err], [0, "c.yaml: good\n", ""], text);
    }
    const { code, err } = await check("workers: many\n", "--no-files");
    assert.equal(code, 2);
    assert.match(err, /^c\.yaml:1: workers/);
  });

test("config check needs the rights that the server needs", async () => {
  const cases = [
    ["auth: {jwt: {secret_file: secret}}\n",
      /^r\.yaml:1: auth\.jwt\.secret_file: secret cannot be read: Permission denied; the user/],
    ["middleware: access_log\naccess_log: {file: file.log}\n",
      /^r\.yaml:2: access_log\.file: 'file\.log' .*Permission denied; the user/],
    ["middleware: access_log\naccess_log: {file: new.log}\n",
      /^r\.yaml:2: access_log\.file: 'new\.log' .*Permission denied; the user/]];
  // Root may do anything, so then it is somebody else who asks.
  const is_root = process.getuid() === 0;
  const elsewhere = fs.mkdtempSync(path.join(os.tmpdir(), "godwit-other-"));
  const binary = path.join(elsewhere, "godwit");
  fs.copyFileSync(BINARY, binary);
  const [command, ...rest] = [...is_root ? ["setpriv", "--reuid=65534",
    "--regid=65534", "--clear-groups"] : [], binary, "config", "check", "r.yaml"];
  fs.chmodSync(elsewhere, 0o755);
  fs.chmodSync(path.join(cwd, "secret"), 0);
  fs.chmodSync(path.join(cwd, "file.log"), 0o444);
  const file = path.join(cwd, "r.yaml");
  try {
    for (const [text, pattern] of cases) {
      fs.chmodSync(cwd, 0o755);
      fs.writeFileSync(file, text);
      fs.chmodSync(cwd, 0o555);
      const { status, stderr } = spawnSync(command, rest,
        { cwd, encoding: "utf8", timeout: 15000 });
      assert.equal(status, 2, stderr);
      assert.match(stderr, pattern);
    }
  } finally {
    fs.chmodSync(cwd, 0o755);
    fs.chmodSync(path.join(cwd, "secret"), 0o600);
    fs.chmodSync(path.join(cwd, "file.log"), 0o644);
    fs.rmSync(elsewhere, { recursive: true });
  }
});

test("config check does not touch the log, nor who reads it by a pipe", async () => {
  const pipe = path.join(cwd, "pipe");
  execFileSync("mkfifo", [pipe]);
  const reader = fs.openSync(pipe, fs.constants.O_RDONLY |
    fs.constants.O_NONBLOCK);
  try {
    for (const file of ["file.log", "pipe", "/dev/full"]) {
      const { code, err } = await check(
        `middleware: access_log\naccess_log: {file: ${file}}\n`);
      assert.equal(code, 0, err);
    }
  } finally {
    fs.closeSync(reader);
  }
  assert.equal(fs.readFileSync(path.join(cwd, "file.log"), "utf8"), "a line\n");
});
