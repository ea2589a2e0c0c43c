// SPDX-License-Identifier: MIT
// package.test.mjs - what npm publishes: its files, its types, and the ways to
// load the core.

import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';

import { equal, ok, quietly, rejects, until } from './support/check.mjs';
import { Context } from './support/run.mjs';
import { frame, Type } from './support/wire.mjs';

const WASM = fileURLToPath(new URL('..', import.meta.url));
const file = (name) => join(WASM, name);
const NPM = process.env.NPM ?? 'npm';

let folder;
let packed;

// An application that has installed the package.
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'godwit-package-'));
  const answer = execFileSync(NPM, ['pack', '--json', '--ignore-scripts',
    '--pack-destination', folder], { cwd: WASM, stdio: ['ignore', 'pipe', 'ignore'] });
  [packed] = JSON.parse(answer);
  const home = join(folder, 'node_modules/godwit');
  mkdirSync(home, { recursive: true });
  execFileSync('tar', ['xzf', join(folder, packed.filename),
    '--strip-components=1', '-C', home]);
});
after(() => rmSync(folder, { recursive: true, force: true }));

async function connects(Client, options = {}) {
  const context = new Context({ Client }, {});
  try {
    await context.connected(options);
  } finally {
    context.end();
  }
}

test('the package holds scripts, maps, types, the module and a README', () => {
  const names = packed.files.map(({ path }) => path);
  for (const name of ['README.md', 'LICENSE', 'package.json', 'dist/index.js',
    'dist/index.js.map', 'dist/plain.js', 'dist/plain.js.map', 'dist/godwit.wasm',
    'dist/types/index.d.ts', 'dist/types/plain.d.ts', 'dist/lite.js',
    'dist/lite.js.map', 'dist/godwit-lite.wasm', 'dist/types/lite.d.ts',
    'dist/filter.js', 'dist/groups.js', 'dist/map.js', 'dist/people.js',
    'dist/state.js', 'dist/events.js', 'dist/record.js', 'dist/types/filter.d.ts',
    'dist/types/groups.d.ts', 'dist/types/people.d.ts']) {
    ok(names.includes(name), `${name} among ${names}`);
  }
  const others = names.filter((name) =>
    !/^(dist\/(types\/)?[\w.-]+|README\.md|LICENSE|package\.json)$/.test(name));
  equal(others, []);
});

test('an application imports it by its names', () => {
  writeFileSync(join(folder, 'app.mjs'), `
    import { Client, GodwitError, isWasmUsable } from 'godwit';
    import { Client as Plain } from 'godwit/plain';
    import { Client as Lite } from 'godwit/lite';
    import { and } from 'godwit/filter';
    import { Groups } from 'godwit/groups';
    import { ItemMap } from 'godwit/map';
    import { send } from 'godwit/people';
    import { SharedState } from 'godwit/state';
    import { Events } from 'godwit/events';
    import { Recording } from 'godwit/record';
    import { createRequire } from 'node:module';
    const { resolve } = createRequire(import.meta.url);
    console.log(typeof Client, typeof Plain, typeof Groups, typeof send,
      typeof SharedState, typeof Events, typeof Recording, typeof Lite,
      typeof and, typeof ItemMap, typeof GodwitError, isWasmUsable(),
      resolve('godwit/godwit.wasm').endsWith('/dist/godwit.wasm'),
      resolve('godwit/godwit-lite.wasm').endsWith('/dist/godwit-lite.wasm'));
  `);
  const output = execFileSync(process.execPath,
    ['--no-warnings', join(folder, 'app.mjs')], { encoding: 'utf8' });
  ok(/^(function ){11}true true true/.test(output), output);
});

