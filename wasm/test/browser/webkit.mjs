// SPDX-License-Identifier: MIT
// webkit.mjs - the suite in WebKitGTK, which Playwright does not drive. Ends with
// `N passed, N failed`.

import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';

import { Browser } from '../../../tests/webkit/support/browser.mjs';
import { eventually } from '../../../tests/webkit/support/eventually.mjs';
import { RealServer } from '../support/real-server.mjs';

const WASM = fileURLToPath(new URL('../..', import.meta.url));
const SUITE_MS = 120_000;

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

/** Runs the suite of a build; returns the results of its cases. */
async function runSuite(webkit, site, build, query) {
  await webkit.open(`${site}/${build}/test/browser/${BUILDS[build][0]}?` +
    new URLSearchParams({ build, ...query }));
  await eventually(async () => {
    const isDone = await webkit.run(() => Boolean(window.done));
    if (!isDone) throw new Error(`${build}: not done in time`);
  }, SUITE_MS);
  return webkit.run(() => window.results);
}

const pages = await servePages();
const site = `http://127.0.0.1:${pages.address().port}`;
const server = new RealServer('--origins', site);
let webkit;
let passed = 0;
let failed = 0;
try {
  await server.start();
  webkit = await Browser.start();
  console.log(webkit.name);
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
