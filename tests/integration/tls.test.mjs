// SPDX-License-Identifier: MIT
// tls.test.mjs - the public listener with TLS: clients, slow readers, garbage,
// silence, other certificates, and starts that have to fail.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import fs from "node:fs";
import net from "node:net";
import { test } from "node:test";
import tls from "node:tls";
import { Certificates, flagsOf } from "./support/certificate.mjs";
import { Command, run } from "./support/cli.mjs";
import { Client, connectMany } from "./support/client.mjs";
import { get, Server, withServer } from "./support/server.mjs";
import { within } from "./support/websocket.mjs";

const certificates = new Certificates();
const ours = certificates.make("ours");
const secure = { ca: ours.ca };

function withTls(args, fn, options = {}) {
  return withServer({ ...options, args: [...flagsOf(ours), ...args] }, fn);
}

/** A TLS connection: { socket, protocol, issuer, ... } once it is there. */
function handshake(port, options = {}) {
  return within(8000, "a TLS handshake", new Promise((resolve, reject) => {
    const socket = tls.connect({
      port, host: "127.0.0.1", servername: "localhost", ca: ours.ca, ...options,
    }, () => resolve(socket));
    socket.on("error", reject);
  }));
}

/** What comes after some bytes were sent, until the server hangs up. */
function converse(port, bytes) {
  return within(8000, "an end", new Promise((resolve) => {
    const socket = net.connect(port, "127.0.0.1");
    let got = Buffer.alloc(0);
    socket.on("data", (d) => (got = Buffer.concat([got, d])));
    socket.on("error", () => {});
    socket.on("close", () => resolve(got));
    socket.write(bytes);
  }));
}

test("clients of both workers publish and subscribe over TLS", () =>
  withTls([], async (server) => {
    assert.match(server.output, /serves wss:\/\/localhost:/);
    const clients = await connectMany(server.port, 20, { secure });
    for (const c of clients) await c.subscribe("room:r");
    await Promise.all(clients.map((c, i) => c.publish("room:r", i)));
    for (const c of clients) {
      const got = await c.publications(20);
      assert.deepEqual(got.map((p) => p.offset),
        Array.from({ length: 20 }, (_, i) => i + 1));
    }
    assert.equal(await server.metric("godwit_tls_handshakes_total"), 20);
    assert.ok(await server.metric("godwit_tls_certificate_expires_seconds") >
      Date.now() / 1000 + 29 * 86400);
    await Promise.all(clients.map((c) => c.close()));
    await server.until("godwit_sockets", (n) => n === 0);
  }));

test("messages larger than a TLS record come whole, in both directions", () =>
  withTls(["--limits.max_frame_bytes", "1MiB", "--limits.max_message_bytes",
    "2MiB", "--limits.max_queue_bytes", "8MiB"], async (server) => {
    const [a, b] = await connectMany(server.port, 2, { secure });
    await b.subscribe("room:r");
    for (const bytes of [16000, 16384, 100000, 700000]) {
      const text = randomBytes(bytes / 2).toString("hex");
      await a.publish("room:r", text);
      const [{ value }] = await b.publications(1, 20000);
      assert.equal(value, text);
    }
    await Promise.all([a.close(), b.close()]);
  }));

test("a reader that stops reading is cut at its cap under TLS, too", () =>
  withTls(["--limits.max_queue_bytes", "262144"], async (server) => {
    const payload = "x".repeat(16000);
    const [publisher, slow, other] =
      await connectMany(server.port, 3, { secure });
    for (const c of [slow, other]) await c.subscribe("room:r");
    slow.ws.pause();
    let num = 0;
    while (await server.metric("godwit_slow_readers_total") === 0) {
      assert.ok(num < 2000, "it is never cut");
      await Promise.all(Array.from({ length: 10 }, () =>
        publisher.publish("room:r", { n: ++num, payload })));
    }
    assert.ok(await server.metric("godwit_partial_writes_total") > 0);
    assert.ok(await server.metric("godwit_queue_bytes") <= 262144);
    const got = await other.publications(num, 20000);
    assert.deepEqual(got.map((p) => p.value.n),
      Array.from({ length: num }, (_, i) => i + 1));
    slow.ws.resume();
    const { code } = await within(10000, "the end", slow.closed);
    assert.ok([4103, 0].includes(code), `code ${code}`);
    await Promise.all([publisher.close(), other.close()]);
  }));

