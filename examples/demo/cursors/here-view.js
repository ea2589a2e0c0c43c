// here-view.js - who is on the surface, and where, in words: for those who do not
// see it.

import { byId, make, setText } from '../common/dom.js';
import { hueOf, initials, nameOf, plural } from '../common/text.js';

const LISTED_MAX = 100;
/** Words are drawn this often at most. */
const WORDS_MS = 500;

const third = (n, words) => words[Math.min(2, Math.floor(n * 3))];

function wordsOf({ x, y }) {
  const across = third(x, ['left', 'centre', 'right']);
  const down = third(y, ['upper', 'middle', 'lower']);
  return down === 'middle' && across === 'centre' ? 'in the middle'
    : `${down} ${across}`;
}

export class HereView {
  #list = byId('here');
  #places = new Map();
  #timer = 0;

  show(members, ownId) {
    for (const id of this.#places.keys()) {
      if (!members.has(id)) this.#places.delete(id);
    }
    setText(byId('here-count'), members.size
      ? plural(members.size, 'window', 'windows') : '');
    this.#list.replaceChildren(...[...members.values()].slice(0, LISTED_MAX)
      .map(({ clientId, user }) => row(clientId, nameOf(user, clientId),
        clientId === ownId)));
    this.#showWords();
  }

  move(id, place) {
    this.#places.set(id, place);
    this.#timer ||= setTimeout(() => this.#showWords(), WORDS_MS);
  }

  #showWords() {
    clearTimeout(this.#timer);
    this.#timer = 0;
    for (const li of this.#list.children) {
      const place = this.#places.get(li.dataset.id);
      if (place) setText(li.lastElementChild, wordsOf(place));
    }
  }
}

function row(id, name, own) {
  return make('li', { 'data-id': id, 'data-name': name },
    make('span', { class: 'avatar', 'aria-hidden': 'true',
      'data-hue': hueOf(name) }, initials(name)),
    make('bdi', {}, name),
    make('span', { class: 'note' }, own ? 'you' : 'has not moved yet'));
}
