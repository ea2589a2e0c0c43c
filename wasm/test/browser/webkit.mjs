// SPDX-License-Identifier: MIT
// webkit.mjs - the suite in WebKitGTK, which Playwright does not drive: by the
// WebDriver protocol (W3C), in a window of the display that it is started with.
//
//   xvfb-run --auto-servernum node wasm/test/browser/webkit.mjs
//
// Ends with `N passed, N failed`. WEBKIT_DRIVER is another driver.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';

import { RealServer } from '../support/real-server.mjs';

const WASM = fileURLToPath(new URL('../..', import.meta.url));
const DRIVER = process.env.WEBKIT_DRIVER ?? 'WebKitWebDriver';
const START_MS = 20_000;
const SUITE_MS = 60_000;
const POLL_MS = 100;

const TYPES = {
  '.html': 'text/html', '.js': 'text/javascript', '.mjs': 'text/javascript',
  '.wasm': 'application/wasm', '.map': 'application/json',
};
/** The page of a build, and what it has to do with. */
const BUILDS = {
  wasm: ['wasm.html', "script-src 'self' 'wasm-unsafe-eval'"],
  plain: ['plain.html', "script-src 'self'"],
  lite: ['wasm.html', "script-src 'self' 'wasm-unsafe-eval'"],
};
/** A container has neither a graphics card nor a bus of the desktop. */
const ENV = {
  WEBKIT_DISABLE_DMABUF_RENDERER: '1', WEBKIT_DISABLE_COMPOSITING_MODE: '1',
  LIBGL_ALWAYS_SOFTWARE: '1', NO_AT_BRIDGE: '1', GTK_A11Y: 'none',
};

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Serves wasm/ under a policy; a worker has that of its script. */
async function servePages() {
  const server = createServer((request, response) => {
    // The first part of the path is the build, whose policy it is.
    const [, build, path] =
      /^\/(\w+)(\/.*)$/.exec(new URL(request.url, 'http://localhost').pathname) ?? [];
    if (!(build in BUILDS)) {
      response.writeHead(404).end();
      return;
    }
    response.setHeader('content-type', TYPES[extname(path)] ?? 'text/plain');
    response.setHeader('content-security-policy', `default-src 'none'; ` +
      `${BUILDS[build][1]}; connect-src 'self' ws:; worker-src 'self'`);
    createReadStream(join(WASM, normalize(path)))
      .on('error', () => response.writeHead(404).end()).pipe(response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

/** A browser with one window. */
class WebKit {
  #driver;
  #url;
  #session = '';

  static async start(port) {
    const webkit = new WebKit();
    webkit.#driver = spawn(DRIVER, ['--host=127.0.0.1', `--port=${port}`],
      { stdio: ['ignore', 'inherit', 'inherit'], env: { ...process.env, ...ENV } });
    webkit.#driver.on('error', (error) => console.error(String(error)));
    webkit.#url = `http://127.0.0.1:${port}`;
    await webkit.#untilReady();
    const { sessionId, capabilities } = await webkit.#send('POST', '/session',
      { capabilities: { alwaysMatch: {} } });
    webkit.#session = `/session/${sessionId}`;
    console.log(`${capabilities.browserName} ${capabilities.browserVersion}`);
    return webkit;
  }

  async #untilReady() {
    const deadline = Date.now() + START_MS;
    for (;;) {
      const isReady = await this.#send('GET', '/status')
        .then(({ ready }) => ready, () => false);
      if (isReady) return;
      if (this.#driver.exitCode !== null || Date.now() > deadline) {
        this.#driver.kill();
        throw new Error(`${DRIVER} does not start`);
      }
      await sleep(POLL_MS);
    }
  }

  async #send(method, path, body) {
    const response = await fetch(`${this.#url}${path}`,
      { method, ...(body && { body: JSON.stringify(body) }) });
    const { value } = await response.json();
    if (!response.ok) throw new Error(`${value.error}: ${value.message}`);
    return value;
  }

  async open(url) {
    await this.#send('POST', `${this.#session}/url`, { url });
  }

  /** What a function body returns in the page. */
  async run(script) {
    return this.#send('POST', `${this.#session}/execute/sync`,
      { script, args: [] });
  }

  async close() {
    if (this.#session) await this.#send('DELETE', this.#session).catch(() => {});
    if (this.#driver.exitCode !== null) return;
    const ended = once(this.#driver, 'exit');
    this.#driver.kill();
    await ended;
  }
}

/** Runs the suite of a build; returns the results of its cases. */
async function runSuite(webkit, site, build, query) {
  await webkit.open(`${site}/${build}/test/browser/${BUILDS[build][0]}?` +
    new URLSearchParams({ build, ...query }));
  const deadline = Date.now() + SUITE_MS;
  while (!await webkit.run('return Boolean(window.done);')) {
    if (Date.now() > deadline) throw new Error(`${build}: not done in time`);
    await sleep(POLL_MS);
  }
  return webkit.run('return window.results;');
}

async function freePort() {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address();
  probe.close();
  await once(probe, 'close');
  return port;
}

const pages = await servePages();
const site = `http://127.0.0.1:${pages.address().port}`;
const server = new RealServer('--origins', site);
let webkit;
let passed = 0;
let failed = 0;
try {
  await server.start();
  webkit = await WebKit.start(await freePort());
  for (const build of Object.keys(BUILDS)) {
    for (const [place, query] of [['page', { live: server.url }],
      ['worker', { worker: '' }]]) {
      const results = await runSuite(webkit, site, build, query);
      const bad = results.filter(({ error }) => error !== null);
      console.log(`${build} in a ${place}: ${results.length - bad.length} of ` +
        `${results.length}`);
      for (const { name, error } of bad) console.log(`FAIL ${name}\n${error}`);
      passed += results.length - bad.length;
      failed += bad.length;
      // A suite that finds no case would pass.
      if (results.length < 60) failed += 1;
    }
  }
} finally {
  await webkit?.close();
  await server.close();
  pages.close();
  pages.closeAllConnections();
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed ? 1 : 0;
