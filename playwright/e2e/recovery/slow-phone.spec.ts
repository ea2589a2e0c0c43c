// SPDX-License-Identifier: MIT
// slow-phone.spec.ts - a phone with a slow processor reads along with somebody who
// is quick.

import { devices } from '@playwright/test';

import { reconcile } from '../../fixtures/reconcile.js';
import { Recorder } from '../../fixtures/recorder.js';
import { expect, test } from '../../fixtures/test.js';

/** How many times slower than this machine. */
const SLOWNESS = 4;
const PER_SECOND = 40;
const LEAST = 80;
const PATIENCE_MS = 40_000;

test('a slow phone has everything, in order', async ({ enter }) => {
  const { defaultBrowserType: _, ...phone } = devices['Pixel 7']!;
  const ada = await enter('Ada', phone);
  const grace = await enter('Grace');
  const session = await ada.page.context().newCDPSession(ada.page);
  await session.send('Emulation.setCPUThrottlingRate', { rate: SLOWNESS });
  const recorder = await Recorder.attach(ada);
  const writer = await Recorder.attach(grace);

  await writer.startWriting('Grace', PER_SECOND);
  await ada.send('Ada 1', 'Ada 2', 'Ada 3');
  await expect.poll(() => ada.messages.count(), { timeout: PATIENCE_MS })
    .toBeGreaterThan(LEAST);
  const written = await writer.stopWriting();
  await ada.send('Ada 4');
  await expect(grace.status.outbox).toHaveText('0');
  for (const chat of [ada, grace]) {
    for (const text of ['Ada 4', `Grace ${written}`]) {
      await expect(chat.message(text)).toBeAttached({ timeout: PATIENCE_MS });
    }
  }
  const { faults, gaps, shown } = reconcile(await recorder.shown(), [
    { prefix: 'Grace', written, own: false },
    { prefix: 'Ada', written: 4, own: true },
  ]);
  expect(faults).toEqual([]);
  expect(gaps).toEqual({});
  expect(shown).toBe(written + 4);
});
