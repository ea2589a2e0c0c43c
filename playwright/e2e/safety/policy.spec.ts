// SPDX-License-Identifier: MIT
// policy.spec.ts - the demo under its own Content-Security-Policy, which is strict,
// and which no page of it runs into.

import type { Page } from '@playwright/test';

import { expect, test } from '../../fixtures/test.js';

const PIECES = ['', 'chat/', 'presence/', 'cursors/', 'gate/', 'console/'];

interface Watched extends Window {
  refused?: string[];
}

async function watchViolations(page: Page): Promise<void> {
  await page.addInitScript(() => {
    const violations: string[] = [];
    document.addEventListener('securitypolicyviolation', (event) =>
      violations.push(`${event.effectiveDirective} ${event.blockedURI}`));
    (window as Watched).refused = violations;
  });
}

const violations = (page: Page): Promise<string[]> =>
  page.evaluate(() => (window as Watched).refused!);

/** Directive to sources. */
const directives = (policy: string): Map<string, string[]> =>
  new Map(policy.split(';').map((directive) => {
    const [name, ...sources] = directive.trim().split(/\s+/);
    return [name!, sources];
  }));

test('the policy of each page allows WebAssembly and nothing else beside files',
  async ({ request, server }) => {
    for (const piece of PIECES) {
      const response = await request.get(`${server.url}/${piece}`);
      const policy = response.headers()['content-security-policy']!;
      const of = directives(policy);
      expect(of.get('default-src'), piece).toEqual(["'none'"]);
      expect(of.get('script-src'), piece).toEqual(["'self'", "'wasm-unsafe-eval'"]);
      expect(of.get('style-src'), piece).toEqual(["'self'"]);
      for (const name of ['base-uri', 'frame-ancestors', 'form-action']) {
        expect(of.get(name), piece).toEqual(["'none'"]);
      }
      expect(policy, piece).not.toContain("'unsafe-");
      expect(policy, piece).not.toMatch(/[\s;]\*|https?:|blob:/);
    }
  });

test('no page runs into its policy', async ({ visit, room, server }) => {
  const { page } = await visit({ prepare: watchViolations });
  for (const piece of PIECES) {
    await page.goto(`${server.url}/${piece}#${room}`);
    await expect(page.locator('[data-kind=good]')).toBeVisible();
    expect(await violations(page), piece).toEqual([]);
  }
});

test('a chat does not run into its policy, and code that comes by it is stopped',
  async ({ enter }) => {
    const ada = await enter('Ada',
      { prepare: watchViolations, complaints: /Content.Security.Policy/i });
    await ada.send('<b style="color: red" onclick="alert(1)">text</b>', 'x'.repeat(3000));
    await expect(ada.messages).toHaveCount(2);
    await ada.page.getByRole('button', { name: /^Show all/ }).click();
    await ada.status.detailsButton.click();
    await ada.ownState.selectOption('busy');
    await ada.untilPerson('Ada', 'busy');
    expect(await violations(ada.page)).toEqual([]);

    // What would get past the page itself is stopped by the browser, and seen.
    const ran = await ada.page.evaluate(() => {
      const script = document.createElement('script');
      script.textContent = 'window.ran = true';
      document.body.append(script);
      document.body.setAttribute('style', 'color: red');
      return 'ran' in window;
    });
    expect(ran).toBe(false);
    await expect.poll(() => violations(ada.page))
      .toEqual(expect.arrayContaining(
        ['script-src-elem inline', 'style-src-attr inline']));
  });
