// SPDX-License-Identifier: MIT
// plugin.test.mjs - shared objects in the server: the sample that the Makefile
// builds, one with a route of its own, and those that cannot be loaded.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { ask } from "./support/api.mjs";
import { field, frame, hello, nextFrame, TYPE } from "./support/binary.mjs";
import { Client, connectMany } from "./support/client.mjs";
import { BINARY, Server, withServer } from "./support/server.mjs";
import { openWebSocket, RawWebSocket } from "./support/websocket.mjs";

const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");
const WORDFILTER = path.join(path.dirname(BINARY), "plugins", "wordfilter.so");
let folder;

/** Builds the plugin of tests/integration/support/recorder.c as others would
 * theirs: with the public headers and nothing else. */
function build(name, ...flags) {
  const to = path.join(folder, `${name}.so`);
  execFileSync(process.env.CC || "cc", ["-std=c11", "-D_GNU_SOURCE", "-shared",
    "-fPIC", "-Wno-override-init", ...flags, "-Iproto/include",
    "-Iserver/include", "-Ibuild/gen/include",
    "tests/integration/support/recorder.c", "-o", to], { cwd: ROOT });
  return to;
}

before(() => (folder = fs.mkdtempSync(path.join(os.tmpdir(), "godwit-p-"))));
after(() => fs.rmSync(folder, { recursive: true, force: true }));

const plugin = (file, settings) =>
  ["--plugins", JSON.stringify([{ path: file, settings }])];

test("the word filter refuses and replaces, on all workers and by the API", () =>
  withServer({ args: plugin(WORDFILTER, "spam darn*") }, async (server) => {
    await server.logged(/plugin\.loaded name=wordfilter version=1\.0/);
    const clients = await connectMany(server.port, 8);
    for (const c of clients) await c.subscribe("room:a");
    let refused = 0;
    for (const c of clients) {
      const answer = await c.request(
        { publish: { channel: "room:a", json: '"buy SPAM"' } });
      assert.equal(answer.error.code, "CODE_PERMISSION_DENIED");
      assert.match(answer.error.message, /not wanted here/);
      refused++;
      await c.publish("room:a", "darn, a Darn");
    }
    for (const c of clients)
      for (const { value } of await c.publications(8))
        assert.equal(value, "****, a ****");
    const { status, json } = await ask(server, "publish",
      { channel: "room:a", json: "spam" });
    assert.equal(status, 403);
    assert.equal(json.error.name, "PERMISSION_DENIED");
    refused++;
    const { rpcResult } = await clients[0].request(
      { rpc: { method: "wordfilter.count", json: "null" } });
    assert.equal(JSON.parse(rpcResult.json), refused);
    assert.equal(await server.metric("godwit_inspected_out_total"), refused);
    for (const c of clients) await c.close();
  }));

test("the word filter in the binary encoding", () =>
  withServer({ args: plugin(WORDFILTER, "spam") }, async (server) => {
    const ws = await openWebSocket(server.port, { protocol: "godwit.v1" });
    ws.send(hello());
    await nextFrame(ws, TYPE.WELCOME);
    ws.send(frame(TYPE.PUBLISH, { request: 2 }, field(1, "room:a"),
      field(2, "a spam b")));
    const error = await nextFrame(ws, TYPE.ERROR);
    assert.equal(error.request, 2);
    ws.destroy();
  }));

const stateOf = async (client) => JSON.parse((await client.request(
  { rpc: { method: "recorder.state", json: "null" } })).rpcResult.json);

test("a route with handlers: request, connect, frame, publication, disconnect",
  () => withServer({ args: plugin(build("recorder"), "") }, async (server) => {
    const client = await Client.connect(server.port,
      { path: "/rec/42", headers: { "User-Agent": "tester/1" } });
    const { serverSubscribed } = await client.next("serverSubscribed");
    assert.equal(serverSubscribed.channel, "rec:42");
    await client.publish("rec:42", "whatever");
    assert.deepEqual((await client.publications(1))[0].value, { by: "42" });
    const no = await client.request({ rpc: { method: "forbidden", json: "1" } });
    assert.deepEqual([no.error.code, no.error.message], [942, "not for you"]);
    const state = await stateOf(client);
    // Hello, Publish, and two calls.
    assert.deepEqual(state, { route: "/rec/:id", id: "42", peer: "127.0.0.1",
      agent: "", kept: false, connects: 1, disconnects: 0, frames: 4, refused: 0 });

    const ws = new RawWebSocket(server.port);
    const refused = await ws.handshake(
      { path: "/rec/1?refuse=1", protocol: "godwit.v1" });
    assert.deepEqual([refused.status, refused.body],
      [418, "<p>no tea here</p>"]);
    assert.match(refused.headers["content-type"], /text\/html/);
    ws.destroy();

    // Other routes have nothing of it.
    const plain = await Client.connect(server.port, { path: "/plain" });
    await plain.publish("room:a", 1);
    assert.deepEqual(await stateOf(plain), { ...state, route: "/plain", id: "" });
    await client.close();
    let now;
    do now = await stateOf(plain); while (now.disconnects === 0);
    await plain.close();
  }));

test("a route that keeps its requests", () =>
  withServer({ args: plugin(build("keeping"), "keep") }, async (server) => {
    const client = await Client.connect(server.port,
      { path: "/rec/42", headers: { "User-Agent": "tester/1" } });
    const state = await stateOf(client);
    assert.deepEqual([state.kept, state.agent], [true, "tester/1"]);
    await client.close();
  }));

test("plugins that cannot be loaded stop the start and say why", async () => {
  const text = path.join(folder, "text.so");
  fs.writeFileSync(text, "this is no object");
  const good = build("good");
  const cases = [
    [plugin(path.join(folder, "none.so")), /none\.so: cannot open shared object/],
    [plugin(text), /text\.so: .*(file too short|invalid ELF header)/],
    [plugin("wordfilter.so"), /name a file, such as \.\/wordfilter\.so/],
    [plugin(build("nothing", "-DNOTHING")), /defines no godwit_plugin/],
    [plugin(build("newer", "-DABI=99")),
      /built for version 99 of the plugin interface, and this server has 1/],
    [plugin(WORDFILTER, ""), /wordfilter: settings has to name at least one word/],
    [plugin(good, "fail"), /plugin recorder: there is no more tea/],
    [plugin(good, "twice"), /route \/rec\/:name: the same paths as \/rec\/:id/],
    [["--plugins", JSON.stringify([{ path: good }, { path: good }])],
      /plugin recorder is loaded twice/],
  ];
  for (const [flags, told] of cases) {
    const { code, log } = await Server.run(["serve", "--listen.public",
      "localhost:0", "--listen.internal", "", ...flags]);
    assert.equal(code, 2, log);
    assert.match(log, told);
  }
});
