// SPDX-License-Identifier: MIT
// chat-page.ts - a room of the demo, as a person sees it.

import { expect, type Locator, type Page } from '@playwright/test';

export type State = 'connecting' | 'authenticating' | 'syncing' | 'ready'
  | 'degraded' | 'waiting' | 'suspended' | 'closed' | 'failed';

export class ChatPage {
  readonly page: Page;
  readonly input: Locator;
  readonly log: Locator;
  /** Messages and gaps in stream order. */
  readonly rows: Locator;
  readonly messages: Locator;
  readonly gaps: Locator;
  /** Written here, not in the stream yet. */
  readonly waiting: Locator;
  readonly typing: Locator;
  readonly people: Locator;
  readonly ownState: Locator;
  readonly status: StatusBar;

  constructor(page: Page) {
    this.page = page;
    this.input = page.getByRole('textbox', { name: 'Message' });
    this.log = page.getByRole('log');
    this.rows = this.log.locator('li');
    this.messages = this.log.locator('li[data-kind=message]');
    this.gaps = this.log.locator('li[data-kind=gap]');
    this.waiting = page.locator('#waiting > li');
    this.typing = page.locator('#typing');
    this.people = page.locator('#people-list > li');
    this.ownState = page.getByLabel('Your state');
    this.status = new StatusBar(page);
  }

  async send(...texts: string[]): Promise<void> {
    for (const text of texts) {
      await this.input.fill(text);
      await this.input.press('Enter');
    }
  }

  /** The texts of all messages, in the order that they are shown. */
  texts(): Locator {
    return this.messages.locator('.message-text');
  }

  /** The one with this text and no more. */
  message(text: string): Locator {
    return this.texts().filter({ hasText: new RegExp(`^${text}$`) });
  }

  async untilTexts(texts: string[]): Promise<void> {
    await expect(this.texts()).toHaveText(texts);
  }

  /** A state may be over before it is looked at: several are possible. */
  async untilState(...states: State[]): Promise<void> {
    await expect(this.status.bar).toHaveAttribute('data-state',
      new RegExp(`^(${states.join('|')})$`));
  }

  person(name: string): Locator {
    return this.people.filter({
      has: this.page.locator('bdi', { hasText: new RegExp(`^${name}$`) }),
    });
  }

  async untilPerson(name: string, state: string): Promise<void> {
    await expect(this.person(name)).toHaveAttribute('data-presence', state);
  }

  /** To the gallery, by the page's own link. */
  async goAway(): Promise<void> {
    await this.page.getByRole('link', { name: 'Gallery' }).click();
    await expect(this.page.locator('[data-kind=good]')).toBeVisible();
  }

  /** By the browser's "back". A page that was kept is not loaded, which
   * Playwright's own goBack would wait for. It begins when the script has
   * answered: the answer would end with the page it comes from. */
  async comeBack(): Promise<void> {
    await this.page.evaluate(() => void setTimeout(() => history.back()));
    await expect(this.page).toHaveURL(/\/chat\//);
  }

  /** A reload would take this mark away. */
  async mark(): Promise<void> {
    await this.page.evaluate(() => Object.assign(window, { loaded: 'once' }));
  }

  async isMarked(): Promise<boolean> {
    return this.page.evaluate(() => 'loaded' in window);
  }

  /** As if the machine had lost its network. */
  async setOffline(offline: boolean): Promise<void> {
    await this.page.context().setOffline(offline);
  }

  /** What a page sees when another tab is in front. A headless browser keeps all
   * of them in front. */
  async setHidden(hidden: boolean): Promise<void> {
    await this.page.evaluate((value) => {
      const state = value ? 'hidden' : 'visible';
      Object.defineProperty(document, 'visibilityState',
        { configurable: true, get: () => state });
      Object.defineProperty(document, 'hidden',
        { configurable: true, get: () => value });
      document.dispatchEvent(new Event('visibilitychange', { bubbles: true }));
    }, hidden);
  }
}

export class StatusBar {
  readonly bar: Locator;
  readonly words: Locator;
  readonly reason: Locator;
  readonly retry: Locator;
  readonly reconnect: Locator;
  readonly transport: Locator;
  readonly roundTrip: Locator;
  readonly position: Locator;
  readonly outbox: Locator;
  readonly detailsButton: Locator;

  constructor(page: Page) {
    this.bar = page.getByRole('contentinfo');
    this.words = this.bar.locator('#status-words');
    this.reason = this.bar.locator('#status-reason');
    this.retry = this.bar.locator('#status-retry');
    this.reconnect = this.bar.getByRole('button', { name: 'Reconnect now' });
    this.transport = this.bar.locator('#status-transport');
    this.roundTrip = this.bar.locator('#status-rtt');
    this.position = this.bar.locator('#status-position');
    this.outbox = this.bar.locator('#status-outbox');
    this.detailsButton = this.bar.getByRole('button', { name: 'Details' });
  }
}
