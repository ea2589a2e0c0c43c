// SPDX-License-Identifier: MIT
// display.mjs - a display without a screen, by Xvfb. Each browser has one of its own,
// as people have: on one that is shared, a single window has the keyboard's focus.

import { spawn } from 'node:child_process';
import { once } from 'node:events';

const START_MS = 60_000;

export class Display {
  /** Such as ":99". */
  name = '';
  #process;

  static async start() {
    const display = new Display();
    try {
      await display.#start();
    } catch (error) {
      await display.close();
      throw error;
    }
    return display;
  }

  async #start() {
    // It chooses a free number and writes it there.
    this.#process = spawn('Xvfb', ['-displayfd', '3', '-screen', '0',
      '1280x1024x24', '-nolisten', 'tcp'],
    { stdio: ['ignore', 'ignore', 'ignore', 'pipe'] });
    const ended = once(this.#process, 'exit',
      { signal: AbortSignal.timeout(START_MS) });
    const [number] = await Promise.race([once(this.#process.stdio[3], 'data'),
      ended.then(() => { throw new Error('Xvfb does not start'); })]);
    this.name = `:${String(number).trim()}`;
  }

  async close() {
    const child = this.#process;
    if (!child.pid || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill();
    await ended;
  }
}
