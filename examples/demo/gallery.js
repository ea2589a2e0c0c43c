// gallery.js - the entrance: whether the server is there, and who is where.

import { Directory, numPeople } from './common/directory.js';
import { byId, setText } from './common/dom.js';
import { ownName } from './common/person.js';
import { loadSdk, serverUrl } from './common/sdk.js';
import { plural } from './common/text.js';
import { CONNECTION } from './common/words.js';

const UP = ['syncing', 'ready', 'degraded'];

class Gallery {
  #places = [];

  constructor(Client) {
    this.client = new Client(serverUrl(), { user: ownName() });
    new Directory(this.client, (places) => {
      this.#places = places;
      this.#show();
    });
    this.client.on('state', () => this.#show());
    window.addEventListener('pagehide', () => this.client.close());
    window.addEventListener('pageshow', ({ persisted }) => {
      if (persisted) this.client.connect();
    });
    this.client.connect();
    this.#show();
  }

  #show() {
    const { words, kind } = CONNECTION[this.client.state];
    const isUp = UP.includes(this.client.state);
    const inside = numPeople(this.#places);
    byId('live').dataset.kind = kind;
    setText(byId('live-words'), !isUp ? words
      : `${words}. ${inside ? `${peopleIn(inside)} in the gallery.`
        : 'Nobody is in the gallery yet.'}`);
    for (const card of document.querySelectorAll('[data-piece]')) {
      const here = numPeople(
        this.#places.filter(({ piece }) => piece === card.dataset.piece));
      setText(card.querySelector('.here'),
        isUp && here ? `${plural(here, 'person', 'people')} there now` : '');
    }
  }
}

const peopleIn = (n) => plural(n, 'person is', 'people are');

const sdk = await loadSdk('index');
if (sdk) globalThis.godwit = new Gallery(sdk.Client);
