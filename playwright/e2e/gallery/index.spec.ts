// SPDX-License-Identifier: MIT
// index.spec.ts - the entrance of the gallery: ways in, and who is where.

import { expect, test } from '../../fixtures/test.js';

test('the cards lead to the pieces, and say who is there',
  async ({ open, room }) => {
    const index = await open('', 'Ada');
    const card = (name: string) => index.getByRole('listitem')
      .filter({ has: index.getByRole('link', { name }) });
    await expect(card('Cursors')).not.toContainText('there now');
    const other = await open(`cursors/#${room}`, 'Grace');
    await expect(card('Cursors')).toContainText('1 person there now');
    await other.close();
    await expect(card('Cursors')).not.toContainText('there now');

    for (const [name, title] of [['Chat', 'Godwit'],
      ['Presence board', 'Presence board'], ['Cursors', 'Cursors'],
      ['Gate', 'Gate'],
      ['Call console', 'Call console']] as const) {
      await index.getByRole('link', { name }).click();
      await expect(index.getByRole('heading', { level: 1 }))
        .toContainText(title);
      await index.goBack();
    }
  });

test('the entrance says when the server is away', async ({ open, server }) => {
  const index = await open('', 'Ada');
  const live = index.getByRole('status');
  await expect(live).toContainText('Connected');
  await server.kill9();
  await expect(live).toContainText(/Connection lost|Connecting/);
  await server.start();
  await expect(live).toContainText('Connected');
});
