// SPDX-License-Identifier: MIT
// looks.spec.ts - every page of the gallery on a phone of 360 pixels, in the dark,
// and for those who do not see it.

import { AxeBuilder } from '@axe-core/playwright';
import type { Page } from '@playwright/test';

import { expect, test, type Visit } from '../../fixtures/test.js';

const KINDS: Record<string, Visit> = {
  'in light': { colorScheme: 'light', reducedMotion: 'reduce' },
  'in the dark on a phone': { colorScheme: 'dark', reducedMotion: 'reduce',
    viewport: { width: 360, height: 740 }, hasTouch: true },
};

/** Brings a page into the state that has the most to show. */
const FILL: Record<string, (page: Page) => Promise<void>> = {
  '': async () => {},
  'presence/': async (page) => {
    await page.getByLabel('What you are at').fill('x'.repeat(60));
    await page.getByRole('button', { name: 'Ask the server' }).click();
    await expect(page.locator('#found > li').first()).toBeVisible();
  },
  'cursors/': async (page) => {
    await page.locator('#stage').focus();
    await page.keyboard.press('ArrowUp');
  },
  'gate/': async (page) => {
    await page.locator('[data-to=locked]').click();
    await expect(page.locator('#state')).toHaveText('Locked');
    await page.locator('[data-to=open]').click();
    await expect(page.locator('#answer[data-kind=error]')).toBeVisible();
    await page.getByLabel('What it says').fill('x'.repeat(60));
    await page.getByRole('button', { name: 'Hang it' }).click();
    await expect(page.locator('#sign')).toBeVisible();
  },
  'console/': async (page) => {
    await page.getByLabel('Argument').fill(JSON.stringify('x'.repeat(300)));
    await page.getByRole('button', { name: 'Call', exact: true }).click();
    await page.getByLabel('Examples').selectOption({ index: 0 });
    await page.getByRole('button', { name: 'Call', exact: true }).click();
    await expect(page.locator('[data-outcome=answer]')).toBeVisible();
    await expect(page.locator('[data-outcome=error]')).toBeVisible();
  },
  'chat/': async (page) => {
    await expect(page.locator('#members-list > li')).toHaveCount(1);
  },
};

for (const [kind, options] of Object.entries(KINDS)) {
  test(`nothing to complain about ${kind}`, async ({ open, room }) => {
    for (const [path, fill] of Object.entries(FILL)) {
      const hash = path === 'chat/' ? `#club/${room}` : `#${room}`;
      const page = await open(`${path}${hash}`, 'Ada of the long and winding',
        options);
      await fill(page);
      expect(await page.evaluate(() => document.documentElement.scrollWidth -
        document.documentElement.clientWidth), path).toBe(0);
      const { violations } =
        await new AxeBuilder({ page }).setLegacyMode().analyze();
      expect(violations.map(({ id, help, nodes }) =>
        `${id}: ${help}: ${nodes.map((n) => n.target.join(' ')).join(', ')}`),
      path).toEqual([]);
      await page.close();
    }
  });
}
