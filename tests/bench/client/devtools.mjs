// SPDX-License-Identifier: MIT
// devtools.mjs - starts Debian's Chromium and speaks its DevTools protocol, as far
// as a bench needs it. Playwright would do, but watches the network, and then each
// WebSocket message costs the page much more than its own work.

import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { rmSync } from 'node:fs';

const START_MS = 30_000;
const IDLE_FEATURES =
  'WebUIOmniboxPopup,WebUIOmniboxAimPopup,SpareRendererForSitePerProcess';

/** Starts a browser with a profile that begins empty; returns { send, close }.
 * send(method, params, session) asks for one thing; session: of a page, none for
 * the browser. */
export async function startChromium(WebSocket, profile) {
  rmSync(profile, { recursive: true, force: true });
  const browser = spawn(process.env.CHROMIUM_BIN ?? '/usr/bin/chromium', [
    '--headless', '--no-sandbox', '--disable-dev-shm-usage',
    '--disable-background-networking', '--disable-component-update',
    '--disable-sync', '--no-first-run',
    // Parts of a window that nobody sees, and processes that nobody asked for.
    `--disable-features=${IDLE_FEATURES}`,
    // Each page is a tab, and only one of them is in front.
    '--disable-renderer-backgrounding',
    '--disable-backgrounding-occluded-windows',
    '--remote-debugging-port=0',
    `--user-data-dir=${profile}`, 'about:blank',
  ], { stdio: ['ignore', 'ignore', 'pipe'] });
  const ended = new Promise((resolve) => browser.on('exit', resolve));
  const socket = new WebSocket(await findAddress(browser));
  await new Promise((resolve, reject) => {
    socket.onopen = resolve;
    socket.onerror = reject;
  });
  const send = speak(socket);
  const close = async () => {
    await send('Browser.close');
    await ended;
    rmSync(profile, { recursive: true, force: true });
  };
  return { send, close };
}

/** It prints where it listens. */
async function findAddress(browser) {
  const timer = setTimeout(() => browser.kill(), START_MS);
  let last = '';
  for await (const line of createInterface({ input: browser.stderr })) {
    last = line;
    const [, address] = /^DevTools listening on (\S+)/.exec(line) ?? [];
    if (address === undefined) continue;
    clearTimeout(timer);
    browser.stderr.resume();
    return address;
  }
  throw new Error(`Chromium does not start: ${last}`);
}

function speak(socket) {
  const waiting = new Map();
  let lastId = 0;
  socket.onmessage = ({ data }) => {
    const { id, result, error } = JSON.parse(data);
    const { resolve, reject } = waiting.get(id) ?? {};
    waiting.delete(id);
    if (error !== undefined) reject?.(new Error(error.message));
    else resolve?.(result);
  };
  socket.onclose = () => {
    for (const { reject } of waiting.values()) {
      reject(new Error('Chromium has ended'));
    }
  };
  return (method, params = {}, sessionId = undefined) =>
    new Promise((resolve, reject) => {
      const id = ++lastId;
      waiting.set(id, { resolve, reject });
      socket.send(JSON.stringify({ id, method, params, sessionId }));
    });
}
