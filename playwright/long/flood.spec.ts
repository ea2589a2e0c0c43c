// SPDX-License-Identifier: MIT
// flood.spec.ts - a thousand messages a second for a minute: all come, once and in
// order, the page does not grow, and it goes on drawing.

import type { Browser, Page } from '@playwright/test';

import { openEmptyPage } from '../fixtures/empty-page.js';
import { accountOf, flood, openAccount } from '../fixtures/flood.js';
import { type Frames, type Memory, Meter } from '../fixtures/meter.js';
import type { Server } from '../fixtures/server.js';
import { expect, test } from '../fixtures/test.js';

const SECONDS = Number(process.env.FLOOD_SECONDS ?? 60);
const PER_SECOND = 1000;
const ALL = SECONDS * PER_SECOND;
/** Samples of the memory; a third of them is compared with another third. */
const SAMPLES = 12;
const SAMPLE_MS = SECONDS * 1000 / SAMPLES;
/** What is ready to be collected is not always; a leak of 20 bytes a message is
 * more than this. */
const SLACK_BYTES = 512 * 1024;
const SLACK_SHARE = 0.05;
/** Of all frames, those that may be long beyond what a page sees that does nothing
 * beside it: others use the machine, too. */
const LONG_SHARE = 0.02;
/** Of the time, what the page may compute; by the thread's own clock. */
const BUSY_SHARE = 0.25;
/** Rows that the chat may make: four windows full a second, and what it keeps, at
 * the beginning and at the end. */
const DRAWN_MAX = SECONDS * 60 + 1000;

const PATIENCE_MS = 60_000;

interface Reading extends Window {
  count?: { last: number; faults: string[] };
}

/** What has come to a page. */
interface Come {
  last: number;
  /** The first few things that were not as they should be. */
  faults: string[];
}

interface Reader {
  meter: Meter;
  come: () => Promise<Come>;
}

const longShare = ({ long, drawn }: Frames): number => long / drawn;

/** In an empty page: the SDK alone. */
async function readAlone(page: Page, channel: string): Promise<void> {
  await page.evaluate(async (name) => {
    const { Client } = await import(new URL('/sdk/index.js', location.href).href);
    const count: Come = { last: 0, faults: [] };
    (window as Reading).count = count;
    const fault = (text: string): void => {
      if (count.faults.length < 10) count.faults.push(text);
    };
    const client = new Client('/v1/ws');
    const sub = client.subscribe(name);
    sub.on('publication', ({ data }: { data: { text: string } }) => {
      const number = Number(data.text.slice('flood '.length));
      if (number !== count.last + 1) fault(`${number} after ${count.last}`);
      count.last = number;
    });
    sub.on('gap', ({ reason }: { reason: string }) => fault(`gap: ${reason}`));
    client.connect();
    await client.ready();
  }, channel);
}

/** Looks at the memory from time to time, until the flood is over. */
async function sampleUntil(end: Promise<unknown>, meter: Meter):
Promise<Memory[]> {
  const samples: Memory[] = [];
  let isOver = false;
  const over = end.then(() => { isOver = true; }, () => { isOver = true; });
  while (!isOver) {
    samples.push(await meter.memory());
    await Promise.race([over,
      new Promise((resolve) => setTimeout(resolve, SAMPLE_MS))]);
  }
  // The first is from before the rows were as many as they get.
  return samples.slice(1);
}

const mib = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(2)} MiB`;

/** Once the rows are as many as they get, memory stays as it is. */
function checkMemory(memory: Memory[]): void {
  const third = Math.floor(memory.length / 3);
  const heap = memory.map(({ heapBytes }) => heapBytes);
  // The least of each: what waits to be drawn comes and goes, a leak stays.
  const first = Math.min(...heap.slice(0, third));
  const last = Math.min(...heap.slice(-third));
  console.log(`heap ${mib(first)} in the first third, ${mib(last)} in the last, ` +
    `module ${mib(memory.at(-1)!.wasmBytes)}`);
  expect(third).toBeGreaterThan(0);
  expect(last - first).toBeLessThan(SLACK_BYTES + SLACK_SHARE * first);
  expect(memory.at(-1)!.wasmBytes).toBe(memory[0]!.wasmBytes);
}

/** Floods the channel that the reader reads, beside a page that does nothing, and
 * holds what came of it against what should. */
async function withstand({ meter, come }: Reader, channel: string,
  { browser, server }: { browser: Browser; server: Server }): Promise<void> {
  const writer = await browser.newPage();
  await openEmptyPage(writer, server);
  const bystander = await browser.newPage();
  const idle = await Meter.of(bystander);
  await openEmptyPage(bystander, server);

  await idle.startFrames();
  await meter.startFrames();
  const busyBefore = await meter.busySeconds();
  const flooding = flood(writer, channel, ALL, PER_SECOND);
  const memory = await sampleUntil(flooding, meter);
  const { seconds, refused } = await flooding;
  await expect.poll(async () => (await come()).last, { timeout: PATIENCE_MS })
    .toBe(ALL);
  memory.push(await meter.memory());
  const busy = (await meter.busySeconds() - busyBefore) / seconds;
  const frames = await meter.frames();
  const others = await idle.frames();
  console.log(`${ALL} messages in ${seconds.toFixed(1)} s; main thread busy ` +
    `${(busy * 100).toFixed(1)} %; frames: ${JSON.stringify(frames)}; of a page ` +
    `that does nothing: ${JSON.stringify(others)}`);

  expect(refused).toEqual([]);
  expect((await come()).faults).toEqual([]);
  checkMemory(memory);
  expect(longShare(frames) - longShare(others)).toBeLessThan(LONG_SHARE);
  expect(busy).toBeLessThan(BUSY_SHARE);
  await writer.close();
  await bystander.close();
}

test('a page with the SDK alone withstands a flood',
  async ({ browser, page, server, room }) => {
    const meter = await Meter.of(page);
    await openEmptyPage(page, server);
    await readAlone(page, `room:${room}`);
    const come = (): Promise<Come> =>
      page.evaluate(() => (window as Reading).count!);
    await withstand({ meter, come }, `room:${room}`, { browser, server });
  });

test('the chat withstands a flood', async ({ browser, enter, server, room }) => {
  let meter: Meter | undefined;
  const ada = await enter('Ada', {
    prepare: async (its) => { meter = await Meter.of(its); },
  });
  const { page } = ada;
  await openAccount(page);
  await withstand({ meter: meter!, come: () => accountOf(page) },
    `room:${room}`, { browser, server });
  const { drawn, folded } = await accountOf(page);
  console.log(`rows drawn ${drawn}, folded at a time ${folded}`);
  expect(drawn).toBeLessThan(DRAWN_MAX);
  await expect(ada.gaps).toHaveCount(0);
  await ada.untilState('ready');
});
