// SPDX-License-Identifier: MIT
// chromium.mjs - clients in Debian's Chromium, each in a page of its own; ends
// with its input:
//
//   node chromium.mjs BASE BUNDLES CPU OTHER_CPU
//
// BASE is the blaster's address, BUNDLES the folder that bundles.mjs has written
// to. Renderers run on CPU, all other processes of the browser on OTHER_CPU.
// GODWIT_BENCH_MODULES is the folder of npm's packages.

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';

import { startChromium } from './devtools.mjs';
import { SAMPLING, sampledBytes, serve } from './steps.mjs';

const [base, bundles, cpu, otherCpu] = process.argv.slice(2);
const modules = createRequire(`${process.env.GODWIT_BENCH_MODULES}/`);
const at = (path) => fileURLToPath(new URL(`../../../${path}`, import.meta.url));

const FILES = {
  '/': at('tests/bench/client/page.html'),
  '/meter.mjs': at('tests/bench/client/meter.mjs'),
  '/clients.mjs': at('tests/bench/client/clients.mjs'),
  '/memory.mjs': at('wasm/test/support/memory.mjs'),
  '/lib/godwit/index.js': at('wasm/dist/index.js'),
  '/lib/godwit/godwit.wasm': at('wasm/dist/godwit.wasm'),
  '/lib/godwit-lite/index.js': at('wasm/dist/lite.js'),
  '/lib/godwit-lite/godwit-lite.wasm': at('wasm/dist/godwit-lite.wasm'),
  '/lib/godwit-plain/index.js': at('wasm/dist/plain.js'),
};
const TYPES = {
  '.html': 'text/html', '.js': 'text/javascript', '.mjs': 'text/javascript',
  '.wasm': 'application/wasm',
};

const pages = createServer(({ url }, response) => {
  const { pathname } = new URL(url, 'http://localhost');
  const [, peer] = /^\/lib\/([\w-]+)\/index\.js$/.exec(pathname) ?? [];
  const file = FILES[pathname] ?? (peer && `${bundles}/${peer}.js`);
  if (file === undefined) {
    response.writeHead(404).end();
    return;
  }
  response.setHeader('content-type', TYPES[extname(file)]);
  response.setHeader('cache-control', 'no-store');
  response.end(readFileSync(file));
});
await new Promise((resolve) => pages.listen(0, '127.0.0.1', resolve));
const site = `http://127.0.0.1:${pages.address().port}/`;
const { send, close } = await startChromium(modules('ws'), `${bundles}/profile`);

/** Puts pages on one CPU and all other processes on another; returns the pids of
 * pages. */
async function pin() {
  const { processInfo } = await send('SystemInfo.getProcessInfo');
  const pids = [];
  for (const { id, type } of processInfo) {
    if (type === 'renderer') pids.push(id);
    const where = type === 'renderer' ? cpu : otherCpu;
    try {
      execFileSync('taskset', ['-a', '-p', '-c', where, String(id)]);
    } catch {
      // It has ended meanwhile.
    }
  }
  return pids;
}

/** Opens a tab, which has a process of its own. */
async function openPage(query = '') {
  const { targetId } = await send('Target.createTarget', { url: 'about:blank' });
  const { sessionId: session } =
    await send('Target.attachToTarget', { targetId, flatten: true });
  await pin();
  const page = { targetId, session };
  await send('Page.navigate', { url: `${site}${query}` }, session);
  await evaluate(page, `new Promise((resolve) => {
    const look = () => globalThis.isThere ? resolve() : setTimeout(look, 5);
    look();
  })`);
  return page;
}

async function evaluate({ session }, expression) {
  const { result, exceptionDetails } = await send('Runtime.evaluate',
    { expression, awaitPromise: true, returnByValue: true }, session);
  if (exceptionDetails !== undefined) {
    const { exception, text } = exceptionDetails;
    throw new Error(exception?.description ?? text);
  }
  return result.value;
}

const closePage = ({ targetId }) => send('Target.closeTarget', { targetId });

/** Open ones, by the name of their client. */
const tabs = new Map();

await serve({
  async open({ name, ...how }) {
    const before = await pin();
    const page = await openPage();
    tabs.set(name, page);
    const where = JSON.stringify({ base, ...how });
    await evaluate(page, `openMeter('${name}', ${where})`);
    return { pids: (await pin()).filter((pid) => !before.includes(pid)) };
  },
  async run({ name, ...how }) {
    const page = tabs.get(name);
    await send('Target.activateTarget', { targetId: page.targetId });
    return evaluate(page, `meter.run(${JSON.stringify(how)})`);
  },
  async memory({ name }) {
    const page = tabs.get(name);
    for (let i = 0; i < 2; i++) {
      await send('HeapProfiler.collectGarbage', {}, page.session);
    }
    const { usedSize, backingStorageSize } =
      await send('Runtime.getHeapUsage', {}, page.session);
    const wasm = await evaluate(page, 'wasmBytes()');
    return { heap: usedSize, buffers: backingStorageSize, wasm };
  },
  sample: ({ name }) => send(
    'HeapProfiler.startSampling', SAMPLING, tabs.get(name).session),
  async sampled({ name }) {
    const { profile } = await send(
      'HeapProfiler.stopSampling', {}, tabs.get(name).session);
    return { bytes: sampledBytes(profile) };
  },
  async close({ name }) {
    await closePage(tabs.get(name));
    tabs.delete(name);
  },
  async start({ name }) {
    const query = new URLSearchParams({ start: name, base });
    const page = await openPage(`?${query}`);
    const times = await evaluate(page, 'started');
    await closePage(page);
    return times;
  },
  async version() {
    const { product } = await send('Browser.getVersion');
    return { version: product.split('/')[1] };
  },
});
await close();
process.exit();
