// SPDX-License-Identifier: MIT
// static.test.mjs - folders that are served: what comes, in which form, and that
// nothing outside of them does.

import assert from "node:assert/strict";
import fs from "node:fs";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import zlib from "node:zlib";
import { Client } from "./support/client.mjs";
import { get, Server, withServer } from "./support/server.mjs";
import { within } from "./support/websocket.mjs";

const SECRET = "not for the public";
const CSP = "default-src 'self'";
const SIZE = 3 * 1024 * 1024 + 17;
let base, www;

before(() => {
  base = fs.mkdtempSync(path.join(os.tmpdir(), "godwit-static-"));
  www = path.join(base, "www");
  fs.mkdirSync(path.join(www, "sub"), { recursive: true });
  const put = (name, data) => fs.writeFileSync(path.join(www, name), data);
  fs.writeFileSync(path.join(base, "secret.txt"), SECRET);
  put("index.html", "<!doctype html>root\n");
  put("sub/index.html", "<!doctype html>sub\n");
  put("app.js", "export {};\n".repeat(100));
  put("app.js.gz", zlib.gzipSync("export {};\n".repeat(100)));
  put("app.js.br", zlib.brotliCompressSync("export {};\n".repeat(100)));
  put("a b\u00fc.txt", "odd name");
  put("empty.txt", "");
  put("large.bin", Buffer.alloc(SIZE, (i) => i).fill("0123456789abcdef"));
  put(".env", SECRET);
  fs.symlinkSync("app.js", path.join(www, "inside.js"));
  fs.symlinkSync("../secret.txt", path.join(www, "outside.txt"));
  fs.symlinkSync(base, path.join(www, "up"));
});

after(() => fs.rmSync(base, { recursive: true, force: true }));

const flags = (extra = "") => ["--static",
  `[{path: /, folder: "${www}"${extra}}, {path: /sdk, folder: "${www}/sub"}]`];
const withFiles = (fn, extra, args = []) =>
  withServer({ args: [...flags(extra), ...args] }, fn);