test("a reader that is slow, but within its cap, gets every byte in order", () =>
  withTls(["--limits.max_queue_bytes", "64MiB"], async (server) => {
    const [publisher, slow] = await connectMany(server.port, 2, { secure });
    await slow.subscribe("room:r");
    slow.ws.pause();
    const num = 600, payload = randomBytes(8000).toString("hex");
    for (let i = 0; i < num; i += 10)
      await Promise.all(Array.from({ length: 10 }, (_, k) =>
        publisher.publish("room:r", { n: i + k, payload })));
    await server.until("godwit_partial_writes_total", (n) => n > 0);
    slow.ws.resume();
    const got = await slow.publications(num, 20000);
    assert.deepEqual(got.map((p) => p.value.n),
      Array.from({ length: num }, (_, i) => i));
    assert.ok(got.every((p) => p.value.payload === payload));
    await Promise.all([publisher.close(), slow.close()]);
  }, { workers: 1 }));

test("HTTP/1.1 is what ALPN agrees on, and TLS 1.3 can be asked for", async () => {
  await withTls([], async (server) => {
    for (const [offered, agreed] of [[["h2", "http/1.1"], "http/1.1"],
      [["http/1.1"], "http/1.1"], [["h2"], false]]) {
      const socket = await handshake(server.port, { ALPNProtocols: offered });
      assert.equal(socket.alpnProtocol, agreed);
      socket.destroy();
    }
    const socket = await handshake(server.port, { maxVersion: "TLSv1.2" });
    assert.equal(socket.getProtocol(), "TLSv1.2");
    socket.destroy();
    await assert.rejects(handshake(server.port, {
      minVersion: "TLSv1", maxVersion: "TLSv1.1", ciphers: "ALL:@SECLEVEL=0",
    }));
    await server.logged(/tls\.failed peer=127\.0\.0\.1 why="unsupported protocol"/);
  });
  await withTls(["--tls.min_version", "1.3"], async (server) => {
    await assert.rejects(handshake(server.port, { maxVersion: "TLSv1.2" }));
    const socket = await handshake(server.port);
    assert.equal(socket.getProtocol(), "TLSv1.3");
    socket.destroy();
  });
});

test("a ticket of one worker is taken by the other", () =>
  withTls([], async (server) => {
    const first = await handshake(server.port);
    const session = await within(5000, "a ticket",
      new Promise((resolve) => first.on("session", resolve)));
    first.destroy();
    /* Enough that both workers get some. */
    for (let i = 0; i < 16; i++) {
      const again = await handshake(server.port, { session });
      assert.ok(again.isSessionReused());
      /* The server is done when the next ticket comes. */
      await within(5000, "a ticket", new Promise((r) => again.on("session", r)));
      again.destroy();
    }
    assert.equal(await server.metric("godwit_tls_resumed_total"), 16);
  }));

