// SPDX-License-Identifier: MIT
// gate.spec.ts - the gate: a state machine that two people move, refusals that say
// what there is instead, and a sign that nobody wipes out unread.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import type { Page } from '@playwright/test';

import { ROOT } from '../../fixtures/server.js';
import { expect, test } from '../../fixtures/test.js';

const state = (page: Page) => page.locator('#state');
const answer = (page: Page) => page.locator('#answer');
const button = (page: Page, to: string) => page.locator(`[data-to=${to}]`);
const newest = (page: Page) => page.locator('#history > li').first();

test('two people move one gate, and see who did it', async ({ open, room }) => {
  const ada = await open(`gate/#${room}`, 'Ada');
  const grace = await open(`gate/#${room}`, 'Grace');
  for (const page of [ada, grace]) {
    await expect(state(page)).toHaveText('Closed');
    await expect(button(page, 'open')).toHaveAttribute('data-allowed', 'true');
    await expect(button(page, 'jammed')).toContainText('not from here');
  }
  await button(ada, 'locked').click();
  await expect(state(grace)).toHaveText('Locked');
  await expect(newest(grace)).toContainText('Ada locked it');
  await expect(button(grace, 'open')).toContainText('not from here');

  // By keyboard, and the focus stays where it was.
  await grace.getByRole('button', { name: 'Unlock' }).focus();
  await grace.keyboard.press('Enter');
  await expect(state(ada)).toHaveText('Closed');
  await expect(newest(ada)).toContainText('Grace unlocked it');
  await expect(button(grace, 'closed')).toBeFocused();

  // Who comes later finds it as it is.
  await button(ada, 'locked').click();
  await expect(state(ada)).toHaveText('Locked');
  const eve = await open(`gate/#${room}`, 'Eve');
  await expect(state(eve)).toHaveText('Locked');
  await expect(newest(eve)).toContainText('Found locked, as Ada left it');
});

test('a page that was disconnected says so, and has one way back', async ({ open, room }) => {
  const ada = await open(`gate/#${room}`, 'Ada');
  const bar = ada.getByRole('contentinfo');
  await bar.getByRole('button', { name: 'Disconnect' }).click();
  await expect(bar.getByRole('button')).toHaveText(['Connect']);
  await button(ada, 'open').click();
  await expect(answer(ada)).toContainText('515 CLOSED');
  await expect(answer(ada)).toContainText('This page is disconnected.');
  await bar.getByRole('button', { name: 'Connect' }).click();
  await expect(bar).toContainText('Connected');
  await expect(bar.getByRole('button')).toHaveText(['Disconnect']);
});

test('what may not be is refused, with what may', async ({ open, room }) => {
  const ada = await open(`gate/#${room}`, 'Ada');
  const grace = await open(`gate/#${room}`, 'Grace');
  await button(ada, 'locked').click();
  await expect(state(grace)).toHaveText('Locked');
  await button(grace, 'open').click();
  await expect(answer(grace)).toContainText('550 ILLEGAL_TRANSITION');
  await expect(answer(grace)).toContainText('gate is locked; allowed: closed');
  await expect(answer(grace).locator('.tag')).toHaveText(['Closed']);
  await button(grace, 'jammed').click();
  await expect(answer(grace)).toContainText('507 PERMISSION_DENIED');
  await expect(state(ada)).toHaveText('Locked');
  await button(grace, 'closed').click();
  await expect(state(grace)).toHaveText('Closed');
  await expect(answer(grace)).toBeEmpty();
});

test('it moves by itself, and by the application',
  async ({ open, room, terminal }) => {
    const ada = await open(`gate/#${room}`, 'Ada');
    const grace = await open(`gate/#${room}`, 'Grace');
    await button(ada, 'open').click();
    await expect(grace.locator('#leaves')).toContainText('closes by itself in');
    for (const page of [ada, grace]) {
      await expect(state(page)).toHaveText('Closed', { timeout: 20_000 });
      await expect(newest(page)).toContainText('Closed, by itself');
      await expect(page.locator('#leaves')).toBeEmpty();
    }
    await terminal.setState('free', `gate-${room}`, 'machine/gate', 'jammed');
    await expect(state(grace)).toHaveText('Jammed');
    await expect(newest(grace)).toContainText('The application jammed it');
    await expect(grace.locator('#leaves')).toContainText('comes free by itself');
  });

test('the gate begins anew with the server, and what was pressed meanwhile counts',
  async ({ open, room, server }) => {
    const ada = await open(`gate/#${room}`, 'Ada');
    const grace = await open(`gate/#${room}`, 'Grace');
    await button(ada, 'locked').click();
    await expect(state(grace)).toHaveText('Locked');
    await server.kill9();
    await expect(grace.getByRole('contentinfo'))
      .not.toHaveAttribute('data-state', 'ready');
    await button(grace, 'open').click();
    await expect(answer(grace)).toContainText('waiting');
    await server.start();
    // It was locked, which forbids that; a server without memory has it closed.
    for (const page of [ada, grace]) {
      await expect(state(page)).toHaveText('Open');
      // Told as it happens, or found when the page has caught up.
      await expect(newest(page)).toContainText(
        /Grace opened it|Found open, as Grace left it/);
    }
    await expect(ada.getByText('The server started again')).toBeVisible();
    await expect(answer(grace)).toBeEmpty();
  });

test('a sign is shared, and not replaced unread', async ({ open, room }) => {
  const ada = await open(`gate/#${room}`, 'Ada');
  const grace = await open(`gate/#${room}`, 'Grace');
  const field = (page: Page) => page.getByLabel('What it says');
  const hang = (page: Page) => page.getByRole('button', { name: 'Hang it' });
  await field(ada).fill('Beware of the godwit');
  await hang(ada).click();
  await expect(grace.locator('#sign')).toHaveText('Beware of the godwit');
  await expect(grace.locator('#sign-version')).toContainText('by Ada');

  await field(grace).fill('No bicycles');
  await field(ada).fill('Back at two');
  await hang(ada).click();
  await expect(grace.locator('#sign')).toHaveText('Back at two');
  await expect(field(grace)).toHaveValue('No bicycles');
  await hang(grace).click();
  const told = grace.locator('#sign-answer');
  await expect(told).toContainText('511 CONFLICT Somebody was faster');
  await hang(grace).click();
  await expect(ada.locator('#sign')).toHaveText('No bicycles');

  await ada.getByRole('button', { name: 'Take it down' }).click();
  await expect(grace.locator('#sign')).toBeHidden();
  await expect(grace.locator('#sign-version')).toHaveText('no such key');
});

test('the rules that the page shows are those of the server', async ({ open }) => {
  const page = await open('gate/', 'Ada');
  const file = await readFile(
    join(ROOT, 'examples', 'demo', 'godwit.yaml'), 'utf8');
  const shown = await page.locator('#rules').textContent();
  // But for its comments.
  const told = file.replace(/^ *#.*\n/gmu, '');
  expect(told).toContain(shown);
});
