// SPDX-License-Identifier: MIT
// two-tabs.spec.ts - two tabs of one person on a phone, of which one is in front.

import { devices } from '@playwright/test';

import { expect, test } from '../../fixtures/test.js';
import { JoinPage } from '../../pages/join-page.js';

for (const name of ['Pixel 7', 'iPhone SE'] as const) {
  test(`two tabs on an emulated ${name}`, async ({ enter, room, server }) => {
    const { defaultBrowserType: _, ...phone } = devices[name]!;
    const first = await enter('Ada', phone);
    const grace = await enter('Grace');
    await first.page.getByRole('button', { name: /people/ }).tap();
    await expect(first.person('Grace')).toBeVisible();
    await first.page.getByRole('button', { name: /people/ }).tap();

    // The link is opened in another tab of the same phone.
    const page = await first.page.context().newPage();
    await first.setHidden(true);
    await page.goto(`${server.url}/chat/#${room}`);
    const second = await new JoinPage(page).enter('Ada', room);
    await second.untilState('ready');
    await expect(grace.person('Ada')).toHaveAttribute('data-windows', '2');
    await expect(grace.people).toHaveCount(2);
    await grace.untilPerson('Ada', 'online');

    await second.input.fill('by thumb');
    await second.page.getByRole('button', { name: 'Send', exact: true }).tap();
    for (const chat of [first, second, grace]) {
      await chat.untilTexts(['by thumb']);
    }

    // The phone is put away: both tabs are hidden, and one is shown again.
    await second.setHidden(true);
    await grace.untilPerson('Ada', 'away');
    await grace.send('are you there?');
    await first.setHidden(false);
    await grace.untilPerson('Ada', 'online');
    for (const chat of [first, second, grace]) {
      await chat.untilTexts(['by thumb', 'are you there?']);
      await expect(chat.gaps).toHaveCount(0);
    }

    // The system ends the tab in the back, and the other is still the person.
    await second.page.close();
    await expect(grace.person('Ada')).toHaveAttribute('data-windows', '1');
    await first.send('still here');
    await grace.untilTexts(['by thumb', 'are you there?', 'still here']);
  });
}
