// SPDX-License-Identifier: MIT
// admin.test.mjs - the login of administrators at the internal listener.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { AdminBrowser, HASH, PASSWORD, withAdmins } from "./support/admin.mjs";
import { Client } from "./support/client.mjs";
import { run } from "./support/cli.mjs";
import { onStage, refusedConfig, until, withFiles } from "./support/sdk.mjs";
import { BINARY, get } from "./support/server.mjs";

/** A server with one administrator, and her browser. */
const withAdmin = (fn, admin = {}, config = {}) =>
  onStage({ config: { dev: true, ...withAdmins(admin), ...config } },
    (t) => fn(new AdminBrowser(t.server), t.server, t));

const nameOf = (answer) => [answer.status, answer.json?.error?.name];

// ---- without any -------------------------------------------------------------

test("without administrators /admin says how to get one, and nobody gets in", () =>
  onStage({ config: {} }, async ({ server }) => {
    const ada = new AdminBrowser(server);
    const page = await ada.ask("GET", "/admin");
    assert.equal(page.status, 404);
    assert.match(page.body, /godwit hash-password/);
    assert.deepEqual(nameOf(await ada.logIn("admin", "admin")), [404, "NOT_FOUND"]);
    assert.deepEqual(nameOf(await ada.logIn("", "")), [404, "NOT_FOUND"]);
    await assert.rejects(server.metric("godwit_admin_logins_total"));
  }));

// ---- the page ------------------------------------------------------------------

test("the page comes with a policy, and its files with their types", () =>
  withAdmin(async (ada) => {
    const page = await ada.ask("GET", "/admin");
    assert.equal(page.status, 200);
    assert.equal(page.headers["content-type"], "text/html; charset=utf-8");
    const policy = page.headers["content-security-policy"];
    assert.match(policy, /^default-src 'none'; script-src 'self'; style-src 'self'/);
    assert.match(policy, /frame-ancestors 'none'/);
    assert.doesNotMatch(policy, /unsafe|\*|data:/);
    assert.equal(page.headers["cache-control"], "no-store");
    assert.equal(page.headers["x-frame-options"], "DENY");
    assert.doesNotMatch(page.body, /<script>|<style|\son\w+=|\sstyle=/);
    const names = [...page.body.matchAll(/(?:src|href)="(admin\/[^"]+)"/g)];
    assert.ok(names.length >= 3);
    const types = { css: "text/css", js: "text/javascript", svg: "image/svg+xml" };
    for (const [, name] of names) {
      const file = await ada.ask("GET", `/${name}`);
      assert.equal(file.status, 200, name);
      assert.ok(file.headers["content-type"]
        .startsWith(types[name.split(".").at(-1)]), name);
      const head = await ada.ask("HEAD", `/${name}`);
      assert.deepEqual([head.status, head.body], [200, ""]);
    }
    const moved = await ada.ask("GET", "/admin/");
    assert.deepEqual([moved.status, moved.headers.location], [308, "../admin"]);
    for (const path_ of ["/admin/nothing", "/admin/../server/main.c",
      "/administrator"])
      assert.equal((await ada.ask("GET", path_)).status, 404);
    assert.equal((await ada.ask("PUT", "/admin/login")).status, 405);
    assert.equal((await ada.ask("POST", "/admin")).status, 405);
  }));

// ---- logging in and out ----------------------------------------------------------

