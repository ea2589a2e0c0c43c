// SPDX-License-Identifier: MIT
// requests.test.mjs - HTTP that is wrong on purpose, at both listeners: requests
// that two readers could cut in different places, headers and methods that make no
// sense, bodies that never come.

import assert from "node:assert/strict";
import net from "node:net";
import { after, before, test } from "node:test";
import { Client } from "./support/client.mjs";
import { get, Server } from "./support/server.mjs";
import { within } from "./support/websocket.mjs";

/* What a proxy may take for a body, and a server for a request. */
const HIDDEN = "GET /hidden HTTP/1.1\r\nHost: x\r\n\r\n";

let server;
before(async () => {
  server = await Server.start({ args: ["--handshake.timeout", "2s"] });
});
after(() => server.end());

/** Send bytes: the statuses of all answers, and whether the server ended the
 * connection. */
function exchange(port, bytes, ms = 400) {
  return new Promise((resolve) => {
    let text = "", timer;
    const socket = net.connect(port, "127.0.0.1");
    const done = (isClosed) => {
      clearTimeout(timer);
      socket.destroy();
      resolve({ isClosed,
        statuses: [...text.matchAll(/HTTP\/1\.\d (\d{3}) /g)].map((m) => +m[1]) });
    };
    socket.on("error", () => {});
    socket.on("data", (d) => (text += d.toString("latin1")));
    socket.on("close", () => done(true));
    timer = setTimeout(() => done(false), ms);
    socket.write(Buffer.from(bytes, "latin1"));
  });
}

const request = (method, path, headers, rest = "") =>
  `${method} ${path} HTTP/1.1\r\nHost: x\r\n` +
  `Content-Type: application/json\r\n${headers}\r\n${rest}`;

/* ---- where a body ends ---------------------------------------------------------- */

const UNCLEAR = {
  "two lengths": "Content-Length: 2\r\nContent-Length: 37\r\n",
  "two lengths, the other way": "Content-Length: 37\r\nContent-Length: 2\r\n",
  "the same length twice": "Content-Length: 2\r\nContent-Length: 2\r\n",
  "a list of lengths": "Content-Length: 2, 2\r\n",
  "a length with a sign": "Content-Length: +2\r\n",
  "a length below zero": "Content-Length: -1\r\n",
  "a length in hexadecimal": "Content-Length: 0x2\r\n",
  "a length with a word": "Content-Length: 2 bytes\r\n",
  "a length beyond 64 bits": "Content-Length: 18446744073709551618\r\n",
  "a length with a blank in front of its colon": "Content-Length : 2\r\n",
  "chunks": "Transfer-Encoding: chunked\r\n",
  "chunks and a length": "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n",
  "a length and chunks": "Transfer-Encoding: chunked\r\nContent-Length: 2\r\n",
  "an encoding that is none": "Transfer-Encoding: xchunked\r\n",
  "chunks with a blank": "Transfer-Encoding : chunked\r\n",
};

for (const [listener, path] of [["port", "/"], ["internal", "/v1/api/info"]])
  for (const method of ["GET", "POST"])
    test(`a request that could end elsewhere is the last: ${listener}, ${method}`,
      async () => {
        for (const [what, headers] of Object.entries(UNCLEAR)) {
          const { isClosed, statuses } = await exchange(server[listener],
            request(method, path, headers, `{}${HIDDEN}`), 4000);
          assert.ok(isClosed, `${what}: not closed`);
          assert.equal(statuses.length, 1, `${what}: ${statuses}`);
          assert.ok([400, 405, 411, 413].includes(statuses[0]),
            `${what}: ${statuses}`);
        }
      });

