// SPDX-License-Identifier: MIT
// offline.spec.ts - one of two loses the network and comes back.

import { expect, test } from '../../fixtures/test.js';

test('offline and back: both sides have everything, once and in order',
  async ({ enter }) => {
    const ada = await enter('Ada');
    const grace = await enter('Grace');
    await ada.send('before');
    await grace.untilTexts(['before']);

    await ada.setOffline(true);
    await ada.untilState('waiting', 'suspended');
    await expect(ada.page.locator('#people-stale')).toBeVisible();
    await ada.send('Ada offline 1', 'Ada offline 2');
    await grace.send('Grace 1', 'Grace 2');
    await grace.untilTexts(['before', 'Grace 1', 'Grace 2']);

    await expect(ada.waiting).toHaveText(
      [/Ada offline 1\s*waiting/, /Ada offline 2\s*waiting/]);
    await expect(ada.status.outbox).toHaveText('2');
    await ada.untilTexts(['before']);

    await ada.setOffline(false);
    await ada.untilState('ready');
    const all =
      ['before', 'Grace 1', 'Grace 2', 'Ada offline 1', 'Ada offline 2'];
    await ada.untilTexts(all);
    await grace.untilTexts(all);
    await expect(ada.waiting).toHaveCount(0);
    await expect(ada.status.outbox).toHaveText('0');
    // Nothing was missed, so nothing is said to be missing.
    await expect(ada.gaps).toHaveCount(0);
    await expect(grace.gaps).toHaveCount(0);
    await grace.untilPerson('Ada', 'online');
  });

test('disconnecting by hand keeps what is written for later',
  async ({ enter }) => {
    const ada = await enter('Ada');
    const grace = await enter('Grace');
    await ada.status.detailsButton.click();
    await ada.page.getByRole('button', { name: 'Disconnect' }).click();
    await ada.untilState('closed');
    await expect(ada.status.words).toHaveText('Disconnected');
    await ada.send('for later');
    await expect(ada.waiting).toHaveCount(1);
    await ada.page.getByRole('button', { name: 'Connect', exact: true }).click();
    await ada.untilState('ready');
    await grace.untilTexts(['for later']);
    await ada.untilTexts(['for later']);
  });

test('a page asks before it goes without what it has not sent',
  async ({ enter }) => {
    const ada = await enter('Ada');
    const grace = await enter('Grace');
    await ada.mark();
    await ada.setOffline(true);
    await ada.send('not sent yet');
    await expect(ada.status.outbox).toHaveText('1');
    const asked = ada.page.waitForEvent('dialog');
    await ada.page.evaluate(() => {
      setTimeout(() => location.reload());
    });
    const dialog = await asked;
    expect(dialog.type()).toBe('beforeunload');
    await dialog.dismiss();
    await ada.setOffline(false);
    await grace.untilTexts(['not sent yet']);
    expect(await ada.isMarked()).toBe(true);
  });