test("who logs in is in until it logs out, and both are logged", () =>
  withAdmin(async (ada, server) => {
    assert.deepEqual((await ada.ask("GET", "/admin/session")).json, {});
    const login = await ada.logIn();
    assert.equal(login.status, 200);
    assert.deepEqual(Object.keys(login.json), ["user", "csrf"]);
    const session = await ada.ask("GET", "/admin/session");
    assert.deepEqual(session.json, { user: "ada", csrf: ada.csrf });
    const out = await ada.ask("POST", "/admin/logout");
    assert.equal(out.status, 200);
    assert.match(out.headers["set-cookie"][0], /^godwit_admin=;.*Max-Age=0$/);
    assert.deepEqual((await ada.ask("GET", "/admin/session")).json, {});
    assert.deepEqual(nameOf(await ada.api("info")), [401, "TOKEN_INVALID"]);
    assert.deepEqual(nameOf(await ada.ask("POST", "/admin/logout")),
      [401, "TOKEN_INVALID"]);
    assert.match(server.log, /admin\.login user=ada peer=127\.0\.0\.1/);
    assert.match(server.log, /admin\.logout user=ada peer=127\.0\.0\.1/);
    assert.doesNotMatch(server.log, new RegExp(PASSWORD));
    assert.doesNotMatch(server.log, new RegExp(ada.cookie.split("=")[1]));
  }));

test("the cookie is none that scripts read or other sites send", () =>
  withAdmin(async (ada) => {
    const { headers } = await ada.logIn();
    const [cookie, ...more] = headers["set-cookie"];
    assert.equal(more.length, 0);
    const [pair, ...flags] = cookie.split("; ");
    assert.match(pair, /^godwit_admin=[\w-]{43}$/);
    assert.deepEqual(flags.sort(), ["HttpOnly", "Path=/", "SameSite=Strict"]);
  }));

test("behind a proxy with TLS the cookie is Secure, and the address the client's",
  () => withAdmin(async (ada, server) => {
    const headers = { "x-forwarded-proto": "https",
      "x-forwarded-for": "203.0.113.7" };
    const { headers: told, status } = await ada.logIn("ada", PASSWORD, { headers });
    assert.equal(status, 200);
    assert.match(told["set-cookie"][0],
      /^__Host-godwit_admin=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict; Secure$/);
    assert.equal((await ada.api("info", {}, { headers })).status, 200);
    assert.match(server.log, /admin\.login user=ada peer=203\.0\.113\.7/);
    // The cookie is not taken by the other way.
    assert.equal((await ada.api("info")).status, 401);
  }, {}, { listen: { trusted_proxies: ["127.0.0.1"] } }));

test("a wrong password and an unknown name get the same answer, and are counted",
  () => withAdmin(async (ada, server) => {
    const wrong = await ada.logIn("ada", "wrong password");
    const unknown = await ada.logIn("a secret typed as a name", PASSWORD);
    assert.deepEqual(nameOf(wrong), [401, "PERMISSION_DENIED"]);
    assert.equal(unknown.body, wrong.body);
    const plain = ({ headers: { date: _, ...rest } }) => rest;
    assert.deepEqual(plain(unknown), plain(wrong));
    assert.equal(await server.metric("godwit_admin_logins_failed_total"), 2);
    await server.logged(/admin\.login_failed user=ada peer=127\.0\.0\.1\n/);
    await server.logged(/admin\.login_failed peer=127\.0\.0\.1\n/);
    assert.doesNotMatch(server.log, /wrong password|a secret typed/);
  }));

test("who fails too often waits, told for how long; success forgives", () =>
  withAdmin(async (ada, server) => {
    assert.equal((await ada.logIn("ada", "wrong password")).status, 401);
    assert.equal((await ada.logIn()).status, 200);
    for (let i = 0; i < 2; i++)
      assert.equal((await ada.logIn("ada", "wrong password")).status, 401);
    // The address, with whatever name; also with the right password.
    for (const [name, password] of [["ada", PASSWORD], ["bob", "x"]]) {
      const limited = await ada.logIn(name, password);
      assert.deepEqual(nameOf(limited), [429, "RATE_LIMITED"]);
      assert.ok(limited.json.error.retryAfterMs > 3000_000);
      assert.ok(Number(limited.headers["retry-after"]) > 3000);
    }
    assert.equal(await server.metric("godwit_admin_logins_limited_total"), 2);
    await server.logged(/admin\.login_limited peer=127\.0\.0\.1/);
    // Who is in stays in.
    assert.equal((await ada.api("info")).status, 200);
  }, { failures: "1/h burst 2" }));