test("what lies in a body is never a request", async () => {
  const headers = `Content-Length: ${HIDDEN.length}\r\n`;
  for (const method of ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"])
    for (const port of [server.port, server.internal])
      assert.equal((await exchange(port,
        request(method, "/v1/api/info", headers, HIDDEN))).statuses.length, 1,
      method);
});

test("a request behind a body that was read is answered", async () => {
  const { statuses } = await exchange(server.internal,
    request("POST", "/v1/api/info", "Content-Length: 2\r\n", `{}${HIDDEN}`), 1000);
  assert.deepEqual(statuses, [200, 404]);
});

/* ---- methods ----------------------------------------------------------------------- */

test("methods that are not for this are refused", async () => {
  const wanted = { POST: 405, PUT: 405, DELETE: 405, OPTIONS: 405, PATCH: 405,
    CONNECT: null, TRACE: 403, BREW: 403, ["A".repeat(3000)]: 403, "": 403 };
  for (const [method, status] of Object.entries(wanted)) {
    const { statuses, isClosed } =
      await exchange(server.port, request(method, "/", ""), 1500);
    assert.deepEqual(statuses, status ? [status] : [], `"${method.slice(0, 10)}"`);
    assert.ok(isClosed, `${method.slice(0, 10)}: not closed`);
  }
});

/* ---- headers ------------------------------------------------------------------------ */

test("heads that make no sense cost their connection, if anything", async () => {
  const heads = {
    "no Host": "GET / HTTP/1.1\r\n\r\n",
    "two Hosts": "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    "a NUL": "GET / HTTP/1.1\r\nHost: a\0b\r\n\r\n",
    "a folded line": "GET / HTTP/1.1\r\nHost: a\r\nX: b\r\n c\r\n\r\n",
    "a line without a colon": "GET / HTTP/1.1\r\nHost: a\r\nnonsense\r\n\r\n",
    "no name": "GET / HTTP/1.1\r\nHost: a\r\n: x\r\n\r\n",
    "line feeds alone": "GET / HTTP/1.1\nHost: a\n\n",
    "carriage returns alone": "GET / HTTP/1.1\rHost: a\r\r",
    "HTTP/1.0": "GET / HTTP/1.0\r\n\r\n",
    "HTTP/9.9": "GET / HTTP/9.9\r\nHost: a\r\n\r\n",
    "no version": "GET /\r\n\r\n",
    "HTTP/2 at once": "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "a header of 20 kB": `GET / HTTP/1.1\r\nX: ${"x".repeat(20000)}\r\n\r\n`,
    "3000 headers": `GET / HTTP/1.1\r\n${"X: y\r\n".repeat(3000)}\r\n`,
    "bytes over 127": "GET / HTTP/1.1\r\nHost: \xff\xfe\r\n\xff: \xff\r\n\r\n",
    "a wish to go on": "GET / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\r\n",
  };
  for (const port of [server.port, server.internal])
    for (const [what, head] of Object.entries(heads)) {
      const { statuses } = await exchange(port, head, 150);
      assert.ok(statuses.length <= 1, what);
      assert.ok(statuses.every((s) => s >= 400 && s < 500),
        `${what}: ${statuses}`);
    }
});

test("paths that lead out, or are none, are not found", async () => {
  for (const path of ["/../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd",
    "/..%2f..%2fetc/passwd", "//etc/passwd", "/%00", "/a%00b", "/%zz", "/%",
    `/${"a".repeat(7000)}`, "/\\..\\..", "*", "http://localhost/", "/?a=%ff"]) {
    const { statuses } = await exchange(server.port, request("GET", path, ""), 150);
    assert.ok(statuses.every((s) => [400, 403, 404].includes(s)),
      `${path.slice(0, 40)}: ${statuses}`);
  }
});

/* ---- slow --------------------------------------------------------------------------------- */

test("a body is not waited for where none is read", async () => {
  const { statuses, isClosed } = await exchange(server.port,
    request("POST", "/", "Content-Length: 1000000\r\n", "x"), 5000);
  assert.deepEqual(statuses, [405]);
  assert.ok(isClosed);
});

test("a body that does not come is given up", async () => {
  const start = Date.now();
  const { statuses, isClosed } = await exchange(server.internal,
    request("POST", "/v1/api/info", "Content-Length: 10\r\n", "{"), 20000);
  assert.deepEqual(statuses, []);
  assert.ok(isClosed && Date.now() - start > 5000);
});

test("after all that both listeners serve as before", async () => {
  const client = await Client.connect(server.port);
  await client.publish("room:r", "still here");
  await client.close();
  assert.equal((await get(server.internal, "/healthz")).status, 200);
  await within(5000, "readiness", get(server.internal, "/readyz"));
  await server.until("godwit_sockets", (n) => n === 0, 15000);
});
