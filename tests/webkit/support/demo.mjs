// SPDX-License-Identifier: MIT
// demo.mjs - what cases of the gallery run in: the real server with the gallery's
// rules, and people, each with a window of a browser of their own.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { RealServer } from '../../../wasm/test/support/real-server.mjs';
import { Browser } from './browser.mjs';

const CASE_MS = 180_000;
/** Of a page, and of the server's log, that a failure shows. */
const SEEN_CHARS = 1500;
const LOG_CHARS = 4000;
const NAMES = { ada: 'Ada', grace: 'Grace' };

/** What WebKit calls an error and is none: a hint of the chat for the keyboards of
 * phones, which other browsers take; and that a page which was left, and has said
 * goodbye, is kept for "back" without its connection. */
const HARMLESS = new RegExp([
  'Viewport argument key "interactive-widget" not recognized',
  'WebSocket is closed due to suspension'].join('|'), 'u');
/** While a case has the server down. */
export const AWAY = /WebSocket connection to|Failed to load resource/u;

export class Person {
  /** Where the gallery is, such as http://localhost:12345. */
  site;

  constructor(name, browser, site) {
    Object.assign(this, { name, browser, site });
  }

  /** To a page of the gallery, such as 'cursors/#lobby', as oneself: told before
   * the page begins, on a picture, where nothing runs. */
  async go(path, name = this.name) {
    const { browser, site } = this;
    await browser.open(`${site}/logo.svg`);
    await browser.run((told) => {
      if (told) sessionStorage.setItem('godwit-demo-name', told);
      else sessionStorage.removeItem('godwit-demo-name');
    }, name);
    await browser.open(`${site}/${path}`);
  }

  /** Away from the gallery: this person is nowhere in it any more. */
  async leave() {
    await this.browser.open(`${this.site}/logo.svg`);
  }
}

/** The people and the server of a file of cases: named starts their browsers, all
 * of them in the dark or in the light. */
class Demo {
  server = new RealServer('--dev');
  #options;
  #named;
  #people = {};
  #rooms = 0;

  constructor(named, options) {
    this.#named = named;
    this.#options = options;
    before(() => this.#begin());
    after(() => this.#end());
  }

  /** A case gets the people by their names in small letters, the server, and the
   * name of a room that no other uses. What their pages complain about fails it,
   * but for what matches complaints. */
  test(name, run, { complaints: expected } = {}) {
    test(name, { timeout: CASE_MS }, async () => {
      await this.#forget();
      try {
        await run({ ...this.#people, server: this.server,
          room: `room-${++this.#rooms}` });
        for (const [who, { browser }] of Object.entries(this.#people)) {
          const told = await browser.complaints();
          assert.deepEqual(told.filter((line) => !HARMLESS.test(line) &&
            !expected?.test(line)), [], `complaints of the pages of ${who}`);
        }
      } catch (error) {
        await this.#explain(error);
        throw error;
      }
    });
  }

  async #begin() {
    await this.server.start();
    const site = this.server.url.replace(/^ws/u, 'http').replace('/v1/ws', '');
    for (const key of this.#named) {
      const browser = await Browser.start(this.#options);
      this.#people[key] = new Person(NAMES[key], browser, site);
    }
    console.log(`# ${this.#people[this.#named[0]].browser.name}`);
  }

  async #end() {
    for (const { browser } of Object.values(this.#people)) {
      await browser.close();
    }
    await this.server.close();
  }

  /** What the case before left: pages, complaints, a server that is down. */
  async #forget() {
    if (!this.server.isRunning) {
      assert.equal(await this.server.end(), 0, this.server.log);
      await this.server.start();
    }
    for (const person of Object.values(this.#people)) {
      await person.leave();
      await person.browser.resize(1280, 800);
      await person.browser.complaints();
    }
  }

  /** Where everybody is, for who reads about the failure. */
  async #explain(error) {
    const parts = [];
    for (const [who, { browser }] of Object.entries(this.#people)) {
      const seen = await browser.run(() =>
        `${location.href}\n${document.body?.innerText}`).catch(String);
      parts.push(`--- ${who} sees ---`, seen.slice(0, SEEN_CHARS));
    }
    parts.push('--- log of the server ---', this.server.log.slice(-LOG_CHARS));
    error.message = [error.message, ...parts].join('\n');
  }
}

export const demoWith = (named, options) => new Demo(named, options);