test("a name that others guess at is limited from any address", () =>
  withAdmin(async (ada) => {
    const from = (address) => ({ headers: { "x-forwarded-for": address } });
    for (const address of ["203.0.113.1", "203.0.113.2"])
      assert.equal((await ada.logIn("ada", "wrong password",
        from(address))).status, 401);
    assert.equal((await ada.logIn("ada", "wrong password",
      from("203.0.113.3"))).status, 429);
    assert.equal((await ada.logIn("grace", "wrong password",
      from("203.0.113.3"))).status, 401);
  }, { failures: "1/h burst 2" }, { listen: { trusted_proxies: ["127.0.0.1"] } }));

test("hashing makes nobody else wait, and only two are hashed at once", () =>
  withAdmin(async (ada, server) => {
    const logins = Array.from({ length: 8 }, (_, i) =>
      new AdminBrowser(server).logIn(`nobody ${i}`, "wrong password"));
    const health = await get(server.internal, "/healthz");
    assert.equal(health.status, 200);
    const statuses = (await Promise.all(logins)).map(({ status, headers }) => {
      if (status === 503) assert.equal(headers["retry-after"], "1");
      return status;
    });
    assert.ok(statuses.filter((s) => s === 401).length >= 2, `${statuses}`);
    assert.ok(statuses.every((s) => s === 401 || s === 503), `${statuses}`);
    assert.ok(statuses.includes(503), `${statuses}`);
    assert.equal((await ada.logIn()).status, 200);
  }, { failures: 0 }));

test("who goes while its password is hashed leaves nothing behind", () =>
  withAdmin(async (ada, server) => {
    const body = JSON.stringify({ name: "ada", password: "wrong password" });
    const net = await import("node:net");
    const socket = net.connect(server.internal, "127.0.0.1");
    socket.on("error", () => {});
    socket.write(`POST /admin/login HTTP/1.1\r\nHost: 127.0.0.1:${server.internal}` +
      `\r\nOrigin: ${ada.origin}\r\nContent-Type: application/json\r\n` +
      `Content-Length: ${body.length}\r\n\r\n${body}`);
    setTimeout(() => socket.destroy(), 30);
    await server.logged(/admin\.login_failed user=ada/);
    assert.equal(await server.metric("godwit_admin_sessions"), 0);
    assert.equal((await ada.logIn()).status, 200);
  }));

test("a login while the server ends is no leak", () =>
  withAdmin(async (ada, server) => {
    const login = ada.logIn().catch(() => null);
    await new Promise((r) => setTimeout(r, 20));
    assert.equal(await server.metric("godwit_admin_sessions").catch(() => 0) >= 0,
      true);
    await login;
  }));

// ---- sessions ------------------------------------------------------------------

test("a session ends when nobody does anything, whatever its page asks", () =>
  withAdmin(async (ada, server) => {
    await ada.logIn();
    const background = { headers: { "x-godwit-background": "1" } };
    assert.equal((await ada.api("info", {}, background)).status, 200);
    const answer = await until(async () => {
      const { status, json } = await ada.api("info", {}, background);
      return status !== 200 && json.error;
    });
    assert.equal(answer.name, "TOKEN_INVALID");
    await server.until("godwit_admin_sessions", (n) => n === 0);
    assert.equal((await ada.logIn()).status, 200);
  }, { idle: "1s" }));

test("a session ends after its life, however much is done", () =>
  withAdmin(async (ada) => {
    await ada.logIn();
    await until(async () => (await ada.api("info")).status === 401);
  }, { idle: "1m", lifetime: "1s" }));

