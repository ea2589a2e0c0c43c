// SPDX-License-Identifier: MIT
// markup.spec.ts - names and messages are text, whatever is in them.

import { expect, test } from '../../fixtures/test.js';

const ATTACKS = [
  '<script>window.hacked = 1</script>',
  '<img src=x onerror="window.hacked = 1">',
  '"><svg onload=alert(1)>',
  'javascript:alert(1)',
  '&lt;b&gt; &amp; {{7*7}} ${7*7}',
  '</li></ol><h1>taken over</h1>',
];

test('markup in messages and names stays text', async ({ enter, terminal, room }) => {
  const mallory = await enter('<b onclick=x>Mallory</b>');
  const ada = await enter('Ada');
  await mallory.send(...ATTACKS);
  await ada.untilTexts(ATTACKS);
  await mallory.untilTexts(ATTACKS);
  await terminal.publish(`room:${room}`, { text: '<h1>from the terminal</h1>' });
  await ada.untilTexts([...ATTACKS, '<h1>from the terminal</h1>']);

  await expect(ada.messages.first()).toContainText('<b onclick=x>Mallory</b>');
  await expect(ada.people.filter({ hasText: '<b onclick=x>Mallory</b>' }))
    .toHaveCount(1);
  for (const { page } of [ada, mallory]) {
    expect(await page.evaluate(() => 'hacked' in window)).toBe(false);
    await expect(page.locator('#messages :is(script, img, svg, h1, b)'))
      .toHaveCount(0);
    await expect(page.locator('#people b')).toHaveCount(0);
  }
});

test('names are short and cannot turn the line', async ({ visit, enter, room }) => {
  const ada = await enter('Ada');
  const join = await visit();
  // The field itself lets only 32 characters in; an attacker has no field.
  await join.name.evaluate((input: HTMLInputElement) => {
    input.maxLength = 1000;
    input.value = '  \u202eevil\u2066\n\u0007 ' + 'x'.repeat(300);
  });
  await join.room.fill(room);
  await join.submit.click();
  await expect(ada.people).toHaveCount(2);
  const names = await ada.people.locator('bdi').allTextContents();
  const name = names.find((n) => n !== 'Ada')!;
  expect(name).toMatch(/^evil x+$/);
  expect(name.length).toBeLessThanOrEqual(32);
});

test('any JSON can be shown', async ({ enter, terminal, room }) => {
  const ada = await enter('Ada');
  const payloads: unknown[] = ['just a string', { temperature: 21.5, deep: [{ a: null }] },
    { text: 7 }, { text: 'right\u202eto left' }, 42, null, []];
  for (const data of payloads) await terminal.publish(`room:${room}`, data);
  await ada.untilTexts(['just a string',
    '{"temperature":21.5,"deep":[{"a":null}]}', '{"text":7}',
    'right\u202eto left', '42', 'null', '[]']);
  // A long one is folded.
  await terminal.publish(`room:${room}`, { text: 'long '.repeat(1000) });
  await ada.page.getByRole('button', { name: 'Show all 5,000 characters' }).click();
  await expect(ada.texts().last()).toHaveText('long '.repeat(1000).trim());
});