test("garbage in place of a ClientHello costs a counter and a line", () =>
  withTls([], async (server) => {
    const garbage = [Buffer.from("SSH-2.0-OpenSSH\r\n"), Buffer.alloc(3000, 0xff),
      randomBytes(500), Buffer.from([0x16, 3, 1, 0xff, 0xff, 1, 2, 3]),
      /* A ClientHello whose lengths contradict each other. */
      Buffer.from([0x16, 3, 1, 0, 8, 1, 0, 0, 200, 3, 3, 0, 0])];
    for (const bytes of garbage.slice(0, 3)) await converse(server.port, bytes);
    const cut = garbage.slice(3).map((bytes) => {
      const socket = net.connect(server.port, "127.0.0.1");
      socket.on("error", () => {});
      socket.end(bytes);
      return socket;
    });
    await server.until("godwit_tls_failures_total", (n) => n >= garbage.length);
    await server.until("godwit_sockets", (n) => n === 0);
    await server.until("godwit_handshakes_failed_total",
      (n) => n >= garbage.length);
    assert.equal(server.events("http.incomplete").length, 0);
    assert.equal(server.events("socket.no_memory").length, 0);
    await server.logged(
      new RegExp(`(tls\\.failed[^]*){${garbage.length}}`));
    for (const socket of cut) socket.destroy();
    await (await Client.connect(server.port, { secure })).close();
  }));

test("a ClientHello that comes byte by byte is taken", () =>
  withTls([], async (server) => {
    const socket = net.connect(server.port, "127.0.0.1");
    const { Duplex } = await import("node:stream");
    /* Passes on what TLS writes one byte at a time. */
    const slow = new Duplex({
      read() {},
      write(chunk, _encoding, done) {
        let at = 0;
        const step = () => at < chunk.length
          ? socket.write(chunk.subarray(at, ++at), () => setImmediate(step))
          : done();
        step();
      },
      final(done) { socket.end(done); },
    });
    socket.on("data", (d) => slow.push(d));
    socket.on("close", () => slow.push(null));
    const secured = tls.connect({ socket: slow, servername: "localhost",
      ca: ours.ca });
    await within(8000, "a handshake",
      new Promise((r, no) => secured.on("secureConnect", r).on("error", no)));
    secured.write("GET /nope HTTP/1.1\r\nHost: localhost\r\n\r\n");
    const answer = await within(5000, "an answer",
      new Promise((r) => secured.once("data", r)));
    assert.match(String(answer), /^HTTP\/1\.1 404 /);
    secured.destroy();
    socket.destroy();
  }));

test("HTTP on the TLS port is answered with what to do", () =>
  withTls([], async (server) => {
    const answer = await get(server.port, "/v1/ws");
    assert.equal(answer.status, 400);
    assert.match(JSON.parse(answer.body).error.message, /https:\/\/ or wss:/);
    await server.logged(/tls\.failed .*HTTP was spoken without TLS/);
    await assert.rejects(Client.connect(server.port), /HTTP 400/);
    const { code, err } = await run(["publish", "r", "1", "--retry", "none"],
      { server });
    assert.equal(code, 1);
    assert.match(err, /HTTP status 400/);
  }));

test("TLS on a plain port is told by the command that tries it", () =>
  withServer({}, async (server) => {
    const { code, err } = await run(["publish", "r", "1", "--retry", "none",
      "--url", `wss://localhost:${server.port}/v1/ws`]);
    assert.equal(code, 1);
    assert.match(err, /TLS failed; does the server speak it/);
  }));

test("a handshake that stalls ends by its timeout, at any stage", () =>
  withTls(["--handshake.timeout", "1s"], async (server) => {
    /* Nothing; a part of a ClientHello; TLS, and then no request. */
    const stalled = [Buffer.alloc(0), Buffer.from([0x16, 3, 1, 2, 0, 1])]
      .map((bytes) => converse(server.port, bytes));
    const silent = await handshake(server.port);
    silent.resume();
    const ended = new Promise((r) => silent.on("close", r));
    await Promise.all([...stalled, within(8000, "an end", ended)]);
    await server.until("godwit_handshakes_failed_total", (n) => n === 3);
    await server.until("godwit_sockets", (n) => n === 0);
  }));