test('the types are what an application needs, and no more', () => {
  writeFileSync(join(folder, 'app.mts'), `
    import { Client, type Publication, type Position } from 'godwit';
    import { Client as Plain } from 'godwit/plain';
    import { and, eq, ge } from 'godwit/filter';
    import { ItemMap } from 'godwit/map';
    import { Groups } from 'godwit/groups';
    import { presence, send } from 'godwit/people';
    import { Recording } from 'godwit/record';
    const recording = new Recording({ maxBytes: 1, payloads: false });
    new Client('ws://a', { WebSocket: recording.WebSocket });
    const client: Client = new Client(['ws://a', new URL('ws://b')], {
      retry: { baseMs: 5 }, outbox: { maxCount: 3 }, log: (level, text) => {},
    });
    new Plain('ws://a');
    const off: () => void = client.on('state', ({ from, to, reason }) => {
      if (to === 'ready' && reason.name === 'OK') console.log(from);
    });
    off();
    const sub = client.subscribe('room', { since: 'start', presence: true });
    const map = new ItemMap<number>(client.subscribe('map', {
      since: 'start', filter: and(eq('a', 1), ge('b', 2)), metadata: { tab: 1 },
    }));
    map.on('change', ({ value }) => value?.toFixed());
    // @ts-expect-error a filter is made by functions
    client.subscribe('map', { filter: { a: 1 } });
    sub.on('publication', (p: Publication) => console.log(p.data.text, p.key));
    sub.on('members', ({ members }) => members.get('a')?.state);
    const publishing = sub.publish({ text: 'hi' }, { echo: false });
    const key: string | null = publishing.key;
    publishing.then(({ position }: { position: Position }) => position.offset);
    client.on('message', ({ data, event, to }) => to === 'user' && data);
    const sent: Promise<number> = send(client, { user: 'ann' }, { text: 'hi' });
    const role: Promise<string | null> = new Groups(client).roleOf('g', 'ann');
    presence(client, 'room').then(({ members }) => members[0]?.clientId);
    // @ts-expect-error there is no such address
    send(client, { users: ['ann'] });
    // @ts-expect-error there is no such permission
    new Groups(client).setRole('g', 'member', ['write']);
    console.log(sent, role);
    client.handle('add', async ([a, b]: [number, number]) => a + b);
    // @ts-expect-error there is no such event
    client.on('stat', () => {});
    // @ts-expect-error there is no such option
    client.subscribe('room', { sinc: 'start' });
    // @ts-expect-error internal
    client._failed(key);
  `);
  writeFileSync(join(folder, 'lite.mts'), `
    import { Client, type Publication, type SubscribeOptions } from 'godwit/lite';
    import type { Subscription as Full } from 'godwit';
    import { tagsOf } from 'godwit/filter';
    import { ItemMap } from 'godwit/map';
    import { SharedState } from 'godwit/state';
    import { Groups } from 'godwit/groups';
    import { presence, send } from 'godwit/people';
    const client: Client = new Client('ws://a', { getToken: () => 'a' });
    client.on('state', ({ to }) => to === 'ready');
    client.on('subscription', (sub) => sub.on('gap', ({ from }) => from + 1));
    const options: SubscribeOptions = { since: 'start', overflow: 'conflate' };
    const sub = client.subscribe('room', options);
    sub.on('publication', (p: Publication) => console.log(p.data.text, p.key));
    sub.on('reset', ({ position }) => position.offset);
    sub.publish(1, { item: 'a', compareItem: null }).then((p) => p.duplicate);
    new ItemMap<number>(sub).on('change', ({ value }) => value?.toFixed());
    new SharedState(client, 'user', 'ada').get('theme');
    new Groups(client).roleOf('g', 'ann');
    send(client, { user: 'ann' }, { text: 'hi' });
    presence(client, 'room').then(({ members }) => members[0]?.clientId);
    // @ts-expect-error no presence
    client.subscribe('room', { presence: true });
    // @ts-expect-error no filter
    client.subscribe('room', { filter: { size: 0, terms: new Uint8Array() } });
    // @ts-expect-error no metadata
    client.publish('room', 1, { metadata: {} });
    // @ts-expect-error no tags
    sub.publish(1, { tags: { size: 0, terms: new Uint8Array() } });
    // @ts-expect-error no presence
    sub.enter('online');
    // @ts-expect-error no list of members
    sub.on('members', () => {});
    // @ts-expect-error no messages
    client.on('message', () => {});
    // @ts-expect-error no list of members
    client.members('room');
    // @ts-expect-error no tags
    sub.on('publication', (p) => tagsOf(p));
    // @ts-expect-error a part of the other
    const full: Full = sub;
    // @ts-expect-error internal
    sub._feed;
  `);
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({
    compilerOptions: {
      strict: true, noEmit: true, module: 'nodenext', target: 'es2022',
      lib: ['es2022', 'dom'], types: [], skipLibCheck: false,
    },
    files: ['app.mts', 'lite.mts'],
  }));
  const tsc = file('node_modules/typescript/bin/tsc');
  try {
    execFileSync(process.execPath, [tsc, '-p', folder], { encoding: 'utf8' });
  } catch (error) {
    throw new Error(error.stdout);
  }
});

