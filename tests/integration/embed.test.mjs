// SPDX-License-Identifier: MIT
// embed.test.mjs - examples/embed: the API from C, in a program of its own.

import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { test } from "node:test";
import { Client } from "./support/client.mjs";
import { BINARY } from "./support/server.mjs";
import { within } from "./support/websocket.mjs";

const EMBED = path.join(path.dirname(BINARY), "godwit-embed");

test("a program publishes, calls a client and closes it", async () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "godwit-embed-"));
  const child = spawn(EMBED, ["--listen.public", "localhost:0",
    "--listen.internal", "", "--workers", "2", "--drain.window", "0"],
  { cwd: folder, stdio: ["ignore", "pipe", "pipe"] });
  let out = "", err = "";
  child.stdout.on("data", (d) => (out += d));
  child.stderr.on("data", (d) => (err += d));
  const ended = new Promise((resolve) => child.on("close", resolve));
  try {
    const deadline = Date.now() + 10000;
    while (!/^port \d+/m.test(out)) {
      assert.ok(Date.now() < deadline, `it did not start:\n${err}`);
      await new Promise((r) => setTimeout(r, 10));
    }
    const client = await Client.connect(Number(/port (\d+)/.exec(out)[1]),
      { user: "ada" });
    await client.subscribe("news");
    await client.publish("news", 7, {
      tags: [{ name: "event", value: "order.paid" }] });
    await client.publish("news", 8, {
      tags: [{ name: "event", value: "order" }] });
    const printed = async (line) => {
      const last = Date.now() + 10000;
      while (!out.includes(line)) {
        assert.ok(Date.now() < last, `${line} is not in\n${out}`);
        await new Promise((r) => setTimeout(r, 10));
      }
    };
    await client.request({ channel: 1, alias: true,
      presenceSet: { state: "busy" } });
    await printed("$presence.enter ada busy first");
    await client.request({ channel: 1, alias: true, presenceLeave: {} });
    await printed("$presence.leave ada busy last");
    const called = client.request({ rpc: { method: "finish", json: '"hi"' } });
    const call = await client.next("rpc");
    assert.equal(call.rpc.method, "how are you");
    client.send({ id: call.id, rpcResult: { json: '"fine"' } });
    assert.ok((await called).rpcResult);
    assert.equal((await client.closed).code, 4942);
    assert.equal(await within(10000, "its end", ended), 0, err);
    assert.ok(!out.includes("news: 8"), out);
    for (const line of ["published at 3: OK", 'answer "fine"', "closed 1: OK",
      "event order.paid in news: 7", "own $connection.connected",
      "own $connection.disconnected", "own $channel.created",
      "own $channel.subscribed"])
      assert.ok(out.includes(line), `${line} is not in\n${out}`);
  } finally {
    child.kill("SIGKILL");
    fs.rmSync(folder, { recursive: true, force: true });
  }
});

/** What `make install` would do with the folders of this build, up to copying. */
function installDry() {
  const root = new URL("../..", import.meta.url).pathname;
  return execFileSync("make", ["-n", "install", "PREFIX=/p"],
    { cwd: root, encoding: "utf8", maxBuffer: 64 << 20 });
}

test("what is installed says what a program links, and that is there", () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "godwit-pc-"));
  try {
    const dry = installDry().replace(/\\\n/g, " ");
    const sed = /^\s*(sed .*godwit\.pc\.in)\s*>/m.exec(dry)?.[1];
    assert.ok(sed, dry.slice(-500));
    const root = new URL("../..", import.meta.url).pathname;
    const pc = execFileSync("sh", ["-c", sed], { cwd: root });
    fs.writeFileSync(path.join(folder, "godwit.pc"), pc);
    const libs = execFileSync("pkg-config", ["--libs", "godwit"],
      { encoding: "utf8", env: { ...process.env, PKG_CONFIG_PATH: folder } });
    for (const name of ["websockets", "uv", "utf8proc", "curl", "lz4"])
      assert.match(libs, new RegExp(`-l${name}\\b`));
    const others = libs.trim().split(/\s+/)
      .filter((word) => !word.startsWith("-lgodwit"));
    const source = path.join(folder, "main.c");
    fs.writeFileSync(source, "int main(void) { return 0; }\n");
    execFileSync("cc", [source, "-o", path.join(folder, "main"), ...others],
      { stdio: "pipe" });
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
});
