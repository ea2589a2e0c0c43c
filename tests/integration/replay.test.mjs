// SPDX-License-Identifier: MIT
// replay.test.mjs - clients that are recorded, and what `godwit replay` finds in
// the recordings, as they are and tampered with.

import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { createRequire } from "node:module";
import { after, before, test } from "node:test";
import { Recording } from "../../wasm/dist/record.js";
import { Client, listTo, until } from "./support/sdk.mjs";
import { Command } from "./support/cli.mjs";
import { begin, closed, CREDIT, field, fixed64, frame, framesOf, indexOf, LAGGED,
  linesOf, OK, publication, recordingOf, RECOVERY, replay, replayJson, RPC,
  RPC_RESULT, subscribed, textOf, TYPE, UNSUBSCRIBE, UNSUBSCRIBED }
  from "./support/recording.mjs";
import { Server } from "./support/server.mjs";
import { within } from "./support/websocket.mjs";
import { SECRET, sign } from "./support/jwt.mjs";

const require = createRequire(
  new URL("../../wasm/package.json", import.meta.url));
const { WebSocket } = require("ws");
const options = { WebSocket, retry: { baseMs: 20, capMs: 100 } };

const folder = fs.mkdtempSync(path.join(os.tmpdir(), "godwit-replay-"));
after(() => fs.rmSync(folder, { recursive: true, force: true }));

/** What the recorded client knows by itself. */
const known = { told: [], gaps: [], acks: 0 };
let recorded;

/** Subscribe, publish, call; then a crash of the server, and all of it again. */
async function record() {
  const args = ["--dev"];
  const env = { GODWIT_AUTH_JWT_SECRET: SECRET };
  let server = await Server.start({ args, env });
  const { port } = server;
  const recording = new Recording({ WebSocket });
  const token = sign({ sub: "ann" });
  const url = `ws://localhost:${port}/v1/ws?access=hush`;
  const ann = new Client(url,
    { ...options, WebSocket: recording.WebSocket, token });
  const bob = new Client(url, { ...options, token: sign({ sub: "bob" }) });
  ann.connect();
  bob.connect();
  await within(10000, "both", Promise.all([ann.ready(), bob.ready()]));
  const room = ann.subscribe("room:a", { presence: true });
  const own = ann.subscribe("room:own");
  known.told = listTo(room, "publication", (p) => p.position.offset);
  known.gaps = listTo(room, "gap", (gap) => gap.reason);
  await until(() => room.state === "live" && own.state === "live");
  room.enter("online");
  const publish = async (client, ...args_) => {
    await client.publish(...args_);
    if (client === ann) known.acks++;
  };
  for (let i = 0; i < 4; i++) await publish(ann, "room:a", { i });
  await publish(ann, "room:own", { i: 0 }, { echo: false });
  for (let i = 0; i < 4; i++) await publish(bob, "room:a", { i });
  await assert.rejects(ann.call("nope", {}));
  await until(() => known.told.length === 8);
  recording.note("now it crashes");
  await server.kill();
  await until(() => ann.state !== "ready");
  server = await Server.start({ args, env, port });
  await publish(bob, "room:a", "after");
  await publish(ann, "room:a", "mine");
  await until(() => known.told.length === 10);
  own.unsubscribe();
  await until(() => indexOf(linesOf(recording.text()), UNSUBSCRIBED) > 0);
  const text = recording.text();
  ann.close();
  bob.close();
  ann.free();
  bob.free();
  assert.equal(await server.stop(), 0);
  assert.ok(!text.includes("hush"), "the query of the URL");
  for (const part of token.split("."))
    for (const line of linesOf(text)) {
      const { in: received, out } = JSON.parse(line);
      const bytes = Buffer.from(received ?? out ?? "", "base64");
      assert.ok(!bytes.includes(part) && !line.includes(part), line);
    }
  return text;
}