test("of too many sessions the one ends that was unused for longest", () =>
  withAdmin(async (ada, server) => {
    const [second, third] = [new AdminBrowser(server), new AdminBrowser(server)];
    await ada.logIn();
    await second.logIn();
    assert.equal((await ada.api("info")).status, 200);
    await third.logIn();
    assert.equal((await second.api("info")).status, 401);
    assert.equal((await ada.api("info")).status, 200);
    assert.equal((await third.api("info")).status, 200);
    assert.equal(await server.metric("godwit_admin_sessions"), 2);
    assert.equal(await server.metric("godwit_admin_sessions_displaced_total"), 1);
    await server.logged(/admin\.session_displaced user=ada/);
  }, { max_sessions: 2 }));

test("a new login takes the place of the browser's old session", () =>
  withAdmin(async (ada, server) => {
    await ada.logIn();
    const old = { cookie: ada.cookie, csrf: ada.csrf };
    await ada.logIn();
    assert.notEqual(ada.cookie, old.cookie);
    assert.equal(await server.metric("godwit_admin_sessions"), 1);
    Object.assign(ada, old);
    assert.equal((await ada.api("info")).status, 401);
  }));

// ---- pages of others -------------------------------------------------------------

test("a page of another origin neither logs in, nor out, nor calls", () =>
  withAdmin(async (ada, server) => {
    const body = { name: "ada", password: PASSWORD };
    for (const origin of ["https://evil.example.org", "null", undefined,
      "http://127.0.0.1:1"]) {
      const headers = { origin };
      assert.deepEqual(nameOf(await ada.ask("POST", "/admin/login",
        { body, headers })), [403, "BAD_ORIGIN"]);
    }
    await ada.logIn();
    for (const origin of ["https://evil.example.org", "null", undefined]) {
      const headers = { origin };
      for (const answer of [await ada.ask("POST", "/admin/logout", { headers }),
        await ada.api("publish", { channel: "a", json: 1 }, { headers })])
        assert.deepEqual(nameOf(answer), [403, "BAD_ORIGIN"]);
    }
    assert.equal((await ada.api("info")).status, 200);
    assert.equal(await server.metric("godwit_publications_total"), 0);
    assert.ok(await server.metric("godwit_admin_refused_total") >= 10);
    await server.logged(/admin\.refused peer=127\.0\.0\.1/);
  }));

test("the cookie alone, or the token of another session, opens nothing", () =>
  withAdmin(async (ada, server) => {
    const eve = new AdminBrowser(server);
    await ada.logIn();
    await eve.logIn();
    const publish = (headers) =>
      ada.api("publish", { channel: "a", json: 1 }, { headers });
    // Without the header it is a page like any other.
    assert.deepEqual(nameOf(await publish({ "x-csrf-token": undefined })),
      [403, "PERMISSION_DENIED"]);
    for (const token of ["", "x", eve.csrf, ada.csrf.slice(1), `${ada.csrf}A`])
      assert.deepEqual(nameOf(await publish({ "x-csrf-token": token })),
        [403, "PERMISSION_DENIED"], token);
    assert.deepEqual(nameOf(await ada.ask("POST", "/admin/logout",
      { headers: { "x-csrf-token": eve.csrf } })), [403, "PERMISSION_DENIED"]);
    // Nor does the token without the cookie.
    for (const cookie of [undefined, "godwit_admin=", "godwit_admin=AAAA",
      `other=1; xgodwit_admin=${ada.cookie.split("=")[1]}`])
      assert.deepEqual(nameOf(await publish({ cookie })), [401, "TOKEN_INVALID"]);
    assert.equal(await server.metric("godwit_publications_total"), 0);
    assert.equal((await publish({ cookie: `a=b; ${ada.cookie}; c=d` })).status, 200);
  }));

