// SPDX-License-Identifier: MIT
// silence.test.mjs - peers that stop speaking at each stage are cut off in time.

import assert from "node:assert/strict";
import net from "node:net";
import { test } from "node:test";
import { Client } from "./support/client.mjs";
import { withServer } from "./support/server.mjs";
import { openWebSocket, within } from "./support/websocket.mjs";

test("a socket that sends no request, or half of one, is closed", () =>
  withServer({ args: ["--handshake.timeout", "1s"] }, async (server) => {
    for (const text of ["", "GET /v1/ws HTTP/1.1\r\nHost: lo"]) {
      const socket = net.connect(server.port, "127.0.0.1");
      socket.write(text);
      const closed = new Promise((r) => socket.on("close", r));
      socket.resume();
      await within(8000, "the end of a silent socket", closed);
    }
    await server.until("godwit_handshakes_failed_total", (n) => n >= 2);
    await server.loggedTimes("http.incomplete", 2);
  }));

test("a WebSocket that never says Hello is told so and closed", () =>
  withServer({ args: ["--handshake.timeout", "300ms"] }, async (server) => {
    const ws = await openWebSocket(server.port);
    const { code } = await within(5000, "a close", ws.closed);
    assert.equal(code, 4107);
    assert.equal(await server.metric("godwit_handshake_timeouts_total"), 1);
  }));

test("a client that answers no ping is given up; one that does is not", () =>
  withServer({ args: ["--ping.interval", "1s", "--ping.timeout", "500ms"] },
    async (server) => {
      const mute = await Client.connect(server.port, { pongs: false });
      const alive = await Client.connect(server.port);
      const { code } = await within(6000, "a close", mute.closed);
      assert.equal(code, 4104);
      assert.equal(await server.metric("godwit_ping_timeouts_total"), 1);
      await new Promise((r) => setTimeout(r, 1200));
      await alive.publish("room:r", "still here");
      await alive.close();
    }));

test("a connection whose other end is gone without a word is dropped", () =>
  withServer({ args: ["--ping.interval", "1s", "--ping.timeout", "500ms"] },
    async (server) => {
      /* It reads nothing and answers nothing, not even the close. */
      const gone = await Client.connect(server.port, { pongs: false });
      gone.ws.pause();
      await server.until("godwit_ping_timeouts_total", (n) => n === 1, 6000);
      await server.until("godwit_sockets", (n) => n === 0, 10000);
      gone.ws.destroy();
    }));
