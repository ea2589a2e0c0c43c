// SPDX-License-Identifier: MIT
// join-page.ts - the first screen of the demo.

import type { Locator, Page } from '@playwright/test';

import { ChatPage } from './chat-page.js';

export class JoinPage {
  readonly page: Page;
  readonly name: Locator;
  readonly room: Locator;
  readonly submit: Locator;

  constructor(page: Page) {
    this.page = page;
    this.name = page.getByRole('textbox', { name: 'Your name' });
    this.room = page.getByRole('textbox', { name: 'Room' });
    this.submit = page.getByRole('button', { name: 'Enter the room' });
  }

  async enter(name: string, room: string): Promise<ChatPage> {
    await this.name.fill(name);
    await this.room.fill(room);
    await this.submit.click();
    return new ChatPage(this.page);
  }
}
