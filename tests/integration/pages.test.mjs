// SPDX-License-Identifier: MIT
// pages.test.mjs - what plain HTTP gets from the public listener.

import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { Client } from "./support/client.mjs";
import { get, Server, withServer } from "./support/server.mjs";

const SECRET = "not for the public";
let base, pages;

before(() => {
  base = fs.mkdtempSync(path.join(os.tmpdir(), "godwit-pages-"));
  pages = path.join(base, "pages");
  fs.mkdirSync(path.join(pages, "sub"), { recursive: true });
  fs.writeFileSync(path.join(base, "secret.txt"), SECRET);
  fs.writeFileSync(path.join(pages, "index.html"), "<!doctype html>\n");
  fs.writeFileSync(path.join(pages, "app.js"), "export {};\n".repeat(20000));
  fs.writeFileSync(path.join(pages, "core.wasm"), Buffer.from([0, 97, 115, 109]));
  fs.writeFileSync(path.join(pages, ".hidden"), SECRET);
  fs.writeFileSync(path.join(pages, "sub", "style.css"), "a{}");
  fs.symlinkSync(path.join(base, "secret.txt"), path.join(pages, "link.txt"));
});

after(() => fs.rmSync(base, { recursive: true, force: true }));

const dev = (fn) =>
  withServer({ args: ["--dev", "--demo", pages] }, fn);

test("files come whole, with their types and the page's policy", () =>
  dev(async (server) => {
    const types = {
      "/": "text/html; charset=utf-8",
      "/app.js": "text/javascript; charset=utf-8",
      "/core.wasm": "application/wasm",
      "/sub/style.css": "text/css; charset=utf-8",
    };
    for (const [url, type] of Object.entries(types)) {
      const { status, headers, body } = await get(server.port, url);
      assert.equal(status, 200, url);
      assert.equal(headers["content-type"], type);
      assert.equal(headers["x-content-type-options"], "nosniff");
      assert.equal(headers["cache-control"], "no-cache");
      assert.equal(headers["content-security-policy"],
        "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; " +
        "style-src 'self'; img-src 'self' data:; connect-src 'self' ws: wss:; " +
        "base-uri 'none'; frame-ancestors 'none'; form-action 'none'");
      const file = path.join(pages, url === "/" ? "index.html" : url);
      assert.equal(Buffer.byteLength(body, "utf8"), fs.statSync(file).size);
    }
    const head = await get(server.port, "/app.js", { method: "HEAD" });
    assert.deepEqual([head.status, head.body], [200, ""]);
    assert.equal(Number(head.headers["content-length"]),
      fs.statSync(path.join(pages, "app.js")).size);
  }));

test("an unchanged file is not sent again", () =>
  dev(async (server) => {
    const { headers } = await get(server.port, "/app.js");
    const again = await get(server.port, "/app.js",
      { headers: { "If-None-Match": headers.etag } });
    assert.deepEqual([again.status, again.body], [304, ""]);
    fs.appendFileSync(path.join(pages, "app.js"), "// more\n");
    const changed = await get(server.port, "/app.js",
      { headers: { "If-None-Match": headers.etag } });
    assert.equal(changed.status, 200);
    assert.notEqual(changed.headers.etag, headers.etag);
  }));

test("no path leads out of the folder", () =>
  dev(async (server) => {
    const paths = [
      "/../secret.txt", "/sub/../../secret.txt", "/%2e%2e/secret.txt",
      "/..%2fsecret.txt", "/%2e%2e%2fsecret.txt", "/sub/..%2f..%2fsecret.txt",
      "/..%5csecret.txt", "//secret.txt", "/./../secret.txt",
      `/${base}/secret.txt`, "/link.txt", "/.hidden", "/sub/.%2e/.hidden",
      "/sdk/../../secret.txt", "/sdk/..%2f..%2f..%2fREADME.md", "/sub", "/sub/",
      "/index.html/", "/index.html%00.js", "/%ff%fe",
    ];
    for (const url of paths) {
      const answer = await get(server.port, url).catch(() => null);
      if (!answer) continue;
      assert.ok(answer.status >= 400, `${url}: ${answer.status}`);
      assert.ok(!answer.body.includes(SECRET), url);
    }
  }));

test("without --dev there are no pages; errors have one format", () =>
  withServer({}, async (server) => {
    const cases = [["/", "GET", 404, "NOT_FOUND"],
      ["/app.js", "GET", 404, "NOT_FOUND"],
      ["/metrics", "GET", 404, "NOT_FOUND"],
      ["/v1/ws", "GET", 426, "BAD_REQUEST"],
      ["/", "POST", 405, "BAD_REQUEST"],
      ["/", "DELETE", 405, "BAD_REQUEST"]];
    for (const [url, method, status, name] of cases) {
      const answer = await get(server.port, url, { method });
      assert.equal(answer.status, status, `${method} ${url}`);
      assert.equal(answer.headers["content-type"], "application/json");
      const { error } = JSON.parse(answer.body);
      assert.equal(error.name, name);
      assert.ok(error.code > 0 && error.message.length > 5);
    }
    await server.logged(/http\.refused .*status=404/);
  }));

test("the demo and the SDK are found beside the binary", () =>
  withServer({ args: ["--dev"] }, async (server) => {
    for (const path of ["/", "/chat/", "/presence/", "/cursors/", "/console/"]) {
      const page = await get(server.port, path);
      assert.equal(page.status, 200, path);
      assert.match(page.body, /<html/);
    }
    assert.match(server.output, /the demo on http:\/\/localhost:/);
  }));

/** Whether a server with these flags lets clients make groups. */
async function letsMakeGroups(args) {
  let made = false;
  await withServer({ args }, async (server) => {
    const client = await Client.connect(server.port, { user: "ann" });
    const { rpcResult } = await client.request({ rpc: {
      method: "godwit.group_create", json: JSON.stringify({ group: "g" }) } });
    made = rpcResult !== undefined;
    await client.close();
  });
  return made;
}

test("the demo's rules are in force where no others are", async () => {
  const rules = path.join(pages, "godwit.yaml");
  const own = path.join(base, "own.yaml");
  const bare = ["--dev", "--demo", pages];
  fs.writeFileSync(own, "workers: 1\n");
  assert.equal(await letsMakeGroups(bare), false);
  fs.writeFileSync(rules, "groups:\n  create: anyone\n");
  assert.equal(await letsMakeGroups(bare), true);
  assert.equal(await letsMakeGroups([...bare, "--groups.create", "nobody"]),
    false);
  assert.equal(await letsMakeGroups([...bare, "--config", own]), false);
  fs.writeFileSync(rules, "groups:\n  creat: anyone\n");
  const { code, log } = await Server.run(["serve", ...bare]);
  assert.equal(code, 2);
  assert.match(log, /godwit\.yaml:2.*groups\.create/);
  fs.rmSync(rules);
});
