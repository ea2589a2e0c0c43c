// SPDX-License-Identifier: MIT
// admin-page.ts - the page for administrators, as one of them sees it.

import { expect, type Locator, type Page } from '@playwright/test';

export class AdminPage {
  readonly page: Page;
  readonly name: Locator;
  readonly password: Locator;
  readonly error: Locator;
  readonly status: Locator;
  readonly connections: Locator;
  readonly channels: Locator;
  readonly dialog: Locator;
  readonly notice: Locator;

  constructor(page: Page) {
    this.page = page;
    this.name = page.getByLabel('Name', { exact: true });
    this.password = page.getByLabel('Password');
    this.error = page.getByRole('alert');
    this.status = page.getByRole('contentinfo');
    this.connections = page.getByRole('table', { name: 'Connections' });
    this.channels = page.getByRole('table', { name: 'Channels' });
    this.dialog = page.getByRole('dialog');
    this.notice = page.locator('#notice');
  }

  async logIn(name: string, password: string): Promise<void> {
    await this.name.fill(name);
    await this.password.fill(password);
    await this.page.getByRole('button', { name: 'Log in' }).click();
    await expect(this.status).toContainText('Up to date');
  }

  /** What a tile says. */
  tile(name: string): Locator {
    return this.page.locator('dl > div').filter({
      has: this.page.locator('dt', { hasText: new RegExp(`^${name}$`) }),
    }).locator('dd');
  }

  connection(user: string): Locator {
    return this.connections.getByRole('row').filter({
      has: this.page.getByRole('cell', { name: user, exact: true }),
    });
  }

  channel(name: string): Locator {
    return this.channels.getByRole('row').filter({
      has: this.page.getByRole('cell', { name, exact: true }),
    });
  }

  /** How far the page is wider than the window. */
  overflow(): Promise<number> {
    return this.page.evaluate(() => document.documentElement.scrollWidth -
      document.documentElement.clientWidth);
  }
}