test("a form cannot log in, and neither can what is no login", () =>
  withAdmin(async (ada) => {
    const post = (body, headers) =>
      ada.ask("POST", "/admin/login", { body, headers });
    for (const type of ["text/plain", "application/x-www-form-urlencoded",
      "application/jsonx", "multipart/form-data"])
      assert.equal((await post("{}", { "content-type": type })).status, 415);
    assert.equal((await post("", { "content-type": "application/json" })).status,
      411);
    for (const body of ["{}", "[]", "nonsense", { name: "ada" },
      { name: "ada", password: 1 }, { name: "", password: PASSWORD },
      { name: "ada", password: "" }, { name: "a".repeat(65), password: "x" },
      { name: "ada", password: "x".repeat(257) },
      { name: "ada\u0000", password: PASSWORD },
      '{"name":"eve","name":"ada","password":"x"}']) {
      const answer = await post(body);
      assert.deepEqual(nameOf(answer), [400, "BAD_REQUEST"], JSON.stringify(body));
    }
    assert.equal((await post("x".repeat(5000))).status, 413);
    assert.equal((await ada.ask("POST", "/admin/logout",
      { body: "{}", headers: { "x-csrf-token": "x" } })).status, 401);
    assert.equal((await ada.logIn()).status, 200);
  }, { failures: "1/h burst 1" }));

test("a listed origin may be the page's, where a proxy changes the host", () =>
  withAdmin(async (ada) => {
    const headers = { origin: "https://ops.example.org" };
    assert.equal((await ada.logIn("ada", PASSWORD, { headers })).status, 200);
    assert.equal((await ada.api("info", {}, { headers })).status, 200);
    assert.equal((await ada.api("info")).status, 403);
  }, { origins: ["https://ops.example.org"] }));

// ---- the API ---------------------------------------------------------------------

test("an administrator calls as with a key, and each call is in the log", () =>
  onStage({ config: { dev: true, ...withAdmins({}, "ada", "grace"),
    log: { level: "error" }, api: { keys: ["a-key-of-the-application"] } } },
  async ({ server }) => {
    const ada = new AdminBrowser(server), grace = new AdminBrowser(server);
    await ada.logIn();
    await grace.logIn("grace");
    const client = await Client.connect(server.port, { user: "bob" });
    await client.subscribe("room:a");
    const { json: found } = await ada.api("connections", { user: "bob" });
    assert.equal(found.connections.length, 1);
    const { connection } = found.connections[0];
    const published = await grace.api("publish",
      { channel: "room:a", json: { secret: "payload" } });
    assert.equal(published.json.position.offset, "1");
    assert.equal((await client.next("publication")).publication.json,
      '{"secret":"payload"}');
    const info = (await ada.api("info")).json;
    assert.ok(Number(info.uptimeMs) > 0);
    const sum = (name) =>
      info.workers.reduce((n, w) => n + Number(w[name] ?? 0), 0);
    assert.deepEqual([sum("accepted"), sum("published"), sum("delivered")],
      [1, 1, 1]);
    const ended = await ada.api("disconnect", { connection, reason: "rude" });
    assert.deepEqual(ended.json, { connections: 1 });
    // Without session or key it stays closed, also from this machine.
    const { status } = await ada.api("info", {},
      { headers: { "x-csrf-token": undefined, origin: undefined } });
    assert.equal(status, 401);
    for (const line of [
      "user=ada peer=127.0.0.1 method=connections of_user=bob",
      "user=grace peer=127.0.0.1 method=publish of_channel=room:a",
      `user=ada peer=127.0.0.1 method=disconnect of_connection=${connection} ` +
        "of_reason=rude", "user=ada peer=127.0.0.1 method=info"])
      assert.ok(server.log.includes(`admin.call ${line}\n`), line);
    assert.equal(await server.metric("godwit_admin_calls_total"), 4);
    assert.doesNotMatch(server.log, /payload/);
  }));

