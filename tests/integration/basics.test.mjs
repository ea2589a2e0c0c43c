// SPDX-License-Identifier: MIT
// basics.test.mjs - say hello, subscribe, publish, recover, call; both encodings.

import assert from "node:assert/strict";
import { test } from "node:test";
import { field, frame, hello, nextFrame, TYPE } from "./support/binary.mjs";
import { Client, kindOf } from "./support/client.mjs";
import { withServer } from "./support/server.mjs";
import { openWebSocket, PING, encodeFrame } from "./support/websocket.mjs";

test("Hello is answered by Welcome with the limits", () =>
  withServer({ args: ["--limits.max_subscriptions", "7"] }, async (server) => {
    const client = await Client.connect(server.port, { user: "ann" });
    assert.equal(client.welcome.version, 1);
    assert.equal(client.welcome.user, "ann");
    assert.equal(client.welcome.limits.maxSubscriptions, 7);
    assert.ok(client.welcome.pingIntervalMs > 0);
    assert.ok(Math.abs(Number(client.welcome.timeMs) - Date.now()) < 60000);
    await client.close();
  }));

test("a publication reaches its subscribers in both encodings", () =>
  withServer({}, async (server) => {
    const json = await Client.connect(server.port);
    await json.subscribe("room:lobby");
    const binary = await openWebSocket(server.port, { protocol: "godwit.v1" });
    binary.send(Buffer.concat([hello(),
      frame(TYPE.SUBSCRIBE, { request: 2, channel: 1, flags: 1 },
        field(1, "room:lobby"))]));
    const subscribed = await nextFrame(binary, TYPE.SUBSCRIBED);
    assert.equal(subscribed.request, 2);

    const published = await json.publish("room:lobby", { text: "hi" });
    assert.equal(published.offset, "1");
    assert.deepEqual(await json.publications(1),
      [{ offset: 1, value: { text: "hi" } }]);
    const push = await nextFrame(binary, TYPE.PUBLICATION);
    assert.equal(push.channel, subscribed.channel);
    assert.equal(push.fields.get(1), 1n);
    assert.equal(push.fields.get(3).toString(), '{"text":"hi"}');

    binary.send(frame(TYPE.PUBLISH, { request: 3 }, field(1, "room:lobby"),
      field(2, Buffer.from([0, 255])), field(4, 1)));
    assert.equal((await nextFrame(binary, TYPE.PUBLISHED)).fields.get(2), 2n);
    const { publication } = await json.next("publication");
    assert.equal(publication.data, "AP8=");
    await Promise.all([json.close(), binary.close()]);
  }));

test("Hello, a subscription and a publication may share one message", () =>
  withServer({}, async (server) => {
    const ws = await openWebSocket(server.port);
    ws.send([
      { id: 1, hello: { version: 1, instance: "AAECAwQFBgcICQoLDA0ODw==" } },
      { id: 2, channel: 1, alias: true, subscribe: { channel: "room:a" } },
      { id: 3, channel: 1, alias: true, publish: { json: "1" } },
    ].map((f) => JSON.stringify(f)).join("\n"));
    const kinds = [];
    while (kinds.length < 4)
      for (const line of (await ws.messages.next()).split("\n"))
        kinds.push(kindOf(JSON.parse(line)));
    assert.equal(kinds[0], "welcome");
    assert.deepEqual(kinds.slice(1).sort(),
      ["publication", "published", "subscribed"]);
    assert.ok(kinds.indexOf("subscribed") < kinds.indexOf("publication"));
    await ws.close();
  }));

test("a subscriber that was away gets what it missed, then what is new", () =>
  withServer({}, async (server) => {
    const publisher = await Client.connect(server.port);
    let epoch;
    for (let i = 1; i <= 30; i++)
      ({ epoch } = await publisher.publish("room:r", i));
    const reader = await Client.connect(server.port);
    const answer = await reader.subscribe("room:r",
      { recover: true, epoch, offset: "10" });
    assert.equal(answer.result, "RECOVERY_RECOVERED");
    await publisher.publish("room:r", 31);
    const got = await reader.publications(21);
    assert.deepEqual(got.map((p) => p.offset),
      Array.from({ length: 21 }, (_, i) => i + 11));
    assert.deepEqual(got.map((p) => p.value), got.map((p) => p.offset));
    await Promise.all([publisher.close(), reader.close()]);
  }));

test("a repeated key is recognised, and delivered once", () =>
  withServer({}, async (server) => {
    const client = await Client.connect(server.port);
    await client.subscribe("room:k");
    const first = await client.publish("room:k", "once", { key: "5" });
    const again = await client.publish("room:k", "once", { key: "5" });
    assert.equal(again.offset, first.offset);
    assert.equal(again.duplicate, true);
    await client.publish("room:k", "next", { key: "6" });
    assert.deepEqual((await client.publications(2)).map((p) => p.value),
      ["once", "next"]);
    await client.close();
  }));

test("the server's own methods answer", () =>
  withServer({}, async (server) => {
    const client = await Client.connect(server.port);
    const call = async (rpc) => client.request({ rpc });
    const info = JSON.parse((await call({ method: "server.info" }))
      .rpcResult.json);
    assert.match(info.version, /^\d+\.\d+\.\d+$/);
    assert.equal(info.workers, 2);
    const time = JSON.parse((await call({ method: "server.time" }))
      .rpcResult.json);
    assert.ok(Math.abs(time.timeMs - Date.now()) < 60000);
    const echo = await call({ method: "server.echo", data: "AP8=" });
    assert.equal(echo.rpcResult.data, "AP8=");
    const unknown = await call({ method: "server.nope" });
    assert.equal(unknown.error.code, "CODE_UNKNOWN_METHOD");
    await client.close();
  }));

test("a message may come in fragments, with a ping between them", () =>
  withServer({}, async (server) => {
    const ws = await openWebSocket(server.port);
    const text = JSON.stringify(
      { id: 1, hello: { version: 1, instance: "AAECAwQFBgcICQoLDA0ODw==" } });
    ws.write(encodeFrame(1, text.slice(0, 5), { fin: false }));
    ws.write(encodeFrame(PING, "still there?"));
    ws.write(encodeFrame(0, text.slice(5, 9), { fin: false }));
    ws.write(encodeFrame(0, text.slice(9)));
    assert.equal((await ws.pongs.next()).toString(), "still there?");
    assert.ok(JSON.parse(await ws.messages.next()).welcome);
    await ws.close();
  }));

test("without a subprotocol, ?encoding=json speaks JSON", () =>
  withServer({}, async (server) => {
    const client = await Client.connect(server.port,
      { path: "/v1/ws?encoding=json", protocol: "" });
    assert.ok(client.welcome.client);
    await client.close();
  }));