test('nothing is made of strings, neither here nor in the plain core', () => {
  for (const name of ['index.js', 'plain.js', 'lite.js']) {
    const text = readFileSync(file(`dist/${name}`), 'utf8');
    ok(!/\beval\s*\(|\bnew Function\b|\bFunction\(/.test(text), name);
  }
  const args = ['--disallow-code-generation-from-strings', '--input-type=module'];
  const plain = pathToFileURL(file('dist/plain.js')).href;
  const output = execFileSync(process.execPath, [...args, '-e', `
    const { Client } = await import(${JSON.stringify(plain)});
    const client = new Client('ws://localhost:1', { WebSocket: class {
      close() {} send() {}
    } });
    client.on('state', ({ to }) => { console.log(to); client.free(); });
    client.connect();
  `], { encoding: 'utf8' });
  ok(/connecting/.test(output), output);
});

test('the lock file names no registry', () => {
  const lock = JSON.parse(readFileSync(file('package-lock.json'), 'utf8'));
  for (const [name, entry] of Object.entries(lock.packages))
    ok(entry.resolved === undefined, name);
});

for (const [script, name] of [
  ['index.js', 'godwit.wasm'], ['lite.js', 'godwit-lite.wasm'],
]) {
  test(`the core of ${script} comes from bytes, a compiled module or a URL`,
    async () => {
      const { Client } = await import(`../dist/${script}`);
      const bytes = readFileSync(file(`dist/${name}`));
      const url = pathToFileURL(file(`dist/${name}`));
      for (const wasm of [
        bytes, new Uint8Array(bytes).buffer, await WebAssembly.compile(bytes),
        url, url.href, name,
      ]) {
        await connects(Client, { wasm });
      }
    });
}

test('a script names its own module only, as bundlers take what is named', () => {
  for (const [script, others] of [
    ['index.js', /godwit-lite\.wasm/], ['lite.js', /godwit\.wasm/],
    ['plain.js', /\.wasm/],
  ]) {
    ok(!others.test(readFileSync(file(`dist/${script}`), 'utf8')), script);
  }
});

test('the core comes over HTTP, whatever type the server says', async () => {
  const { Client } = await import('../dist/index.js');
  const bytes = readFileSync(file('dist/godwit.wasm'));
  let type;
  const server = createServer((request, response) => {
    response.writeHead(request.url.startsWith('/godwit') ? 200 : 404,
      { 'content-type': type });
    response.end(bytes);
  });
  server.listen(0, 'localhost');
  await once(server, 'listening');
  const base = `http://localhost:${server.address().port}`;
  try {
    for (type of ['application/wasm', 'application/octet-stream']) {
      await connects(Client, { wasm: `${base}/godwit.wasm?${type}` });
    }
    const failing = new Client('ws://test', {
      wasm: `${base}/missing`, WebSocket: class {},
    });
    const errors = [];
    failing.on('error', (error) => errors.push(error.message));
    await quietly(async () => {
      const publishing = failing.publish('room', 1);
      failing.connect();
      await rejects(failing.ready(), 'INTERNAL');
      await rejects(publishing, 'INTERNAL');
    });
    ok(/404/.test(errors[0]), errors[0]);
    equal(failing.state, 'failed');
  } finally {
    server.closeAllConnections?.();
    server.close();
  }
});

test('a core that the network does not have yet is asked for again', async () => {
  const { Client } = await import('../dist/index.js');
  const bytes = readFileSync(file('dist/godwit.wasm'));
  let asked = 0;
  const server = createServer((request, response) => {
    if (++asked === 1) return request.socket.destroy();
    response.writeHead(asked === 2 ? 503 : 200);
    response.end(bytes);
  });
  server.listen(0, 'localhost');
  await once(server, 'listening');
  const wasm = `http://localhost:${server.address().port}/godwit.wasm`;
  const opened = [];
  const client = new Client('ws://test', { wasm,
    WebSocket: class {
      constructor(url) { opened.push(url); }
      close() {}
    } });
  const told = [];
  client.on('state', ({ to, reason, retryAt }) =>
    told.push(to, reason.name, Boolean(retryAt)));
  try {
    client.connect();
    client.publish('room', 1).catch(() => {});
    for (let i = 0; i < 1000 && !opened.length; i++) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    equal(asked, 3);
    equal(told.slice(0, 12), [
      'waiting', 'CONNECTION_LOST', true, 'connecting', 'OK', false,
      'waiting', 'CONNECTION_LOST', true, 'connecting', 'OK', false]);
    equal(client.info.outbox.count, 1);
  } finally {
    client.free();
    server.close();
  }
});

test('who closes while the core is not there is closed', async () => {
  const { Client } = await import('../dist/index.js');
  const client = new Client('ws://test',
    { wasm: 'http://localhost:1/godwit.wasm', WebSocket: class {} });
  client.connect();
  await new Promise((resolve) => client.on('state', resolve));
  equal(client.state, 'waiting');
  // Commands do not hurry: a server that is overloaded would never come up.
  const call = rejects(client.call('x'), 'CLOSED');
  client.subscribe('room');
  equal(client.state, 'waiting');
  client.close();
  equal(client.state, 'closed');
  await call;
  client.connect();
  equal(client.state, 'connecting');
  client.free();
});

test('who closes while the core is not there leaves no timer', async () => {
  const { Client } = await import('../dist/index.js');
  const { setTimeout, clearTimeout } = globalThis;
  const running = new Set();
  globalThis.setTimeout = (...args) => {
    const timer = setTimeout(...args);
    running.add(timer);
    return timer;
  };
  globalThis.clearTimeout = (timer) => {
    running.delete(timer);
    clearTimeout(timer);
  };
  try {
    const client = new Client('ws://test',
      { wasm: 'http://localhost:1/godwit.wasm', WebSocket: class {} });
    client.connect();
    await new Promise((resolve) => client.on('state', resolve));
    const before = running.size;
    client.close();
    equal(running.size, before - 1);
  } finally {
    Object.assign(globalThis, { setTimeout, clearTimeout });
  }
});

test('a plain core that could not be made is made by the next connect()', async () => {
  const { Client } = await import('../dist/plain.js?again');
  const context = new Context({ Client }, {});
  const client = context.client();
  const { ArrayBuffer } = globalThis;
  globalThis.ArrayBuffer = class {
    constructor() {
      globalThis.ArrayBuffer = ArrayBuffer;
      throw new RangeError('no memory');
    }
  };
  try {
    await quietly(async () => {
      client.connect();
      await rejects(client.ready(), 'INTERNAL');
    });
    client.connect();
    await client.ready();
    context.errors.length = 0;
  } finally {
    globalThis.ArrayBuffer = ArrayBuffer;
    context.end();
  }
});

test('the core is loaded when it is first needed, and once', async () => {
  const { Client } = await import('../dist/index.js');
  const original = WebAssembly.instantiate;
  let loads = 0;
  WebAssembly.instantiate = (...args) => {
    loads++;
    return original.apply(WebAssembly, args);
  };
  try {
    const wasm = pathToFileURL(file('dist/godwit.wasm')).href + '?once';
    const client = new Client('ws://test', { wasm });
    await new Promise((resolve) => setTimeout(resolve, 5));
    equal(loads, 0);
    client.free();
    await connects(Client, { wasm });
    await connects(Client, { wasm });
    equal(loads, 1);
  } finally {
    WebAssembly.instantiate = original;
  }
});

/** Runs with a core of its own, which can be made to trap. */
async function trapping(name, run) {
  const { Client } = await import('../dist/index.js');
  const context = new Context({ Client }, {});
  const original = WebAssembly.instantiate;
  const traps = { now: false };
  WebAssembly.instantiate = async (...args) => {
    const { instance } = await original.apply(WebAssembly, args);
    // on_data, by the letter that it is exported as.
    const e = (...words) => {
      if (traps.now) throw new WebAssembly.RuntimeError('unreachable');
      return instance.exports.e(...words);
    };
    return { instance: { exports: { ...instance.exports, e } } };
  };
  try {
    const wasm = `${pathToFileURL(file('dist/godwit.wasm')).href}?${name}`;
    const client = await context.connected({ wasm });
    await run(context, client, async () => {
      traps.now = true;
      await quietly(() => rejects(client.publish('room', 1), 'INTERNAL'));
      traps.now = false;
      equal(client.state, 'failed');
    });
    equal(context.errors.length, 1);
    context.errors.length = 0;
  } finally {
    WebAssembly.instantiate = original;
    context.end();
  }
}

test('a core that traps fails the client, and connect() begins anew', () =>
  trapping('anew', async (context, client, trap) => {
    const { subscription, told } = await context.subscribed(client, 'room');
    await context.server.deliver(context.server.publication('room', 1, 'one'));
    await trap();
    equal(subscription.state, 'idle');
    client.connect();
    await client.ready();
    const { body } = context.server.framesOf(8).at(-1);
    equal([body.recover, body.offset], [1, 1]);
    await context.server.deliver(context.server.publication('room', 2, 'two'));
    equal(told, ['one', 'two']);
  }));

test('who left while a core was broken is told as gone', () =>
  trapping('left', async (context, client, trap) => {
    const { server } = context;
    let present = [1n, 2n];
    server.on[Type.SUBSCRIBE] = (_, ws, received) => server.send(
      server.subscribed(received),
      frame(Type.PRESENCE_SNAPSHOT, { channel: server.number('room') }, {
        version: 1, members: present.map((client) => ({ client, user: 'u' })),
      }));
    const room = client.subscribe('room', { presence: true });
    const told = [];
    room.on('presence', ({ kind, member }) =>
      told.push(`${kind} ${Number(member.clientId)}`));
    await until(() => room.members.size === 2);
    await trap();
    present = [2n, 3n];
    told.length = 0;
    client.connect();
    await until(() => room.members.size === 2 && told.length === 3);
    equal(told.sort(), ['enter 3', 'leave 1', 'update 2']);
  }));