before(async () => {
  recorded = await record();
});

test("nothing is wrong, and it counts what the client counts", async () => {
  const { code, summary, violations, err } = await replayJson(recorded);
  assert.deepEqual(violations, []);
  assert.equal(code, 0, err);
  assert.deepEqual(known.gaps, ["epoch-changed"]);
  // One more for room:own, which came without a payload.
  assert.equal(summary.in.frames.PUBLICATION, known.told.length + 1);
  assert.equal(summary.in.frames.PUBLISHED, known.acks);
  assert.equal(summary.out.frames.SUBSCRIBE, 4);
  assert.equal(summary.out.frames.RPC, 1);
  const opens = linesOf(recorded).filter((line) => line.includes('"open"'));
  assert.equal(summary.connections, opens.length);
  const bytes = linesOf(recorded).map((line) => JSON.parse(line).in ?? "")
    .reduce((sum, text) => sum + Buffer.from(text, "base64").length, 0);
  assert.equal(summary.in.bytes, bytes);
  assert.ok(summary.roundTrips.num >= known.acks);
});

/** Large publications to a client that is recorded so. */
async function recordLarge(how) {
  const server = await Server.start({ args: ["--dev"] });
  const recording = new Recording({ WebSocket, ...how });
  const client = new Client(`ws://localhost:${server.port}/v1/ws`,
    { ...options, WebSocket: recording.WebSocket });
  try {
    client.connect();
    const room = client.subscribe("room:large");
    const told = listTo(room, "publication", (p) => p.data.text.length);
    await until(() => room.state === "live");
    for (let i = 1; i <= 5; i++)
      await client.publish("room:large", { text: "round and ".repeat(300 * i) });
    await until(() => told.length === 5);
    assert.ok(await server.metric("godwit_packed_total") > 0);
    return recording.text();
  } finally {
    client.free();
    await server.stop();
  }
}

test("what was compressed is made whole, and counted as it travelled", async () => {
  const text = await recordLarge({});
  const { code, summary, violations, all } = await replayJson(text);
  assert.deepEqual(violations, []);
  assert.equal(code, 0);
  const texts = all.filter((line) => line.type === "PUBLICATION")
    .map((line) => JSON.parse(line.frame.publication.json).text.length);
  assert.deepEqual(texts, [3000, 6000, 9000, 12000, 15000]);
  assert.ok(summary.in.bytes < 10000, `${summary.in.bytes} bytes came`);
  const trace = await replay(text, "--trace", "--brief");
  assert.equal(trace.code, 0);
  assert.doesNotMatch(trace.out, /differs/);
});

test("compressed frames without their payloads are named, with a remedy", async () => {
  const { code, err } = await replay(await recordLarge({ payloads: false }));
  assert.equal(code, 2);
  assert.match(err, /:\d+: payloads were left out/);
  assert.match(err, /compression\.enabled/);
});