/** One request, its body as bytes. */
function fetchBytes(port, url, headers = {}, method = "GET") {
  return within(10000, `${method} ${url}`, new Promise((resolve, reject) => {
    const socket = net.connect(port, "127.0.0.1");
    const parts = [];
    socket.on("data", (d) => parts.push(d));
    socket.on("error", reject);
    socket.on("close", () => {
      const all = Buffer.concat(parts), end = all.indexOf("\r\n\r\n");
      if (end < 0) return resolve({ status: 0, headers: {}, body: all });
      const [first, ...lines] = all.subarray(0, end).toString("latin1")
        .split("\r\n");
      const got = {};
      for (const line of lines) {
        const colon = line.indexOf(":");
        got[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim();
      }
      resolve({ status: Number(first.split(" ")[1]), headers: got,
        body: all.subarray(end + 4) });
    });
    const all = { Host: "localhost", Connection: "close", ...headers };
    socket.write(`${method} ${url} HTTP/1.1\r\n` + Object.entries(all)
      .map(([k, v]) => `${k}: ${v}\r\n`).join("") + "\r\n");
  }));
}

test("files, index pages, odd names and HEAD", () =>
  withFiles(async (server) => {
    const cases = { "/": "root", "/index.html": "root", "/sub/": "sub",
      "/sdk/": "sub", "/sdk/index.html": "sub", "/a%20b%C3%BC.txt": "odd name",
      "/app.js": "export", "/app.js?v=1": "export" };
    for (const [url, text] of Object.entries(cases)) {
      const { status, headers, body } = await get(server.port, url);
      assert.equal(status, 200, url);
      assert.ok(body.includes(text), url);
      assert.equal(headers["x-content-type-options"], "nosniff");
      assert.equal(headers["referrer-policy"], "no-referrer");
      assert.equal(headers["content-security-policy"], undefined);
    }
    const empty = await get(server.port, "/empty.txt");
    assert.deepEqual([empty.status, empty.body, empty.headers["content-length"]],
      [200, "", "0"]);
    const head = await get(server.port, "/large.bin", { method: "HEAD" });
    assert.deepEqual([head.status, head.body, head.headers["content-length"]],
      [200, "", String(SIZE)]);
    for (const [url, to] of [["/sub", "/sub/"], ["/sdk", "/sdk/"]]) {
      const { status, headers } = await get(server.port, url);
      assert.deepEqual([status, headers.location], [301, to]);
    }
    const post = await get(server.port, "/app.js", { method: "POST" });
    assert.equal(post.status, 405);
    assert.match(post.headers.allow, /GET, HEAD/);
    const ws = await Client.connect(server.port);
    await ws.close();
  }));

test("packed forms for who takes them", () =>
  withFiles(async (server) => {
    const cases = [["gzip, deflate, br", "br", zlib.brotliDecompressSync],
      ["gzip", "gzip", zlib.gunzipSync], ["br;q=0, gzip;q=0.5", "gzip",
        zlib.gunzipSync], ["identity", undefined, (b) => b]];
    const tags = new Set();
    for (const [accepted, coding, unpack] of cases) {
      const { status, headers, body } = await fetchBytes(server.port, "/app.js",
        { "Accept-Encoding": accepted });
      assert.equal(status, 200);
      assert.equal(headers["content-encoding"], coding, accepted);
      assert.equal(headers["content-type"], "text/javascript; charset=utf-8");
      assert.match(headers.vary, /accept-encoding/i);
      assert.equal(unpack(body).toString(), "export {};\n".repeat(100));
      tags.add(headers.etag);
    }
    assert.equal(tags.size, 3);
  }));

test("what is known is not sent again, and parts are sent alone", () =>
  withFiles(async (server) => {
    const { headers } = await get(server.port, "/app.js");
    for (const known of [headers.etag, `W/${headers.etag}`, `"x", ${headers.etag}`,
      "*"]) {
      const again = await get(server.port, "/app.js",
        { headers: { "If-None-Match": known } });
      assert.deepEqual([again.status, again.body], [304, ""], known);
    }
    const part = (range, more = {}) =>
      fetchBytes(server.port, "/large.bin", { Range: range, ...more });
    const middle = await part("bytes=100000-100015");
    assert.equal(middle.status, 206);
    assert.equal(middle.headers["content-range"], `bytes 100000-100015/${SIZE}`);
    assert.equal(middle.body.toString(), "0123456789abcdef");
    const tail = await part("bytes=-1");
    assert.deepEqual([tail.status, tail.body.toString()], [206, "0"]);
    const behind = await part(`bytes=${SIZE}-`);
    assert.deepEqual([behind.status, behind.headers["content-range"]],
      [416, `bytes */${SIZE}`]);
    for (const [range, more] of [["bytes=5-1", {}], ["lines=1-2", {}],
      ["bytes=0-1,3-4", {}], ["bytes=0-1", { "If-Range": '"other"' }]]) {
      const whole = await part(range, more);
      assert.deepEqual([whole.status, whole.body.length], [200, SIZE], range);
    }
  }));

test("a large file comes whole, also to a reader that takes its time", () =>
  withFiles(async (server) => {
    const wanted = fs.readFileSync(path.join(www, "large.bin"));
    const quick = await fetchBytes(server.port, "/large.bin");
    assert.ok(wanted.equals(quick.body));
    const slow = await within(20000, "a slow read", new Promise((resolve) => {
      const socket = net.connect(server.port, "127.0.0.1");
      const parts = [];
      let left = 20;
      socket.on("data", (d) => {
        parts.push(d);
        if (left-- <= 0) return;
        socket.pause();
        setTimeout(() => socket.resume(), 10);
      });
      socket.on("close", () => resolve(Buffer.concat(parts)));
      socket.write("GET /large.bin HTTP/1.1\r\nHost: x\r\n" +
        "Connection: close\r\n\r\n");
    }));
    assert.ok(wanted.equals(slow.subarray(slow.indexOf("\r\n\r\n") + 4)));
    // Others are served meanwhile, and who leaves in the middle is forgotten.
    const leaving = Array.from({ length: 20 }, () => {
      const socket = net.connect(server.port, "127.0.0.1");
      socket.on("error", () => {});
      socket.once("data", () => socket.destroy());
      socket.write("GET /large.bin HTTP/1.1\r\nHost: x\r\n\r\n");
      return new Promise((resolve) => socket.on("close", resolve));
    });
    await Promise.all(leaving);
    assert.equal((await get(server.port, "/index.html")).status, 200);
  }));

test("several requests on one connection keep their order", () =>
  withFiles(async (server) => {
    const text = await within(10000, "answers", new Promise((resolve) => {
      const socket = net.connect(server.port, "127.0.0.1");
      let got = "";
      socket.on("data", (d) => (got += d));
      socket.on("close", () => resolve(got));
      for (const [url, last] of [["/index.html", ""], ["/none", ""],
        ["/sub/", "Connection: close\r\n"]])
        socket.write(`GET ${url} HTTP/1.1\r\nHost: x\r\n${last}\r\n`);
    }));
    assert.deepEqual([...text.matchAll(/HTTP\/1.1 (\d+)/g)].map((m) => m[1]),
      ["200", "404", "200"]);
    assert.ok(text.indexOf("root") < text.indexOf("html>sub"));
  }));

test("nothing outside, nothing hidden, nothing by a link", () =>
  withFiles(async (server) => {
    for (const url of ["/../secret.txt", "/%2e%2e/secret.txt",
      "/..%2fsecret.txt", "/sub/..%2f..%2fsecret.txt", "/sub/../../secret.txt",
      "/..%5csecret.txt", "//secret.txt", "/.env", "/%2eenv", "/sub/./../.env",
      "/outside.txt", "/up/secret.txt", "/up", "/inside.js", "/sdk/../.env",
      "/sdk/%2e%2e/%2e%2e/secret.txt", "/index.html%00", "/index.html/",
      "/app.js%09", "/%ff", "/%", "/%zz", `/${base}/secret.txt`]) {
      const { status, body } = await fetchBytes(server.port, url);
      assert.ok(!body.includes(SECRET), url);
      // libwebsockets itself takes /sub/../x for /x.
      assert.ok(status >= 400 || status === 0 || /\.\./.test(url),
        `${url}: ${status}`);
    }
  }));

test("links inside, caching, a policy, and a largest size", () =>
  withFiles(async (server) => {
    const { status, headers } = await get(server.port, "/inside.js");
    assert.equal(status, 200);
    assert.equal(headers["cache-control"], "public, max-age=3600");
    assert.equal(headers["content-security-policy"], CSP);
    assert.equal((await get(server.port, "/outside.txt")).status, 404);
    assert.equal((await get(server.port, "/up/secret.txt")).status, 404);
    const large = await get(server.port, "/large.bin");
    assert.equal(large.status, 403);
    assert.equal(JSON.parse(large.body).error.name, "TOO_BIG");
  }, `, symlinks: inside, cache: 1h, csp: "${CSP}"`,
  ["--http.max_file_bytes", "1MiB"]));

test("folders that cannot be stop the start", async () => {
  for (const [list, told] of [[`{/: ${base}/none}`, /No such file/],
    [`{/v1: ${www}}`, /the server's own/], [`{app: ${www}}`, /slash/],
    [`[{path: /a, folder: "${www}"}, {path: /a/, folder: "${www}"}]`,
      /another folder/]]) {
    const { code, log } = await Server.run(["serve", "--listen.public",
      "localhost:0", "--listen.internal", "", "--static", list]);
    assert.equal(code, 2, list);
    assert.match(log, told);
  }
});
