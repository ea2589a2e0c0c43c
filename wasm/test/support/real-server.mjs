// SPDX-License-Identifier: MIT
// real-server.mjs - the server's binary on free ports, for tests in Node.

import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
export const BINARY = process.env.GODWIT_BIN ?? join(ROOT, 'build/san/godwit');
const START_MS = 20_000;

export class RealServer {
  log = '';
  #folder = mkdtempSync(join(tmpdir(), 'godwit-sdk-'));
  #process = null;
  #port = 0;
  #args;

  constructor(...args) {
    this.#args = args;
  }

  get url() {
    const scheme = this.#args.includes('--tls.cert') ? 'wss' : 'ws';
    return `${scheme}://localhost:${this.#port}/v1/ws`;
  }

  /** The first start chooses a port, which later ones keep. */
  async start() {
    this.#port ||= await freePort();
    const ports = join(this.#folder, 'ports');
    rmSync(ports, { force: true });
    const child = spawn(BINARY, [
      'serve', '--listen.public', `localhost:${this.#port}`,
      '--listen.internal', '', '--workers', '2', '--port-file', ports,
      ...this.#args,
    ], { cwd: this.#folder, stdio: ['ignore', 'ignore', 'pipe'] });
    child.stderr.on('data', (bytes) => {
      this.log += bytes;
    });
    this.#process = child;
    const deadline = Date.now() + START_MS;
    while (!existsSync(ports) || readFileSync(ports, 'utf8') === '') {
      if (child.exitCode !== null || Date.now() > deadline) {
        throw new Error(`the server did not start:\n${this.log}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  get isRunning() {
    return this.#process !== null && !hasEnded(this.#process);
  }

  /** Returns the exit code, or the signal that ended it before it was told to. */
  async end(signal = 'SIGTERM') {
    const child = this.#process;
    this.#process = null;
    if (child === null) return 0;
    if (hasEnded(child)) return child.exitCode ?? child.signalCode;
    const exited = once(child, 'exit');
    child.kill(signal);
    const [code] = await exited;
    return code;
  }

  async kill() {
    await this.end('SIGKILL');
  }

  async close() {
    const code = await this.end();
    rmSync(this.#folder, { recursive: true, force: true });
    if (code !== 0) throw new Error(`exit code ${code}:\n${this.log}`);
  }
}

const hasEnded = ({ exitCode, signalCode }) =>
  exitCode !== null || signalCode !== null;

/** One that outgoing connections do not take while the server is down. */
async function freePort() {
  for (;;) {
    const port = 10_000 + Math.floor(Math.random() * 10_000);
    const probe = createServer();
    probe.listen(port, 'localhost');
    const isFree = await Promise.race([
      once(probe, 'listening').then(() => true),
      once(probe, 'error').then(() => false),
    ]).catch(() => false);
    probe.close();
    if (isFree) return port;
  }
}
