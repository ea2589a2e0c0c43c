// SPDX-License-Identifier: MIT
// arrivals.spec.ts - which messages of a flood the chat draws, by a clock of the
// test's own: its module alone, in an empty page.

import type { Page } from '@playwright/test';

import { openEmptyPage } from '../../fixtures/empty-page.js';
import { expect, test } from '../../fixtures/test.js';

const IN_WINDOW = 14;

interface Look {
  /** Kinds and numbers of what was taken: "1-200", "fold 201-300", "gap". */
  taken: string[];
  isFlood: boolean;
}

interface Step {
  /** How many messages come, one each millisecond. */
  messages?: number;
  gap?: boolean;
  waitMs?: number;
}

test.beforeEach(async ({ page, server }) => openEmptyPage(page, server));

/** Takes what is to be drawn after each list of steps. */
const run = (page: Page, looks: Step[][]):
Promise<Look[]> => page.evaluate(async ([all, inWindow]) => {
  const { Arrivals, numMessages } =
    await import(new URL('/chat/arrivals.js', location.href).href);
  const arrivals = new Arrivals(0);
  let now = 0;
  let come = 0;
  let told = 0;
  const name = (entry: { kind: string }): string => {
    const first = told + 1;
    told += numMessages(entry);
    const numbers = first === told ? `${told}` : `${first}-${told}`;
    return entry.kind === 'gap' ? 'gap' : `${entry.kind} ${numbers}`;
  };
  return all.map((steps) => {
    for (const { messages = 0, gap, waitMs = 0 } of steps) {
      for (let i = 0; i < messages; i++) {
        now += 1;
        come += 1;
        arrivals.add({ kind: 'message', number: come }, now);
      }
      if (gap) arrivals.add({ kind: 'gap', from: 0, to: null }, now);
      now += waitMs;
    }
    const taken: string[] = [];
    for (const entry of arrivals.take(now, inWindow)) taken.push(name(entry));
    return { taken, isFlood: arrivals.isFlood(now) };
  });
}, [looks, IN_WINDOW] as const);

test('a burst is drawn as it comes', async ({ page }) => {
  const [look] = await run(page, [[{ messages: 100 }]]);
  expect(look!.taken).toHaveLength(100);
  expect(look!.isFlood).toBe(false);
});

test('in a flood the newest are drawn, and the others folded in their place',
  async ({ page }) => {
    const [look] = await run(page, [[{ messages: 300 }, { gap: true },
      { messages: 10 }]]);
    expect(look!.isFlood).toBe(true);
    expect(look!.taken.slice(0, 2)).toEqual(['fold 1-296', 'message 297']);
    expect(look!.taken.slice(4, 6)).toEqual(['message 300', 'gap']);
    expect(look!.taken.at(-1)).toBe('message 310');
  });

test('a flood that is looked at seldom is not over, one that has ended is',
  async ({ page }) => {
    const looks = await run(page, [[{ messages: 1000 }], [{ messages: 2000 }],
      [{ messages: 2000 }], [{ waitMs: 1000 }]]);
    expect(looks.map(({ isFlood }) => isFlood))
      .toEqual([true, true, true, false]);
    for (const { taken } of looks.slice(0, 3)) {
      expect(taken).toHaveLength(IN_WINDOW + 1);
    }
  });

test('what waits for long is bounded, and counted', async ({ page }) => {
  const [look] = await run(page, [[{ messages: 100_000, waitMs: 5000 }]]);
  expect(look!.taken).toHaveLength(501);
  expect(look!.taken[0]).toBe('fold 1-99500');
  expect(look!.taken.at(-1)).toBe('message 100000');
});