/** The bytes that a client begins with. */
function clientHello() {
  return within(5000, "a ClientHello", new Promise((resolve) => {
    const listener = net.createServer((socket) => socket.once("data", (bytes) => {
      socket.destroy();
      listener.close();
      resolve(bytes);
    })).listen(0, "127.0.0.1", () => {
      const { port } = listener.address();
      tls.connect({ port, host: "127.0.0.1" }).on("error", () => {});
    });
  }));
}

test("sockets that stop before or in their handshake make room for others", async () => {
  for (const bytes of [Buffer.alloc(0), await clientHello()])
    await withTls([], async (server) => {
      const sockets = Array.from({ length: 1200 }, () => {
        const socket = net.connect(server.port, "127.0.0.1");
        socket.on("error", () => {});
        socket.write(bytes);
        return socket;
      });
      await server.until("godwit_sockets", (n) => n >= 1024, 15000);
      const client = await Client.connect(server.port, { secure, ms: 9000 });
      assert.ok(await server.metric("godwit_handshakes_evicted_total") > 0);
      await client.close();
      for (const socket of sockets) socket.destroy();
    }, { workers: 1 });
});

test("SIGHUP shows another certificate and keeps who is there", () =>
  withTls([], async (server) => {
    const before = await Client.connect(server.port, { secure });
    await before.subscribe("room:r");
    const old = fs.readFileSync(ours.cert), oldKey = fs.readFileSync(ours.key);
    /* Of another kind of key: the old one must not stay beside it. */
    const other = certificates.make("other", { kind: "rsa" });
    fs.copyFileSync(other.cert, ours.cert);
    fs.copyFileSync(other.key, ours.key);
    try {
      server.signal("SIGHUP");
      await server.logged(/tls\.reloaded/);
      /* Workers take it at their next turn. */
      for (let seen = 0; seen < 8;) {
        const socket = await handshake(server.port, { rejectUnauthorized: false });
        seen = socket.getPeerCertificate().subject.CN === "other" ? seen + 1 : 0;
        socket.destroy();
      }
      const after = await Client.connect(server.port, { secure: { ca: other.ca } });
      await after.publish("room:r", "from the new to the old");
      assert.equal((await before.publications(1))[0].value,
        "from the new to the old");
      await assert.rejects(Client.connect(server.port, { secure }));
      assert.equal(await server.metric("godwit_tls_reloads_total"), 1);
      await Promise.all([before.close(), after.close()]);
    } finally {
      fs.writeFileSync(ours.cert, old);
      fs.writeFileSync(ours.key, oldKey);
    }
  }));

