// SPDX-License-Identifier: MIT
// outbox-page.mjs - a page with the SDK alone, whose outbox is kept in localStorage,
// so that what it has written outlives it.

export class OutboxPage {
  constructor(person) {
    this.person = person;
    this.browser = person.browser;
  }

  /** On a picture of the gallery, where nothing else runs. */
  async open() {
    await this.person.leave();
  }

  /** Publishes the next count of "Ada 1", "Ada 2", ..., and returns when the first of
   * them is acknowledged, or when it is connected. */
  async publish(room, count, { waits }) {
    await this.browser.run(async (channel, n, waitsForFirst) => {
      const { Client } = await import('/sdk/index.js');
      const store = {
        load: () => Object.keys(localStorage)
          .filter((key) => key.startsWith('outbox '))
          .map((key) => [key.slice(7),
            Uint8Array.from(JSON.parse(localStorage.getItem(key)))]),
        put: (key, entry) =>
          localStorage.setItem(`outbox ${key}`, JSON.stringify([...entry])),
        remove: (key) => localStorage.removeItem(`outbox ${key}`),
      };
      localStorage.instance ??=
        JSON.stringify([...crypto.getRandomValues(new Uint8Array(16))]);
      const client = new Client('/v1/ws', { user: 'Ada', outbox: { store },
        instance: Uint8Array.from(JSON.parse(localStorage.instance)) });
      client.connect();
      window.client = client;
      let first;
      for (let i = 0; i < n; i++) {
        const number = Number(localStorage.written ?? 0) + 1;
        localStorage.written = `${number}`;
        const publishing = client.publish(channel, { text: `Ada ${number}` });
        publishing.catch(() => {});
        first ??= publishing;
      }
      await (waitsForFirst ? first : client.ready());
    }, `room:${room}`, count, waits);
  }

  /** What the store still has. */
  numStored() {
    return this.browser.run(() => Object.keys(localStorage)
      .filter((key) => key.startsWith('outbox ')).length);
  }
}
