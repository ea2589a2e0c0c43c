// SPDX-License-Identifier: MIT
// many-messages.spec.ts - a long conversation stays quick, and says what it left out.

import { expect, test } from '../../fixtures/test.js';

const MESSAGES = 2000;
const ROWS_MAX = 550;

test('thousands of messages stay within a bounded page', async ({ enter }) => {
  const ada = await enter('Ada');
  const grace = await enter('Grace');
  await ada.page.evaluate(async (count) => {
    const { client, room } = (globalThis as unknown as { godwit: {
      client: { info: { outbox: { count: number } } };
      room: { send: (text: string) => void };
    } }).godwit;
    // The outbox takes a thousand at a time.
    for (let i = 1; i <= count; i++) {
      room.send(`message ${i}`);
      while (i % 500 === 0 && client.info.outbox.count > 0) {
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    }
  }, MESSAGES);

  for (const chat of [ada, grace]) {
    await expect(chat.texts().last()).toHaveText(`message ${MESSAGES}`);
    expect(await chat.rows.count()).toBeLessThanOrEqual(ROWS_MAX);
    await expect(chat.page.locator('#earlier'))
      .toHaveText(/^1,\d{3} earlier messages have left this page/);
    await expect(chat.messages.last()).toBeInViewport();
  }

  // Who reads back is not torn away, and told of what is new.
  const scroller = grace.page.getByRole('region', { name: 'Conversation' });
  await scroller.focus();
  await grace.page.keyboard.press('Home');
  await expect(grace.messages.first()).toBeInViewport();
  await ada.send('news');
  const toNewest = grace.page.getByRole('button', { name: '1 new message' });
  await toNewest.click();
  await expect(grace.texts().last()).toBeInViewport();
  await expect(grace.texts().last()).toHaveText('news');
  await expect(toNewest).toBeHidden();
});