test("a reload that fails is logged, and the old certificate stays", () => {
  const mine = certificates.make("mine");
  return withServer({ args: flagsOf(mine) }, async (server) => {
    fs.writeFileSync(mine.cert, "gone\n");
    server.signal("SIGHUP");
    await server.logged(/error tls\.reload_failed why="tls\.cert: .*no certificate/);
    assert.equal(await server.metric("godwit_tls_reload_failures_total"), 1);
    for (let i = 0; i < 4; i++) {
      const socket = await handshake(server.port, { ca: mine.ca });
      assert.equal(socket.getPeerCertificate().subject.CN, "mine");
      socket.destroy();
    }
  });
});

test("SIGHUP without TLS changes nothing, and says so", () =>
  withServer({}, async (server) => {
    const client = await Client.connect(server.port);
    server.signal("SIGHUP");
    await server.logged(/server\.reload .*nothing else is read again/);
    await client.publish("room:r", 1);
    await client.close();
  }));

test("many reloads under load lose no connection and no memory", () =>
  withTls([], async (server) => {
    const clients = await connectMany(server.port, 10, { secure });
    for (const c of clients) await c.subscribe("room:r");
    for (let i = 0; i < 20; i++) {
      server.signal("SIGHUP");
      const [, late] = await Promise.all([
        clients[0].publish("room:r", i), Client.connect(server.port, { secure })]);
      await late.close();
    }
    for (const c of clients)
      assert.equal((await c.publications(20)).at(-1).offset, 20);
    await Promise.all(clients.map((c) => c.close()));
  }));

test("files that cannot be used stop the start, with cause and remedy", async () => {
  const good = certificates.make("good"), other = certificates.make("another");
  const expired = certificates.makeExpired("expired");
  const cases = [
    [["--tls.cert", "/no/such.pem", "--tls.key", good.key],
      /tls\.cert: \/no\/such\.pem cannot be read: No such file.*path of a PEM/],
    [["--tls.cert", good.cert, "--tls.key", "/no/key.pem"],
      /tls\.key: \/no\/key\.pem cannot be read: No such file/],
    [flagsOf({ cert: good.cert, key: other.key }),
      /another-key\.pem does not belong to the certificate in .*good\.pem/],
    [flagsOf({ cert: good.key, key: good.key }), /holds no certificate in PEM/],
    [flagsOf(expired), /expired\.pem expired on 2020-02-01 00:00 UTC; renew it/],
    [["--tls.cert", good.cert], /tls\.key: is missing/],
  ];
  for (const [flags, expected] of cases) {
    const { code, log } = await Server.run(["serve", "--listen.public",
      "localhost:0", "--listen.internal", "127.0.0.1:0", ...flags]);
    assert.equal(code, 2, log);
    assert.match(log, expected);
  }
});

test("commands connect with --ca or --insecure, and say what they refuse", () =>
  withTls([], async (server) => {
    const url = ["--url", `wss://localhost:${server.port}/v1/ws`];
    const publish = (...more) =>
      run(["publish", "room:r", "1", "--retry", "none", ...url, ...more]);
    const subscriber = new Command(["subscribe", "room:r", ...url, "--ca", ours.cert]);
    await subscriber.live("room:r");
    for (const trust of [["--ca", ours.cert], ["--insecure"]])
      assert.equal((await publish(...trust)).code, 0);
    await subscriber.until((c) => c.lines.length === 2);
    subscriber.signal("SIGINT");
    assert.equal(await subscriber.end(), 0);

    const untrusted = await publish();
    assert.equal(untrusted.code, 1);
    assert.match(untrusted.err, /certificate is refused: self-signed certificate/);
    const elsewhere = await publish("--ca", certificates.make("third").cert);
    assert.equal(elsewhere.code, 1);
    const bad = await publish("--ca", ours.key);
    assert.equal(bad.code, 2);
    assert.match(bad.err, /--ca: .*holds no certificate/);
  }));

test("a certificate for another host is refused", () => {
  const away = certificates.make("away", { names: "DNS:example.org" });
  return withServer({ args: flagsOf(away) }, async (server) => {
    const { code, err } = await run(["publish", "r", "1", "--retry", "none", "--ca",
      away.cert, "--url", `wss://localhost:${server.port}/v1/ws`]);
    assert.equal(code, 1);
    assert.match(err, /certificate is refused: hostname mismatch/);
  });
});

test("bench reconciles over TLS", () =>
  withTls([], async (server) => {
    const url = ["--url", `wss://localhost:${server.port}/v1/ws`];
    const { code, lines, err } = await run(["bench", "--json", "--connections",
      "20", "--channels", "2", "--window", "16", "--size", "3000", "--duration",
      "500ms", ...url, "--ca", ours.cert]);
    assert.equal(code, 0, err);
    const told = JSON.parse(lines[0]);
    assert.equal(told.delivered, told.sent * 10);
    const storm = await run(["bench", "--json", "--connections", "60", "--channels",
      "3", "--storm", "40", ...url, "--ca", ours.cert]);
    assert.equal(storm.code, 0, storm.err);
    assert.equal(JSON.parse(storm.lines[0]).recovered, 60 * 40);
    const refused = await run(["bench", "--duration", "300ms", ...url]);
    assert.equal(refused.code, 1);
    assert.match(refused.err, /TLS failed: self-signed certificate/);
  }));
