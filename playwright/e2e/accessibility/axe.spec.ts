// SPDX-License-Identifier: MIT
// axe.spec.ts - axe finds nothing to complain about, in any state of the page.

import { AxeBuilder } from '@axe-core/playwright';
import type { Page } from '@playwright/test';

import { expect, test, type Visit } from '../../fixtures/test.js';

const KINDS: Record<string, Visit> = {
  'in light': { colorScheme: 'light' },
  'in the dark': { colorScheme: 'dark' },
  'on a phone': { viewport: { width: 360, height: 740 } },
};

async function check(page: Page, state: string): Promise<void> {
  // Legacy mode looks at one frame, which is all there is, and is quicker.
  const { violations } =
    await new AxeBuilder({ page }).setLegacyMode().analyze();
  expect(violations.map(({ id, help, nodes }) =>
    `${id}: ${help}: ${nodes.map((n) => n.target.join(' ')).join(', ')}`),
  state).toEqual([]);
}

for (const [name, options] of Object.entries(KINDS)) {
  test(`axe finds nothing ${name}`, async ({ enter, visit, server }) => {
    const join = await visit(options);
    await check(join.page, 'first screen');

    const ada = await enter('Ada', options);
    await check(ada.page, 'empty room');
    const grace = await enter('Grace', options);
    await grace.ownState.selectOption('away');
    await grace.send('Good morning', '🐦');
    await ada.send('Good morning');
    await expect(ada.messages).toHaveCount(3);
    await grace.input.pressSequentially('hm');
    await expect(ada.typing).not.toBeEmpty();
    await ada.status.detailsButton.click();
    await check(ada.page, 'conversation, with details');
    await ada.page.getByRole('button', { name: 'Close' }).click();

    await server.kill9();
    await ada.send('waiting');
    await expect(ada.status.reconnect).toBeVisible();
    await check(ada.page, 'connection lost');
    await server.start();
    await expect(ada.gaps).toHaveCount(1);
    await check(ada.page, 'after a gap');
  });
}
