// SPDX-License-Identifier: MIT
// suite.spec.ts - the suite of the JavaScript package in a browser: all builds,
// each under the strictest policy that it can do with, in pages and in workers,
// against a fake server and the real one.

import { createReadStream } from 'node:fs';
import { createServer, type Server as HttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';

import { expect, test } from '../../fixtures/test.js';

const WASM = join(dirname(fileURLToPath(import.meta.url)), '../../../wasm');
const TYPES: Record<string, string> = {
  '.html': 'text/html', '.js': 'text/javascript', '.mjs': 'text/javascript',
  '.wasm': 'application/wasm', '.map': 'application/json',
};
const POLICY: Record<string, string> = {
  wasm: "script-src 'self' 'wasm-unsafe-eval'", plain: "script-src 'self'",
  lite: "script-src 'self' 'wasm-unsafe-eval'",
};

interface Result {
  name: string;
  error: string | null;
}

declare global {
  interface Window {
    results: Result[];
    violations: string[];
    done: boolean;
  }
}

/** Serves wasm/, with a policy as a header: a worker has that of its script. */
async function serve(policy: string, changes: Record<string, string> = {}):
Promise<HttpServer> {
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url!, 'http://localhost');
    const path = join(WASM, normalize(pathname));
    response.setHeader('content-type', TYPES[extname(path)] ?? 'text/plain');
    response.setHeader('content-security-policy',
      `default-src 'none'; ${policy}; connect-src 'self' ws:; worker-src 'self'`);
    for (const [name, value] of Object.entries(changes)) {
      response.setHeader(name, value);
    }
    createReadStream(path)
      .on('error', () => response.writeHead(404).end()).pipe(response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

function urlOf(server: HttpServer): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

for (const build of ['wasm', 'plain', 'lite']) {
  for (const place of ['page', 'worker']) {
    test(`the ${build} build in a ${place}`, async ({ page, server }) => {
      const pages = await serve(POLICY[build]!);
      const query = new URLSearchParams({ build });
      if (place === 'worker') query.set('worker', '');
      else query.set('live', server.webSocketUrl);
      const file = build === 'plain' ? 'plain' : 'wasm';
      await page.goto(`${urlOf(pages)}/test/browser/${file}.html?${query}`);
      await page.waitForFunction(() => window.done, null, { timeout: 50_000 });
      const results = await page.evaluate(() => window.results);
      expect(results.filter(({ error }) => error !== null)).toEqual([]);
      expect(results.length).toBeGreaterThan(60);
      // One case tries code made of strings, which has to be refused: by the
      // header's policy and by the page's.
      const violations = await page.evaluate(() => window.violations);
      expect([...new Set(violations)])
        .toEqual(place === 'page' ? ['script-src eval'] : []);
      pages.close();
    });
  }
}

test('a page that forbids WebAssembly is told so', async ({ page }) => {
  const pages = await serve(POLICY.plain!);
  await page.goto(`${urlOf(pages)}/test/browser/plain.html?build=plain&only=none`);
  await page.waitForFunction(() => window.done);
  const told = await page.evaluate(async () => {
    const { Client, isWasmUsable } = await import(
      new URL('/dist/index.js', location.href).href);
    const client = new Client('/v1/ws');
    const errors: string[] = [];
    client.on('error', (error: Error) => errors.push(error.message));
    window.reportError = () => {};
    client.connect();
    const name = await client.ready().catch((error: Error) => error.name);
    return { usable: isWasmUsable(), name, state: client.state, errors };
  });
  expect(told).toMatchObject({ usable: false, name: 'INTERNAL', state: 'failed' });
  expect(told.errors[0]).toContain('WebAssembly');
  pages.close();
});

test('a server that does not know the type of .wasm does', async ({ page }) => {
  const pages = await serve(POLICY.wasm!);
  pages.prependListener('request', (request, response) => {
    if (!request.url!.endsWith('.wasm')) return;
    const set = response.setHeader.bind(response);
    response.setHeader = (name: string, value: string) =>
      set(name, name === 'content-type' ? 'application/octet-stream' : value);
  });
  await page.goto(`${urlOf(pages)}/test/browser/wasm.html?build=wasm&only=facts`);
  await page.waitForFunction(() => window.done);
  expect(await page.evaluate(() => window.results)).toMatchObject([{ error: null }]);
  pages.close();
});