test("no flood of calls keeps one out of the log", () =>
  withAdmin(async (ada, server) => {
    await ada.logIn();
    for (let i = 0; i < 60; i++)
      assert.equal((await ada.api("channels", { prefix: `n${i}` })).status, 200);
    for (let i = 0; i < 60; i++)
      assert.ok(server.log.includes(`of_prefix=n${i}\n`), `${i}`);
  }));

// ---- hashes ------------------------------------------------------------------------

test("hash-password makes what the server takes, also from a file", async () => {
  const made = await run(["hash-password", "--cost", "14"],
    { input: "another password\n" });
  assert.equal(made.code, 0, made.err);
  const [hash] = made.lines;
  assert.match(hash, /^scrypt\$14\$8\$3\$[\w-]{22}\$[\w-]{43}$/);
  const again = await run(["hash-password", "--cost", "14"],
    { input: "another password" });
  assert.notEqual(again.lines[0], hash, "the salt is random");
  await withFiles({ hash: `${hash}\n` }, (folder) =>
    onStage({ config: { admin: { users: [
      { name: "ada", password_file: path.join(folder, "hash") },
      { name: "grace", password: HASH }] } } }, async ({ server }) => {
      const ada = new AdminBrowser(server);
      assert.equal((await ada.logIn("ada", "another password")).status, 200);
      assert.equal((await ada.logIn("grace")).status, 200);
      assert.equal((await ada.logIn("ada")).status, 401);
    }));
});

test("hash-password asks twice at a terminal, and shows nothing of it", async () => {
  const script = new URL("support/terminal.py", import.meta.url).pathname;
  const type = (...lines) => spawnSync("/usr/bin/python3",
    [script, BINARY, "hash-password", "--cost", "14"],
    { input: lines.join("\n") + "\n", encoding: "utf8", timeout: 60000 });
  const good = type("typed by hand", "typed by hand");
  assert.equal(good.status, 0, good.stdout);
  assert.match(good.stdout, /^Password: \s+Verifying - Password: \s+scrypt\$14\$/);
  for (const [first, second] of [["typed by hand", "typed by hanf"],
    ["too short", "too short"]]) {
    const { status, stdout } = type(first, second);
    assert.equal(status, 1);
    assert.doesNotMatch(stdout, /scrypt\$|typed by|too short/);
  }
  assert.match(type("too short", "too short").stdout, /must have 12 to 256 bytes/);
});

test("hash-password refuses what is no password, and shows none", async () => {
  for (const input of ["", "\n", "too short\n", "x".repeat(257) + "\n"]) {
    const { code, out, err } = await run(["hash-password"], { input });
    assert.deepEqual([code, out], [1, ""], input);
    assert.match(err, /password/);
    assert.doesNotMatch(err, /too short\n/);
  }
  for (const args of [["a password on the line"], ["--cost", "13"],
    ["--cost", "19"], ["--nothing"]]) {
    const { code, err } = await run(["hash-password", ...args], { input: "x" });
    assert.equal(code, 2);
    assert.match(err, /hash-password/);
  }
});

test("administrators that cannot be stop the start", async () => {
  const refused = (user) => refusedConfig({ admin: { users: [user] } });
  assert.match(await refused({ name: "ada" }), /admin\.users: 'ada' needs a password/);
  assert.match(await refused({ name: "ada", password: "plain text" }),
    /'ada' has a password that is not a line of `godwit hash-password`/);
  assert.match(await refused({ name: "ada", password_file: "/nowhere" }),
    /admin\.users: '\/nowhere' cannot be read/);
  await withFiles({ plain: "plain text\n", empty: "" }, async (folder) => {
    for (const file of fs.readdirSync(folder)) {
      const log = await refused(
        { name: "ada", password_file: path.join(folder, file) });
      assert.match(log, /admin\.users: 'ada' has a password that is not/);
      assert.doesNotMatch(log, /plain text/);
    }
  });
  assert.match(await refusedConfig(withAdmins({ origins: ["*"] })),
    /admin\.origins/);
});
