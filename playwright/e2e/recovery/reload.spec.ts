// SPDX-License-Identifier: MIT
// reload.spec.ts - the page is loaded again in the middle of publishing: by people
// in the chat, whose page has no store, and with an outbox that has one.

import type { Page } from '@playwright/test';

import { openEmptyPage } from '../../fixtures/empty-page.js';
import { reconcile } from '../../fixtures/reconcile.js';
import { Recorder, type Shown } from '../../fixtures/recorder.js';
import { expect, test } from '../../fixtures/test.js';

const RELOADS = 4;
const PER_BURST = 40;

/** Writes "PREFIX 1" to "PREFIX count" at once, and keeps in sessionStorage, which
 * outlives the page, the number of the last that the page saw acknowledged. */
async function writeBurst(page: Page, prefix: string,
  count: number): Promise<void> {
  await page.evaluate(([name, n]) => {
    const keep = (row: HTMLElement): void => {
      const text = row.querySelector('.message-text')?.textContent ?? '';
      if (text.startsWith(`${name} `)) {
        sessionStorage.setItem('acknowledged', text.slice(name.length + 1));
      }
    };
    // Back in the stream, or acknowledged before that.
    new MutationObserver((changes) => changes.forEach(({ addedNodes }) =>
      addedNodes.forEach((row) => keep(row as HTMLElement))))
      .observe(document.querySelector('#messages')!, { childList: true });
    new MutationObserver((changes) => changes.forEach(({ target }) => {
      const row = target as HTMLElement;
      if (row.dataset.state === 'acknowledged') keep(row);
    })).observe(document.querySelector('#waiting')!,
      { subtree: true, attributeFilter: ['data-state'] });

    sessionStorage.setItem('acknowledged', '0');
    const form = document.querySelector<HTMLFormElement>('#compose')!;
    for (let i = 1; i <= n; i++) {
      form.querySelector('textarea')!.value = `${name} ${i}`;
      form.requestSubmit();
    }
  }, [prefix, count] as const);
}

/** The highest number that was shown with this prefix. */
const lastOf = (shown: Shown[], prefix: string): number =>
  Math.max(0, ...shown.filter(({ text }) => text.startsWith(`${prefix} `))
    .map(({ text }) => Number(text.slice(prefix.length + 1))));

test('reloads while the chat sends: what was acknowledged is there, once',
  async ({ enter }) => {
    const ada = await enter('Ada');
    const grace = await enter('Grace');
    const recorder = await Recorder.attach(grace);
    // It asks whether to go without what is not sent.
    ada.page.on('dialog', (dialog) => dialog.accept());
    const acknowledged: number[] = [];
    for (let reload = 0; reload < RELOADS; reload++) {
      const prefix = `Ada${reload}`;
      await writeBurst(ada.page, prefix, PER_BURST);
      // In every other turn some are acknowledged before.
      if (reload % 2) {
        await expect(ada.message(`${prefix} 1`)).toBeAttached();
      }
      await ada.page.reload();
      await ada.untilState('ready');
      acknowledged.push(await ada.page.evaluate(() =>
        Number(sessionStorage.getItem('acknowledged'))));
    }

    await ada.send('the end');
    await expect(async () => {
      const texts = await ada.texts().allTextContents();
      expect(texts).toContain('the end');
      expect(await grace.texts().allTextContents()).toEqual(texts);
    }).toPass({ timeout: 15_000 });
    const shown = await recorder.shown();
    // Of each burst a first part, without holes: all of what was acknowledged.
    const writers = acknowledged.map((_, reload) => ({ prefix: `Ada${reload}`,
      written: lastOf(shown, `Ada${reload}`), own: false }));
    const { faults, gaps } = reconcile(shown, writers);
    expect(faults).toEqual([]);
    expect(gaps).toEqual({});
    for (const [reload, { written }] of writers.entries()) {
      expect(written).toBeGreaterThanOrEqual(acknowledged[reload]!);
    }
    expect(Math.max(...acknowledged)).toBeGreaterThan(0);
  });

/** A client with an outbox that is kept in localStorage publishes the next count
 * numbers; resolves when the first of them is acknowledged, or at once. */
async function publishKept(page: Page, channel: string, count: number,
  waits: boolean): Promise<void> {
  await page.evaluate(async ([name, n, waitsForFirst]) => {
    const { Client } = await import(new URL('/sdk/index.js', location.href).href);
    const store = {
      load: () => Object.keys(localStorage)
        .filter((key) => key.startsWith('outbox '))
        .map((key) => [key.slice(7),
          Uint8Array.from(JSON.parse(localStorage.getItem(key)!))]),
      put: (key: string, entry: Uint8Array) =>
        localStorage.setItem(`outbox ${key}`, JSON.stringify([...entry])),
      remove: (key: string) => localStorage.removeItem(`outbox ${key}`),
    };
    localStorage.instance ??=
      JSON.stringify([...crypto.getRandomValues(new Uint8Array(16))]);
    const client = new Client('/v1/ws', { user: 'Ada', outbox: { store },
      instance: Uint8Array.from(JSON.parse(localStorage.instance)) });
    client.connect();
    Object.assign(window, { client });
    let first;
    for (let i = 0; i < n; i++) {
      const number = Number(localStorage.written ?? 0) + 1;
      localStorage.written = `${number}`;
      const publishing = client.publish(name, { text: `Ada ${number}` });
      publishing.catch(() => {});
      first ??= publishing;
    }
    if (waitsForFirst) await first;
    else await client.ready();
  }, [channel, count, waits] as const);
}

test('reloads with an outbox that is stored: all is there, once and in order',
  async ({ enter, page, room, server }) => {
    const grace = await enter('Grace');
    const recorder = await Recorder.attach(grace);
    await openEmptyPage(page, server);
    for (let reload = 1; reload <= RELOADS; reload++) {
      await publishKept(page, `room:${room}`, PER_BURST, reload % 2 === 0);
      await page.reload();
    }
    await publishKept(page, `room:${room}`, 1, true);
    const written = RELOADS * PER_BURST + 1;
    await expect(grace.texts().last()).toHaveText(`Ada ${written}`);
    const { faults, gaps, shown } = reconcile(await recorder.shown(),
      [{ prefix: 'Ada', written, own: false }]);
    expect(faults).toEqual([]);
    expect(gaps).toEqual({});
    expect(shown).toBe(written);
    expect(await page.evaluate(() => Object.keys(localStorage)
      .filter((key) => key.startsWith('outbox ')))).toEqual([]);
  });
