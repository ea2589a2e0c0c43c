// SPDX-License-Identifier: MIT
// looks.spec.ts - the page for administrators on a phone and in the dark, for axe
// and for screen readers. SHOTS=FOLDER keeps pictures.

import { AxeBuilder } from '@axe-core/playwright';
import type { Page } from '@playwright/test';

import { ADMIN, expect, PASSWORD, test } from '../../fixtures/admin.js';
import type { Visit } from '../../fixtures/test.js';

const KINDS: Record<string, Visit> = {
  light: { colorScheme: 'light' },
  dark: { colorScheme: 'dark' },
  phone: { viewport: { width: 360, height: 740 }, colorScheme: 'light' },
  'dark phone': { viewport: { width: 360, height: 740 }, colorScheme: 'dark' },
};

async function check(page: Page, state: string): Promise<void> {
  if (process.env.SHOTS) {
    await page.screenshot({ fullPage: true,
      path: `${process.env.SHOTS}/${state.replaceAll(/\W+/g, '-')}.png` });
  }
  const { violations } =
    await new AxeBuilder({ page }).setLegacyMode().analyze();
  expect(violations.map(({ id, help, nodes }) =>
    `${id}: ${help}: ${nodes.map((n) => n.target.join(' ')).join(', ')}`),
  state).toEqual([]);
}

for (const [name, options] of Object.entries(KINDS)) {
  test(`looks well and axe finds nothing: ${name}`, async ({ admin, enter }) => {
    const ada = await admin({ ...options, complaints: /status of 401/ });
    await check(ada.page, `${name} login`);
    expect(await ada.overflow()).toBe(0);
    await ada.name.fill(ADMIN);
    await ada.password.fill('not the password');
    await ada.password.press('Enter');
    await expect(ada.error).not.toBeEmpty();
    await check(ada.page, `${name} login failed`);

    await enter('Grace');
    await enter('Ada of the very long and winding name');
    await ada.logIn(ADMIN, PASSWORD);
    await expect(ada.connection('Grace')).toHaveCount(1);
    await check(ada.page, `${name} board`);
    expect(await ada.overflow()).toBe(0);
    await ada.connection('Grace').getByRole('button').click();
    await expect(ada.dialog).toBeVisible();
    await check(ada.page, `${name} question`);
    await ada.page.keyboard.press('Escape');
    await ada.page.getByLabel('User', { exact: true }).fill('nobody at all');
    await expect(ada.page.getByText('No such connection.')).toBeVisible();
    await ada.page.getByLabel('Payload, as JSON').fill('{');
    await ada.page.getByLabel('Channel', { exact: true }).fill('room:a');
    await ada.page.getByRole('button', { name: 'Publish' }).click();
    await check(ada.page, `${name} mistakes`);
    expect(await ada.overflow()).toBe(0);
  });
}

test('a phone shows each connection as a card with its heads', async ({
  admin, enter,
}) => {
  await enter('Grace');
  const ada = await admin(KINDS.phone);
  await ada.logIn(ADMIN, PASSWORD);
  const row = ada.connection('Grace');
  await expect(row).toBeVisible();
  const head = await row.getByRole('cell').first().evaluate((cell) =>
    getComputedStyle(cell, '::before').content);
  expect(head).toContain('User');
  const box = await row.getByRole('button').boundingBox();
  expect(box!.height).toBeGreaterThanOrEqual(44);
});

test('the page follows the system into the dark', async ({ admin }) => {
  const brightness = (page: Page): Promise<number> => page.evaluate(() =>
    Math.max(...getComputedStyle(document.body).backgroundColor
      .match(/\d+/g)!.map(Number)));
  const ada = await admin({ colorScheme: 'light' });
  expect(await brightness(ada.page)).toBeGreaterThan(200);
  await ada.page.emulateMedia({ colorScheme: 'dark' });
  expect(await brightness(ada.page)).toBeLessThan(60);
});

test('landmarks, heads and what is told to a screen reader', async ({ admin }) => {
  const ada = await admin();
  await expect(ada.page.getByRole('main')).toHaveCount(1);
  await ada.logIn(ADMIN, PASSWORD);
  for (const role of ['banner', 'main', 'contentinfo'] as const) {
    await expect(ada.page.getByRole(role)).toHaveCount(1);
  }
  for (const name of ['Node', 'Connections', 'Channels', 'Publish']) {
    await expect(ada.page.getByRole('region', { name })).toBeVisible();
  }
  await expect(ada.status.getByRole('status')).toHaveText('Up to date');
  // The time changes every few seconds: it is beside the live region.
  await expect(ada.status.getByRole('status')).not.toContainText(':');
});
