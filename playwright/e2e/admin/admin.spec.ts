// SPDX-License-Identifier: MIT
// admin.spec.ts - what an administrator does with the page.

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

import type { Page } from '@playwright/test';

import { ADMIN, expect, PASSWORD, test } from '../../fixtures/admin.js';

/** A login that failed is an error of the console's. */
const REFUSED = /status of 4\d\d/;

test('logs in by keyboard, sees who is there and disconnects somebody',
  async ({ admin, enter, room, server }) => {
    const grace = await enter('Grace');
    const { page, ...ada } = await admin();
    const { keyboard } = page;
    const focused = page.locator(':focus');
    await expect(focused).toHaveAccessibleName('Name');
    await keyboard.type(ADMIN);
    await keyboard.press('Tab');
    await expect(focused).toHaveAccessibleName('Password');
    await keyboard.type(PASSWORD);
    await keyboard.press('Enter');
    await expect(focused).toHaveText('Node');
    await expect(ada.status).toContainText('Up to date');
    await expect(page.getByRole('banner')).toContainText(ADMIN);

    const row = ada.connections.getByRole('row', { name: 'Grace' });
    await expect(row).toContainText('connected');
    await expect(row).toContainText('127.0.0.1');
    await expect(ada.channels.getByRole('row', { name: `room:${room}` }))
      .toContainText('1');
    const button = row.getByRole('button', { name: 'Disconnect Grace' });
    await button.focus();
    // Looking again does not take the focus away.
    await page.waitForResponse((r) => r.url().endsWith('/v1/api/channels'));
    await expect(button).toBeFocused();

    await keyboard.press('Enter');
    await expect(ada.dialog).toHaveAccessibleName('Disconnect Grace?');
    await expect(focused).toHaveText('Cancel');
    await keyboard.press('Escape');
    await expect(ada.dialog).toBeHidden();
    await expect(button).toBeFocused();
    await grace.untilState('ready');

    await keyboard.press('Enter');
    await keyboard.press('Tab');
    await expect(focused).toHaveText('Disconnect');
    await keyboard.press('Enter');
    await grace.untilState('failed', 'closed');
    await expect(row).toHaveCount(0);
    await expect(ada.notice).toHaveText('Grace is disconnected.');
    await expect(focused).toHaveText('Connections');
    await expect.poll(() => server.log).toMatch(/admin\.call user=ada .*method=disconnect/);
  });

test('publishes to a channel, whose subscribers get it',
  async ({ admin, enter, room }) => {
    const grace = await enter('Grace');
    const ada = await admin();
    await ada.logIn(ADMIN, PASSWORD);
    const { page } = ada;
    await page.getByLabel('Channel', { exact: true }).fill(`room:${room}`);
    const payload = page.getByLabel('Payload, as JSON');
    await payload.fill('{"text": ');
    await page.getByRole('button', { name: 'Publish' }).click();
    await expect(payload).toHaveAttribute('aria-invalid', 'true');
    await expect(payload).toHaveAccessibleDescription(/This is not JSON/);
    await expect(payload).toBeFocused();
    await payload.fill('{"text": "from above"}');
    await page.getByRole('button', { name: 'Publish' }).click();
    await expect(ada.notice).toHaveText(/^Published to room:.* at \d+\.$/);
    await expect(grace.message('from above')).toBeVisible();
    await page.getByLabel('Channel', { exact: true }).fill('*');
    await page.getByRole('button', { name: 'Publish' }).click();
    await expect(ada.notice).toHaveText(/^(Not published: |Published to \*)/);
  });

test('filters connections and channels', async ({ admin, enter, room }) => {
  await enter('Grace');
  await enter('Edsger');
  const ada = await admin();
  await ada.logIn(ADMIN, PASSWORD);
  await expect(ada.connection('Grace')).toHaveCount(1);
  await expect(ada.connection('Edsger')).toHaveCount(1);
  await ada.page.getByLabel('User', { exact: true }).fill('Grace');
  await expect(ada.connection('Edsger')).toHaveCount(0);
  await expect(ada.connection('Grace')).toHaveCount(1);
  await ada.page.getByLabel('State').selectOption('error');
  await expect(ada.page.getByText('No such connection.')).toBeVisible();
  await expect(ada.channel(`room:${room}`)).toHaveCount(1);
  await ada.page.getByLabel('Name begins with').fill('nowhere:');
  await expect(ada.page.getByText('No such channel.')).toBeVisible();
  await expect(ada.tile('Up for')).toHaveText(/\d+ (s|min)/);
  await expect(ada.tile('Published')).toHaveText(/^[\d,.]+\/s$/);
});

