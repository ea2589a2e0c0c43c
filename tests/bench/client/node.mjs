// SPDX-License-Identifier: MIT
// node.mjs - one client in Node, which ends with its input:
//
//   node --expose-gc node.mjs NAME BASE
//
// BASE is the blaster's address; GODWIT_BENCH_MODULES is the folder of npm's
// packages.

import { createRequire } from 'node:module';
import { Session } from 'node:inspector/promises';

import { watchMemory } from '../../../wasm/test/support/memory.mjs';
import { clients } from './clients.mjs';
import { firstMessage, Meter } from './meter.mjs';
import { SAMPLING, sampledBytes, serve } from './steps.mjs';

const [name, base] = process.argv.slice(2);
const modules = createRequire(`${process.env.GODWIT_BENCH_MODULES}/`);
const dist = new URL('../../../wasm/dist/', import.meta.url);
const FILES = {
  godwit: new URL('index.js', dist),
  'godwit-lite': new URL('lite.js', dist),
  'godwit-plain': new URL('plain.js', dist),
};

const wasmBytes = watchMemory();
const meter = new Meter();
const inspector = new Session();

/** What an application imports; npm's ws is a part of it, as this Node has no
 * WebSocket of its own that all clients can use. */
async function load() {
  const { npm } = clients[name];
  const WebSocket = modules('ws');
  const file = FILES[name];
  const lib = npm !== null ? modules(npm) : file && await import(file);
  return { base, WebSocket, lib };
}

await serve({
  async open(how) {
    await meter.open(name, { ...how, ...await load() });
    return { pids: [process.pid] };
  },
  run: (how) => meter.run(how),
  memory() {
    gc();
    gc();
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    return { heap: heapUsed, buffers: arrayBuffers, wasm: wasmBytes() };
  },
  async sample() {
    inspector.connect();
    await inspector.post('HeapProfiler.startSampling', SAMPLING);
  },
  async sampled() {
    const { profile } = await inspector.post('HeapProfiler.stopSampling');
    inspector.disconnect();
    return { bytes: sampledBytes(profile) };
  },
  async start() {
    const began = performance.now();
    const times = await firstMessage(name, await load());
    for (const step of Object.keys(times)) times[step] -= began;
    return times;
  },
});
process.exit();
