// rooms-view.js - rooms that people are in now, and the way into them.

import { numPeople } from '../common/directory.js';
import { byId, make } from '../common/dom.js';
import { cleanRoom, count } from '../common/text.js';
import { channelOf, hashOf, isSame } from './whereabouts.js';

const LISTED_MAX = 50;
const LOBBY = { kind: 'room', name: 'lobby' };

export class RoomsView {
  #list = byId('rooms-list');
  #places = [];
  #here = LOBBY;
  #shown = '';

  /** places: of the directory, all pieces. */
  take(places) {
    this.#places = places.filter(({ piece }) => piece === 'chat')
      .map(({ kind, room, user }) => ({ user,
        kind: kind === 'club' ? 'club' : 'room', name: cleanRoom(room) }))
      .filter(({ name }) => name);
    this.#show();
  }

  /** The page is in this one. */
  enter(place) {
    this.#here = place;
    this.#show();
  }

  #show() {
    const rooms = gather([LOBBY, this.#here], this.#places);
    const next = JSON.stringify([rooms, this.#here]);
    if (next === this.#shown) return;
    this.#shown = next;
    const focused = this.#list.querySelector(':focus')?.getAttribute('href');
    this.#list.replaceChildren(...rooms.slice(0, LISTED_MAX)
      .map(({ place, num }) => roomRow(place, num, isSame(place, this.#here))));
    if (focused) {
      [...this.#list.querySelectorAll('a')]
        .find((a) => a.getAttribute('href') === focused)?.focus();
    }
  }
}

/** The most frequented first. */
function gather(always, places) {
  const rooms = new Map(
    always.map((place) => [channelOf(place), { place, there: [] }]));
  for (const { user, kind, name } of places) {
    const place = { kind, name };
    const room = rooms.get(channelOf(place)) ?? { place, there: [] };
    room.there.push({ user });
    rooms.set(channelOf(place), room);
  }
  return [...rooms.values()]
    .map(({ place, there }) => ({ place, num: numPeople(there) }))
    .sort((a, b) => b.num - a.num || a.place.name.localeCompare(b.place.name));
}

function roomRow(place, num, isHere) {
  return make('li', {},
    make('a', { class: 'room-link', href: hashOf(place),
      'aria-current': isHere ? 'page' : null },
    make('span', { class: 'room-kind' }, place.kind === 'club' ? 'club ' : '# '),
    make('bdi', {}, place.name)),
    ...(num ? [make('span', { class: 'room-num' }, count(num),
      make('span', { class: 'sr-only' }, ' here'))] : []));
}
