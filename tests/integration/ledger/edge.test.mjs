// SPDX-License-Identifier: MIT
// edge.test.mjs - row T9 of docs/ledger.md: files beside the messages, and the ways
// that lead to the server.

import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { api } from "../support/api.mjs";
import { Client as Bare } from "../support/client.mjs";
import { get } from "../support/server.mjs";
import { RawWebSocket } from "../support/websocket.mjs";
import { inDevelopment, onStage, refusedConfig, until, withFiles } from
  "../support/sdk.mjs";

test("T9 files are served beside the messages, with types, parts and no way out",
  () => withFiles({
    "www/index.html": "<!doctype html>hi", "www/app.js": "let a;",
    "www/sub/index.html": "sub", "secret.txt": "secret",
  }, (folder) => onStage({ config: {
    static: [{ path: "/", folder: path.join(folder, "www"), cache: "1h" }],
  } }, async (t) => {
    const page = await get(t.server.port, "/");
    assert.deepEqual([page.status, page.body], [200, "<!doctype html>hi"]);
    assert.match(page.headers["content-type"], /text\/html/);
    const script = await get(t.server.port, "/app.js");
    assert.match(script.headers["content-type"], /javascript/);
    assert.match(script.headers["cache-control"], /max-age=3600/);
    const known = await get(t.server.port, "/app.js",
      { headers: { "if-none-match": script.headers.etag } });
    assert.equal(known.status, 304);
    const part = await get(t.server.port, "/app.js",
      { headers: { range: "bytes=0-2" } });
    assert.deepEqual([part.status, part.body], [206, "let"]);
    const sub = await get(t.server.port, "/sub");
    assert.deepEqual([sub.status, sub.headers.location], [301, "/sub/"]);
    for (const out of ["/../secret.txt", "/%2e%2e/secret.txt", "/..%2fsecret.txt"])
      assert.ok((await get(t.server.port, out)).status >= 400, out);
    const none = await get(t.server.port, "/none");
    assert.deepEqual([none.status, JSON.parse(none.body).error.name],
      [404, "NOT_FOUND"]);
    // The real client speaks at the same port.
    const ann = await t.join("ann");
    await ann.publish("room:a", 1);
  })));

test("T9 a client may come over IPv6, by a Unix socket, and through a proxy", () =>
  withFiles({}, (folder) => {
    const unix = path.join(folder, "socket");
    return inDevelopment({}, async (t) => {
      const peerOf = async (user) => (await api(t.server, "connections",
        { user })).connections[0].peer;
      // By name it might come from 127.0.0.1, which is the proxy's here.
      t.host = "[::1]";
      const six = await t.join("six");
      const bySix = await Bare.connect(t.server.port,
        { user: "v6", host: "::1" });
      assert.equal(await peerOf("v6"), "::1");
      const byUnix = await Bare.connect(0, { user: "unix", unix });
      assert.equal(await peerOf("unix"), "unix");
      const byProxy = await Bare.connect(t.server.port, { user: "far",
        host: "127.0.0.1",
        preface: "PROXY TCP4 192.0.2.9 127.0.0.1 5 8000\r\n" });
      assert.equal(await peerOf("far"), "192.0.2.9");
      const named = await Bare.connect(t.server.port, { user: "named",
        host: "127.0.0.1", preface: "PROXY UNKNOWN\r\n",
        headers: { "X-Forwarded-For": "2001:db8::7" } });
      assert.equal(await peerOf("named"), "2001:db8::7");
      // They are in one room, whichever way they came.
      const room = await t.live(six, "room:a");
      for (const client of [bySix, byUnix, byProxy, named])
        await client.publish("room:a", "hi");
      await until(() => room.told.length === 4);
      for (const client of [bySix, byUnix, byProxy, named]) await client.close();
      // A request that may be somebody's repeat is sent back.
      const early = new RawWebSocket(t.server.port,
        { host: "127.0.0.1", preface: "PROXY UNKNOWN\r\n" });
      const { status } = await early.handshake(
        { protocol: "godwit.v1.json", headers: { "Early-Data": "1" } });
      early.destroy();
      assert.equal(status, 425);
    }, { args: ["--listen.public", `localhost:0, unix:${unix}`,
      "--listen.proxy_protocol", "true",
      "--listen.trusted_proxies", "127.0.0.1"] })
      .then(() => assert.ok(!fs.existsSync(unix), "it is cleaned up"));
  }));

test("T9 bad input: a folder and an address that are none stop the start",
  async () => {
    assert.match(await refusedConfig(
      { static: [{ path: "/", folder: "/no/such/folder" }] }),
    /no\/such\/folder/);
    assert.match(await refusedConfig({ listen: { unix_mode: "99" } }),
      /listen\.unix_mode/);
  });
