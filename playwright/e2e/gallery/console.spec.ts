// SPDX-License-Identifier: MIT
// console.spec.ts - the call console: the server, another window, a person, and
// errors with their codes.

import type { Page } from '@playwright/test';

import { expect, test } from '../../fixtures/test.js';

async function call(page: Page, whom: string, method: string,
  data: unknown): Promise<void> {
  await page.getByLabel('Whom').selectOption({ label: whom });
  await page.getByLabel('Method').fill(method);
  await page.getByLabel('Argument').fill(JSON.stringify(data));
  await page.getByRole('button', { name: 'Call', exact: true }).click();
}

const newest = (page: Page) => page.getByRole('log').locator('li').first();

test('the server answers, and says what is wrong', async ({ open, room }) => {
  const ada = await open(`console/#${room}`, 'Ada');
  await open(`console/#${room}`, 'Grace');
  await expect(ada.getByLabel('Whom').locator('option'))
    .toHaveText(['The server', 'Ada (this window)', 'Grace']);

  await ada.getByLabel('Examples').selectOption({ label: 'How many are here?' });
  await ada.getByRole('button', { name: 'Call', exact: true }).click();
  await expect(newest(ada).locator('.result')).toContainText('"clients": 2');

  await call(ada, 'The server', 'no.such.method', null);
  await expect(newest(ada)).toContainText('506 UNKNOWN_METHOD');
  await expect(newest(ada)).toContainText('terminal');

  await ada.getByLabel('Argument').fill('{');
  await ada.getByRole('button', { name: 'Call', exact: true }).click();
  await expect(ada.getByText('That is no JSON')).toBeVisible();
  await expect(ada.getByRole('log').locator('li')).toHaveCount(2);
});

test('windows call each other, and people answer', async ({ open, room }) => {
  const ada = await open(`console/#${room}`, 'Ada');
  const grace = await open(`console/#${room}`, 'Grace');

  await call(ada, 'Grace', 'add', [1, 2, 39]);
  await expect(newest(ada).locator('.result')).toHaveText('42');
  await expect(newest(grace)).toContainText('from Ada add');
  await expect(newest(grace)).toHaveAttribute('data-outcome', 'answer');

  await call(ada, 'Grace', 'add', 'no list');
  await expect(newest(ada)).toContainText('500 BAD_REQUEST');
  await expect(newest(ada)).toContainText('a list of numbers is needed');
  await call(ada, 'Grace', 'refuse', null);
  await expect(newest(ada)).toContainText('202 RATE_LIMITED');
  await expect(newest(ada)).toContainText('try again later');

  await call(ada, 'Grace', 'ask', 'Is it raining?');
  await expect(grace.getByText('Is it raining?').first()).toBeVisible();
  await grace.getByLabel('Answer to Ada').fill('Only on the coast');
  await grace.getByRole('button', { name: 'Answer' }).click();
  await expect(newest(ada).locator('.result')).toHaveText('"Only on the coast"');

  await ada.getByLabel('Patience').fill('200');
  await call(ada, 'Grace', 'slow', null);
  await expect(newest(ada)).toContainText('101 TIMEOUT');

  // What is not ticked is not answered.
  await ada.getByLabel('Patience').fill('10000');
  await grace.getByRole('checkbox', { name: /^echo/ }).uncheck();
  await call(ada, 'Grace', 'echo', 1);
  await expect(newest(ada)).toContainText('506 UNKNOWN_METHOD');
});
