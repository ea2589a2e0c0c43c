// SPDX-License-Identifier: MIT
// presence.spec.ts - the presence board: states, automatic away, and questions.

import type { Page } from '@playwright/test';

import { expect, test } from '../../fixtures/test.js';

const card = (page: Page, state: string, name: string) =>
  page.locator(`[data-state=${state}].column [data-name="${name}"]`);

test('states and what people tell are seen by the others',
  async ({ open, room }) => {
    const ada = await open(`presence/#${room}`, 'Ada');
    const grace = await open(`presence/#${room}`, 'Grace');
    await expect(card(ada, 'online', 'Grace')).toBeVisible();
    await grace.getByRole('radio', { name: 'Busy' }).check();
    await grace.getByLabel('What you are at').fill('Counting godwits');
    await expect(card(ada, 'busy', 'Grace')).toContainText('Counting godwits');
    await grace.getByRole('radio', { name: 'At lunch' }).check();
    await expect(card(ada, 'lunch', 'Grace')).toBeVisible();
    await grace.close();
    await expect(card(ada, 'lunch', 'Grace')).toHaveCount(0);
  });

test('who does nothing is away, and back with the first move',
  async ({ open, room }) => {
    const ada = await open(`presence/#${room}`, 'Ada');
    const grace = await open(`presence/#${room}`, 'Grace');
    await expect(card(ada, 'online', 'Grace')).toBeVisible();
    await expect(card(ada, 'away', 'Grace')).toBeVisible({ timeout: 30_000 });
    await expect(grace.getByText('The server says that you are away.'))
      .toBeVisible();
    await grace.mouse.move(200, 200);
    await expect(card(ada, 'online', 'Grace')).toBeVisible();
  });

test('the server is asked for members, and the question is in the link',
  async ({ open, room, server }) => {
    const ada = await open(`presence/#${room}`, 'Ada');
    const grace = await open(`presence/#${room}`, 'Grace');
    await ada.getByLabel('Floor', { exact: true }).fill('7');
    await grace.getByLabel('Team').selectOption('Marsh');
    await expect(card(grace, 'online', 'Ada')).toContainText('floor 7');
    await expect(card(ada, 'online', 'Grace')).toContainText('Marsh');

    await grace.getByLabel('What they tell').selectOption('floor');
    await grace.getByLabel('Comparison').selectOption('at-least');
    await grace.getByLabel('Value').fill('5');
    await grace.getByRole('button', { name: 'Ask the server' }).click();
    const found = grace.locator('#found > li');
    await expect(found).toHaveCount(1);
    await expect(found).toContainText('Ada');
    await expect(grace.locator('#found-note')).toContainText('1 of 2 members');

    await ada.goto(`${server.url}/presence/${new URL(grace.url()).hash}`);
    await ada.reload();
    await ada.getByLabel('Floor', { exact: true }).fill('9');
    await expect(card(grace, 'online', 'Ada')).toContainText('floor 9');
    await ada.getByRole('button', { name: 'Ask the server' }).click();
    await expect(ada.locator('#found > li')).toContainText('Ada');
  });