test("frames have the names of their channels, and can be chosen", async () => {
  const { all } = await replayJson(recorded);
  const publications = all.filter((line) => line.type === "PUBLICATION");
  assert.deepEqual(publications.filter((p) => p.channel === "room:a")
    .map((p) => Number(p.frame.publication.offset)), known.told);
  const only = await replayJson(recorded, "--channel", "room:own");
  const channels = new Set(only.all.map((line) => line.channel));
  assert.deepEqual([...channels].filter(Boolean), ["room:own"]);
  const { t } = all.find((line) => line.text === "now it crashes");
  const late = await replayJson(recorded, "--from", `${t + 1}ms`);
  assert.ok(late.all.every((line) => line.summary || line.t > t));
  assert.ok(late.all.length < all.length);
  const { out } = await replay(recorded);
  assert.match(out, /#1 +-> +\d+ SUBSCRIBE room:a \{.*"channel":"room:a"/);
  assert.match(out, /-- note now it crashes/);
  assert.match(out, /every promise that shows on the wire was kept/);
});

test("the client core does what the recorded client did", async () => {
  const { code, all } = await replayJson(recorded, "--trace");
  assert.equal(code, 0);
  const of = (name) => all.filter((line) => line.trace === name);
  assert.deepEqual(of("differs"), []);
  assert.equal(of("published").length, known.acks);
  const offsets = of("publication").filter((e) => e.channel === "room:a")
    .map((e) => Number(/:(\d+)/.exec(e.text)[1]));
  assert.deepEqual(offsets, known.told);
  assert.equal(of("gap").filter((e) => e.channel === "room:a").length, 1);
  assert.ok(of("state").some((e) => e.text.includes("waiting -> connecting")));
});

test("a recording that ends at any line is sound", async () => {
  const lines = linesOf(recorded);
  for (let end = 1; end <= lines.length; end++) {
    const { code, out, err } = await replay(textOf(lines.slice(0, end)),
      "--brief");
    assert.equal(code, 0, `${end} lines: ${out}${err}`);
  }
});

const page = fs.readFileSync(
  new URL("../../docs/protocol.md", import.meta.url), "utf8");

function isSection(name) {
  assert.match(page, new RegExp(`^#+ ${name}$`, "m"));
}

// ---- tampered with ------------------------------------------------------------

/** Each changes lines; the replay has to name the line and say what is wrong. */
const tampered = {
  "a publication is missing": [(lines) => {
    lines.splice(indexOf(lines, TYPE.PUBLICATION, 2), 1);
  }, /room:\w+: offsets \d+ to \d+ are missing, and no gap tells why/],
  "a publication comes twice": [(lines) => {
    const at = indexOf(lines, TYPE.PUBLICATION, 2);
    lines.splice(at, 0, lines[at]);
  }, /offset \d+ comes again/],
  "an acknowledgement comes twice": [(lines) => {
    const at = indexOf(lines, TYPE.PUBLISHED, 1);
    lines.splice(at, 0, lines[at]);
  }, /PUBLISHED answers \d+, the PUBLISH of line \d+, a second time/],
  "an acknowledgement is for nothing": [(lines) => {
    lines.splice(indexOf(lines, TYPE.PUBLISH, 1), 1);
  }, /PUBLISHED answers \d+, which nobody asked/],
  "the epoch of an acknowledgement is another": [(lines) => {
    changeByte(lines, indexOf(lines, TYPE.PUBLISHED, 2), (f) => f.body + 1);
  }, /the publication with the key \d+ is at \d+ of [0-9a-f]{16}, and was/],
  "an answer has the wrong type": [(lines) => {
    changeByte(lines, indexOf(lines, TYPE.PUBLISHED, 1), (f) => f.type, OK);
  }, /OK answers \d+, the PUBLISH of line \d+/],
  "a frame is cut": [(lines) => {
    const at = indexOf(lines, TYPE.PUBLICATION, 1);
    const line = JSON.parse(lines[at]);
    const bytes = Buffer.from(line.in, "base64");
    lines[at] = JSON.stringify(
      { ...line, in: bytes.subarray(0, bytes.length - 1).toString("base64") });
  }, /the message ends inside a frame/],
  "a body is malformed": [(lines) => {
    changeByte(lines, indexOf(lines, TYPE.PUBLISHED, 1), (f) => f.body, 0xff);
  }, /the body of PUBLISHED is malformed/],
};

/** Changes a byte of the first frame of a message. */
function changeByte(lines, at, where, value) {
  const line = JSON.parse(lines[at]);
  const name = line.in ? "in" : "out";
  const bytes = Buffer.from(line[name], "base64");
  // Length, type, flags, request and channel are a byte each in these.
  const place = where({ type: 1, body: 5 });
  bytes[place] = value ?? bytes[place] ^ 0x55;
  lines[at] = JSON.stringify({ ...line, [name]: bytes.toString("base64") });
}

for (const [name, [change, wanted]] of Object.entries(tampered)) {
  test(`tampered: ${name}`, async () => {
    const lines = linesOf(recorded);
    change(lines);
    const { code, violations, err } = await replayJson(textOf(lines));
    assert.equal(code, 1, err);
    assert.match(violations.map((v) => v.violation).join("\n"), wanted);
    for (const { line, section } of violations) {
      assert.ok(line > 1 && line <= lines.length);
      isSection(section);
    }
  });
}

// ---- made by hand -------------------------------------------------------------

const ping = (type, time) => frame(type, {}, field(1, time));
const close = (code, ...fields) => frame(TYPE.CLOSE, {}, field(1, code), ...fields);

/** A subscription of the server's own giving, number 4. */
const byServer = (t, n, offset, number = 4) => [t, n, { in: [
  frame(TYPE.SERVER_SUBSCRIBED, { channel: number }, field(1, "given"),
    fixed64(2, 88), field(3, offset))] }];
const pushed = (t, n, number, offset, ...fields) => [t, n, { in: [
  frame(TYPE.PUBLICATION, { channel: number }, field(1, offset), ...fields)] }];
const delta = (t, n, offset, base) =>
  pushed(t, n, 3, offset, field(14, "change"), field(15, base));

/** Recordings that keep every promise. */
const good = {
  "the server subscribes": [...begin(0, 1), byServer(1, 1, 6), pushed(2, 1, 4, 7),
    byServer(3, 1, 7), pushed(4, 1, 4, 8)],
  "a number is given to another channel": [...begin(0, 1), ...subscribed(1, 1),
    publication(2, 1, 1), [3, 1, { out: [frame(UNSUBSCRIBE,
      { request: 3, channel: 1, flags: 1 })] }], [4, 1, { in: [frame(UNSUBSCRIBED,
      { request: 3, channel: 3 }, field(1, 521))] }], byServer(5, 1, 0, 3),
    pushed(6, 1, 3, 1)],
  "changes to the publication before": [...begin(0, 1), ...subscribed(1, 1),
    publication(2, 1, 1), delta(3, 1, 2, 1), delta(4, 1, 3, 2)],
  "a gap in a recovery": [...begin(0, 1), ...subscribed(1, 1, { since: 1, offset: 1 }),
    publication(2, 1, 2), [3, 1, { in: [frame(RECOVERY, { channel: 3 }, field(1, 2),
      field(2, 2), field(4, 2), field(5, 3), field(6, 5))] }],
    publication(4, 1, 6)],
  "offsets follow": [...begin(0, 1), ...subscribed(1, 1), publication(2, 1, 1),
    publication(3, 1, 2)],
  "a gap tells what is not sent": [...begin(0, 1), ...subscribed(1, 1),
    publication(2, 1, 1), [3, 1, { in: [frame(LAGGED, { channel: 3 },
      field(1, 2), field(2, 5), field(3, 4), field(4, 6))] }],
    publication(4, 1, 6)],
  "an answer ends a subscription": [...begin(0, 1), ...subscribed(1, 1),
    [2, 1, { out: [frame(UNSUBSCRIBE, { request: 3, channel: 1, flags: 1 })] }],
    publication(3, 1, 1), [4, 1, { in: [frame(UNSUBSCRIBED,
      { request: 3, channel: 3 }, field(1, 521))] }]],
  "back in time": [...begin(0, 1), [1, 1, { in: [close(200, field(3, 500))] }],
    closed(2, 1), ...begin(501, 2)],
  "data by the grant": [...begin(0, 1, { credit: 10 }), ...subscribed(1, 1),
    [2, 1, { out: [frame(CREDIT, {}, field(1, 100))] }], publication(3, 1, 1)],
  "what waits before Close needs no credit": [...begin(0, 1, { credit: 10 }),
    ...subscribed(1, 1), publication(2, 1, 1), publication(3000, 1, 2),
    [3001, 1, { in: [close(200)] }], closed(3002, 1)],
  "a call of the server is answered": [...begin(0, 1),
    [1, 1, { in: [frame(RPC, { request: 4 }, field(1, "m"))] }],
    [2, 1, { out: [frame(RPC_RESULT, { request: 4 })] }]],
  "the end of a connection that the client wants": [...begin(0, 1),
    [1, 1, { out: [close(515)] }], [1, 1, { close: { code: 1000, reason: "" } }],
    closed(2, 1, 1000), ...begin(3, 2)],
};

for (const [name, lines] of Object.entries(good)) {
  test(`kept: ${name}`, async () => {
    const { code, out } = await replay(recordingOf(...lines));
    assert.equal(code, 0, out);
  });
}

const broken = {
  "a hole in what the server subscribed to": [[...begin(0, 1), byServer(1, 1, 6),
    pushed(2, 1, 4, 8)], /given: offsets 7 to 7 are missing/],
  "a change to another publication": [[...begin(0, 1), ...subscribed(1, 1),
    publication(2, 1, 1), publication(3, 1, 2), delta(4, 1, 3, 1)],
  /room: offset 3 is a change to 1, which is not the publication before it/],
  "a change after a gap": [[...begin(0, 1), ...subscribed(1, 1),
    publication(2, 1, 1), [3, 1, { in: [frame(LAGGED, { channel: 3 },
      field(1, 2), field(2, 5), field(3, 4), field(4, 6))] }], delta(4, 1, 6, 5)],
  /offset 6 is a change to 5/],
  "a gap of a recovery that does not reach": [[...begin(0, 1),
    ...subscribed(1, 1), [2, 1, { in: [frame(RECOVERY, { channel: 3 }, field(1, 1),
      field(2, 0), field(4, 2), field(5, 3), field(6, 5))] }]],
  /a gap begins at 3, and offset 1 did not come/],
  "an epoch of zero": [[...begin(0, 1), ...subscribed(1, 1, { epoch: 0 })],
    /room: the epoch is 0/],
  "a gap that hides a new epoch": [[...begin(0, 1),
    ...subscribed(1, 1, { since: 1, epoch: 78, result: 2, gap: 2 })],
  /the epoch is another one, and the gap does not say so/],
  "a gap that is too small": [[...begin(0, 1), ...subscribed(1, 1, { since: 4,
    offset: 9, result: 2, gap: 2, gapFrom: 6, gapTo: 9 })],
  /more is missing after 4 than the gap of 6 to 9/],
  "an id that is used again": [[...begin(0, 1),
    [1, 1, { out: [frame(TYPE.SUBSCRIBE, { request: 2, channel: 1, flags: 1 },
      field(1, "a"))] }],
    [2, 1, { out: [frame(TYPE.SUBSCRIBE, { request: 2, channel: 2, flags: 1 },
      field(1, "b"))] }]],
  /the id 2 is used again, and the SUBSCRIBE of line 6 is not answered/],
  "a frame after the client's Close": [[...begin(0, 1),
    [1, 1, { out: [close(515)] }], [2, 1, { out: [ping(TYPE.PING, 1)] }],
    [3, 1, { in: [ping(TYPE.PONG, 1)] }]], /PING after the client's Close/],
  "a frame of the server's from a client": [[...begin(0, 1),
    [1, 1, { out: [frame(TYPE.PUBLICATION, {}, field(1, 1))] }]],
  /PUBLICATION is no frame of a client/],
  "a hole": [[...begin(0, 1), ...subscribed(1, 1), publication(2, 1, 2)],
    /room: offsets 1 to 1 are missing/],
  "a gap that does not reach": [[...begin(0, 1), ...subscribed(1, 1),
    [3, 1, { in: [frame(LAGGED, { channel: 3 }, field(1, 3), field(2, 5))] }]],
  /Lagged begins at 3, and offset 1 did not come/],
  "a recovery without its publications": [[...begin(0, 1), ...subscribed(1, 1),
    [3, 1, { in: [frame(RECOVERY, { channel: 3 }, field(1, 1), field(2, 4),
      field(3, 1))] }]], /reaches to 4, and offset 1 did not come/],
  "a new epoch in silence": [[...begin(0, 1), ...subscribed(1, 1),
    publication(2, 1, 1), closed(3, 1), ...begin(4, 2),
    ...subscribed(5, 2, { since: 1, epoch: 78, offset: 1 })],
  /the epoch changes from 0+4d to 0+4e, and no gap tells it/],
  "a gap without a reason": [[...begin(0, 1),
    ...subscribed(1, 1, { since: 1, result: 2 })], /a gap does not say why/],
  "going on elsewhere": [[...begin(0, 1),
    ...subscribed(1, 1, { since: 4, offset: 6 })],
  /goes on after offset 6, and not after 4/],
  "a client that forgot where it was": [[...begin(0, 1), ...subscribed(1, 1),
    publication(2, 1, 1), publication(2, 1, 2), closed(3, 1), ...begin(4, 2),
    ...subscribed(5, 2, { since: 1, offset: 1 })],
  /the client was at offset 2 .* and asks for what follows 1/],
  "a push for nothing": [[...begin(0, 1), publication(2, 1, 1)],
    /PUBLICATION for the channel 3, which is not subscribed to/],
  "a push after the end": [[...begin(0, 1), ...subscribed(1, 1),
    [2, 1, { out: [frame(UNSUBSCRIBE, { request: 3, channel: 1, flags: 1 })] }],
    [3, 1, { in: [frame(UNSUBSCRIBED, { channel: 3 }, field(1, 521))] }],
    publication(4, 1, 1)], /the channel 3, which is not subscribed to/],
  "frames after Close": [[...begin(0, 1), [1, 1, { in: [close(200)] }],
    [2, 1, { in: [ping(TYPE.PING, 1)] }]], /PING after the server's Close/],
  "back too soon": [[...begin(0, 1),
    [1, 1, { in: [close(200, field(3, 500))] }], closed(2, 1),
    ...begin(400, 2)], /came back after 399 ms, .* SHUTDOWN .* for 500 ms/],
  "back after a terminal code": [[...begin(0, 1), [1, 1, { in: [close(514)] }],
    closed(2, 1), ...begin(9000, 2)], /FORCED, which is terminal/],
  "back after a terminal code of the WebSocket": [[...begin(0, 1),
    closed(2, 1, 4514), ...begin(9000, 2)], /FORCED, which is terminal/],
  "no Pong": [[...begin(0, 1), [1, 1, { in: [ping(TYPE.PING, 7)] }],
    closed(12000, 1)], /the client has not answered the Ping of line 6/],
  "a late Pong": [[...begin(0, 1), [1, 1, { out: [ping(TYPE.PING, 7)] }],
    [12000, 1, { in: [ping(TYPE.PONG, 7)] }]],
  /the server has not answered the Ping of line 6/],
  "a Pong of another number": [[...begin(0, 1),
    [1, 1, { in: [ping(TYPE.PING, 7)] }], [2, 1, { out: [ping(TYPE.PONG, 8)] }]],
  /a Pong of the client that no Ping asked for/],
  "data without credit": [[...begin(0, 1, { credit: 10 }), ...subscribed(1, 1),
    publication(2, 1, 1), closed(5000, 1)], /the client has granted no more/],
  "control among data": [[...begin(0, 1), ...subscribed(1, 1),
    [2, 1, { in: [ping(TYPE.PING, 1), frame(TYPE.PUBLICATION, { channel: 3 },
      field(1, 1))] }], [3, 1, { out: [ping(TYPE.PONG, 1)] }]],
  /control and data are in one message/],
  "something before Hello": [[[0, 1, { open: "ws://h/" }],
    [0, 1, { out: [ping(TYPE.PING, 1)] }]], /PING is the first frame/],
  "something before Welcome": [[...begin(0, 1).slice(0, 3),
    [1, 1, { in: [ping(TYPE.PING, 1)] }], [1, 1, { out: [ping(TYPE.PONG, 1)] }]],
  /PING comes before Welcome/],
  "an unknown type": [[...begin(0, 1), [1, 1, { in: [frame(99)] }]],
    /unknown type 99/],
  "a frame of the other side": [[...begin(0, 1),
    [1, 1, { in: [frame(TYPE.SUBSCRIBE, {}, field(1, "x"))] }]],
  /SUBSCRIBE is no frame of a server/],
  "a call that is answered twice": [[...begin(0, 1),
    [1, 1, { in: [frame(RPC, { request: 4 }, field(1, "m"))] }],
    [2, 1, { out: [frame(RPC_RESULT, { request: 4 })] }],
    [3, 1, { out: [frame(RPC_RESULT, { request: 4 })] }]],
  /RPC_RESULT answers 4, the RPC of line 6, a second time/],
  "a text message": [[...begin(0, 1), [1, 1, { text: 12 }]],
    /a text message where binary/],
};

for (const [name, [lines, wanted]] of Object.entries(broken)) {
  test(`broken: ${name}`, async () => {
    const { code, out } = await replay(recordingOf(...lines));
    assert.equal(code, 1, out);
    const told = out.split("\n").filter((line) => line.includes("!! line "));
    assert.equal(told.length, 1, out);
    assert.match(told[0], wanted);
    isSection(/\(docs\/protocol\.md, "([\w ]+)"\)$/.exec(told[0])[1]);
  });
}

test("what is cut in front is checked as far as it can be", async () => {
  const cut = [0, 1, { cut: 12 }];
  const answer = [1, 1, { in: [frame(TYPE.PUBLISHED, { request: 9 },
    fixed64(1, 77), field(2, 4))] }];
  const whole = await replay(recordingOf(cut, publication(1, 1, 5), answer,
    publication(2, 1, 6)));
  assert.equal(whole.code, 0, whole.out);
  const hole = await replay(recordingOf(cut, publication(1, 1, 5),
    publication(2, 1, 7)));
  assert.equal(hole.code, 1);
  assert.match(hole.out, /offsets 6 to 6 are missing/);
});

// ---- no recording -------------------------------------------------------------

const HEADER = '{"format":"godwit-recording","version":1}\n';
const OPEN = '{"t":1,"n":1,"open":"ws://h/"}\n';
const unreadable = {
  "nothing": ["", 0, /there is nothing in it/],
  "no JSON": ["hello\n", 1, /no JSON object/],
  "another file": ['{"a":1}\n', 1, /no header/],
  "another version": ['{"format":"godwit-recording","version":9}\n', 1,
    /version 9/],
  "a line of something else": [`${HEADER}[]\n`, 2, /no JSON object/],
  "base64 that is cut": [`${HEADER}${OPEN}{"t":1,"n":1,"in":"NAEAA"}\n`, 3,
    /"in" is not what it has to be/],
  "base64 that is none": [`${HEADER}${OPEN}{"t":1,"n":1,"in":"N E*"}\n`, 3,
    /"in"/],
  "a line that is cut": [`${HEADER}${OPEN}{"t":1,"n":1,"in":"NAE`, 3,
    /no JSON object/],
  "a line of 10 MB": [`${HEADER}${"x".repeat(10_000_000)}\n`, 2,
    /no JSON object/],
  "a line of 30 MB": [`${HEADER}${"x".repeat(30_000_000)}\n`, 2,
    /the line is too long/],
  "deep JSON": [`${HEADER}${"[".repeat(100_000)}\n`, 2, /no JSON object/],
  "time that goes back": [`${HEADER}${OPEN}{"t":0,"note":"a"}\n`, 3,
    /its time goes back/],
  "no time": [`${HEADER}{"note":"a"}\n`, 2, /no time/],
  "a connection that was not opened": [`${HEADER}{"t":0,"n":4,"in":""}\n`, 2,
    /connection 4 was not opened/],
  "a connection that was opened before": [`${HEADER}${OPEN}${OPEN}`, 3,
    /connection 1 was opened before/],
  "a close without a code": [`${HEADER}${OPEN}{"t":1,"n":1,"closed":{}}\n`, 3,
    /"closed"/],
  "a connection without its number": [`${HEADER}{"t":0,"open":"ws://h/"}\n`, 2,
    /"n" is missing, or too much/],
  "a note of a connection": [`${HEADER}{"t":0,"n":1,"note":"a"}\n`, 2,
    /"n" is missing, or too much/],
  "a connection that is no number": [`${HEADER}{"t":0,"n":"1","note":"a"}\n`, 2,
    /"n" is no number/],
  "an unknown awakening": [`${HEADER}{"t":0,"wake":"up"}\n`, 2, /"wake" is not/],
  "an unknown line": [`${HEADER}{"t":0,"x":1}\n`, 2, /nothing that is known/],
};

for (const [name, [text, line, wanted]] of Object.entries(unreadable)) {
  test(`unreadable: ${name}`, async () => {
    const { code, out, err } = await replay(text);
    assert.equal(code, 2, out);
    assert.match(err, wanted);
    assert.match(err, new RegExp(`^godwit replay: -:${line}: .*\n\\S.*\\.\n$`));
  });
}

test("a wrong command line, or no file, exits with 2", async () => {
  assert.equal((await replay("", "--nope")).code, 2);
  const { code, err } = await replay("", path.join(folder, "none"));
  assert.equal(code, 2);
  assert.match(err, /which file/);
});

// ---- commands -----------------------------------------------------------------

test("commands record, and hold back their token", async () => {
  const server = await Server.start(
    { env: { GODWIT_AUTH_JWT_SECRET: SECRET } });
  const file = path.join(folder, "command.jsonl");
  const token = sign({ sub: "ann" });
  const env = { GODWIT_TOKEN: token };
  const reader = new Command(["subscribe", "room:a", "--record", file],
    { server, env });
  await reader.live("room:a");
  for (let i = 1; i <= 3; i++) {
    const writer = new Command(["publish", "room:a", `{"i":${i}}`],
      { server, env });
    assert.equal(await writer.end(), 0);
  }
  await reader.until((c) => c.lines.length === 3);
  await server.kill();
  await reader.until((c) => /trying again/.test(c.err));
  reader.signal("SIGINT");
  assert.equal(await reader.end(), 0);
  const text = fs.readFileSync(file, "utf8");
  assert.equal(fs.statSync(file).mode & 0o777, 0o600);
  const { code, summary, violations, err } = await replayJson(text);
  assert.deepEqual(violations, []);
  assert.equal(code, 0, err);
  assert.equal(summary.in.frames.PUBLICATION, 3);
  const hello = framesOf(linesOf(text)[indexOf(linesOf(text), TYPE.HELLO)])[0];
  assert.match(hello.fields.get(4).toString(), /^\*+$/);
  assert.equal(hello.fields.get(4).length, token.length);
  assert.deepEqual(hello.fields.get(3), Buffer.alloc(16));
  const { all } = await replayJson(text, "--trace");
  assert.deepEqual(all.filter((line) => line.trace === "differs"), []);
});

test("a recording that cannot be written stops the command", async () => {
  const command = new Command(
    ["subscribe", "room:a", "--record", path.join(folder, "no", "where")]);
  assert.equal(await command.end(), 2);
  assert.match(command.err, /--record: .*no such file/i);
});