test('says what is wrong with a login, and lets nobody in',
  async ({ admin }) => {
    const ada = await admin({ complaints: REFUSED });
    await ada.name.fill(ADMIN);
    await ada.password.fill('not the password');
    await ada.password.press('Enter');
    await expect(ada.error).toHaveText('Name or password is wrong.');
    await expect(ada.password).toBeFocused();
    await expect(ada.password).toHaveValue('');
    await expect(ada.page.getByRole('heading', { name: 'Connections' }))
      .toBeHidden();
    await ada.logIn(ADMIN, PASSWORD);
    await expect(ada.error).toBeHidden();
  });

test('stays through a reload, and ends by logging out', async ({ admin }) => {
  const ada = await admin({ complaints: REFUSED });
  const { page } = ada;
  await ada.logIn(ADMIN, PASSWORD);
  await page.reload();
  await expect(ada.status).toContainText('Up to date');
  const cookies = await page.context().cookies();
  expect(cookies).toMatchObject(
    [{ name: 'godwit_admin', httpOnly: true, sameSite: 'Strict', path: '/' }]);
  expect(await page.evaluate(() => document.cookie)).toBe('');

  const tab = await page.context().newPage();
  await tab.goto(page.url());
  await expect(tab.getByRole('contentinfo')).toContainText('Up to date');
  await page.getByRole('button', { name: 'Log out' }).click();
  await expect(ada.name).toBeVisible();
  await expect(ada.connections).toBeHidden();
  // The other tab finds out by itself.
  await expect(tab.getByRole('alert')).toHaveText('Your session is over.');
  await page.reload();
  await expect(ada.name).toBeVisible();
});

test('says so while the server is away, and goes on afterwards',
  async ({ admin, server }) => {
    const ada = await admin({ complaints: REFUSED });
    await ada.logIn(ADMIN, PASSWORD);
    await server.kill9();
    await expect(ada.status).toContainText('The server does not answer.');
    await expect(ada.status).toHaveAttribute('data-kind', 'bad');
    await server.start();
    // Sessions are in memory.
    await expect(ada.error).toHaveText('Your session is over.');
    await ada.logIn(ADMIN, PASSWORD);
  });

/** What a page of another host and port gets when it tries to use the session
 * that its browser has. */
async function attack(page: Page, target: string): Promise<string[]> {
  return page.evaluate(async (url) => {
    const publish = (options: RequestInit): Promise<Response> =>
      fetch(`${url}/v1/api/publish`, { method: 'POST', credentials: 'include',
        body: '{"channel":"stolen","json":1}', ...options });
    const attempts = [
      fetch(`${url}/admin/session`, { credentials: 'include' }),
      fetch(`${url}/admin/session`, { credentials: 'include', mode: 'no-cors' }),
      publish({ headers: { 'content-type': 'application/json',
        'x-csrf-token': 'x' } }),
      publish({ mode: 'no-cors' }),
      fetch(`${url}/admin/logout`,
        { method: 'POST', credentials: 'include', mode: 'no-cors' }),
    ];
    const answers = await Promise.allSettled(
      attempts.map(async (answer) => (await answer).text()));
    return answers.map((answer) =>
      answer.status === 'fulfilled' ? answer.value : '');
  }, target);
}

// The first is another site, to which the cookie is not sent; the second is the
// same one to a browser, as ports do not count.
for (const host of ['localhost', '127.0.0.1']) {
  test(`a page of ${host} at another port cannot use the session`,
    async ({ admin, server }) => {
      const ada = await admin({ complaints: /./ });
      await ada.logIn(ADMIN, PASSWORD);
      const evil = createServer((_, response) =>
        response.setHeader('content-type', 'text/html').end('<!doctype html>'));
      await new Promise<void>((resolve) => evil.listen(0, host, resolve));
      const { port } = evil.address() as AddressInfo;
      const tab = await ada.page.context().newPage();
      await tab.goto(`http://${host}:${port}/`);
      expect(await attack(tab, server.apiUrl)).toEqual(['', '', '', '', '']);
      evil.close();
      await tab.close();
      await expect.poll(() => server.log).toMatch(/api\.refused .*of this origin/);
      await expect.poll(() => server.log).toMatch(/admin\.refused/);
      await ada.page.reload();
      await expect(ada.status).toContainText('Up to date');
      await expect(ada.channel('stolen')).toHaveCount(0);
    });
}
