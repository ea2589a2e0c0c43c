// SPDX-License-Identifier: MIT
// driver.mjs - a browser of WebKitGTK, and the WebKitWebDriver that drives it by the
// WebDriver protocol (W3C): a process each, a display, one session, and what its pages
// wrote into their consoles. WEBKIT_DRIVER is another driver.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { Display } from './display.mjs';

const DRIVER = process.env.WEBKIT_DRIVER ?? 'WebKitWebDriver';
const BROWSER = fileURLToPath(new URL('browser.py', import.meta.url));
const START_MS = 60_000;
const POLL_MS = 50;

/** A container has neither a graphics card nor a bus of the desktop. */
const ENV = {
  WEBKIT_DISABLE_DMABUF_RENDERER: '1', WEBKIT_DISABLE_COMPOSITING_MODE: '1',
  LIBGL_ALWAYS_SOFTWARE: '1', NO_AT_BRIDGE: '1', GTK_A11Y: 'none',
};

const sleep = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });

export class Driver {
  /** "WebKitGTK 2.50.6". */
  name = '';
  /** Lines that driver, browser and pages have written. */
  lines = [];
  #display;
  #process;
  #folder = mkdtempSync(join(tmpdir(), 'godwit-webkit-'));
  #url;
  #session = '';

  /** isDark: the browser's pages are told that their reader wants it dark. */
  static async start({ isDark = false } = {}) {
    const driver = new Driver();
    try {
      await driver.#start(isDark);
    } catch (error) {
      await driver.close();
      throw error;
    }
    return driver;
  }

  async #start(isDark) {
    this.#display = await Display.start();
    await this.#spawn();
    await this.#untilReady();
    const { sessionId, capabilities } = await this.#request('POST', '/session', {
      capabilities: { alwaysMatch: { 'webkitgtk:browserOptions': {
        binary: BROWSER, args: ['--automation', '--data', this.#folder,
          ...(isDark ? ['--dark'] : [])] } } },
    });
    this.#session = `/session/${sessionId}`;
    this.name = `${capabilities.browserName} ${capabilities.browserVersion}`;
  }

  async #spawn() {
    const port = await freePort();
    this.#url = `http://127.0.0.1:${port}`;
    this.#process = spawn(DRIVER, ['--host=127.0.0.1', `--port=${port}`], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...ENV, DISPLAY: this.#display.name },
    });
    this.#process.on('error', (error) => this.lines.push(String(error)));
    for (const stream of [this.#process.stdout, this.#process.stderr]) {
      this.#collect(stream);
    }
  }

  #collect(stream) {
    let rest = '';
    stream.setEncoding('utf8').on('data', (text) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop();
      this.lines.push(...lines);
    });
  }

  async #untilReady() {
    const deadline = Date.now() + START_MS;
    for (;;) {
      const isReady = await this.#request('GET', '/status')
        .then(({ ready }) => ready, () => false);
      if (isReady) return;
      if (this.#process.exitCode !== null || Date.now() > deadline) {
        throw new Error(
          `${DRIVER} does not start:\n${this.lines.join('\n')}`);
      }
      await sleep(POLL_MS);
    }
  }

  async #request(method, path, body) {
    const response = await fetch(`${this.#url}${path}`,
      { method, ...(body && { body: JSON.stringify(body) }) });
    const { value } = await response.json();
    if (!response.ok) throw new Error(`${value.error}: ${value.message}`);
    return value;
  }

  /** A command of the session, such as send('POST', '/url', { url }); its value. */
  send(method, path, body) {
    return this.#request(method, this.#session + path, body);
  }

  async close() {
    if (this.#session) await this.send('DELETE', '').catch(() => {});
    // Without a pid it never started, and has nothing to end.
    if (this.#process?.pid && this.#process.exitCode === null) {
      const ended = once(this.#process, 'exit');
      this.#process.kill();
      await ended;
    }
    await this.#display?.close();
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 10 });
  }
}

async function freePort() {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address();
  probe.close();
  await once(probe, 'close');
  return port;
}
