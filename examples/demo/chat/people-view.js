// people-view.js - who is in the room: connections, gathered by user.

import { byId, make, setText } from '../common/dom.js';
import { hueOf, initials, nameOf, plural } from '../common/text.js';
import { PRESENCE, presenceOf } from '../common/words.js';

/** People listed by name; the rest are counted. */
const LISTED_MAX = 200;
/** Names in the line that says who is typing. */
const TYPING_NAMED = 3;

export class PeopleView {
  #list = byId('people-list');
  #summary = byId('people-summary');
  #count = byId('people-count');
  #alone = byId('alone');
  #typing = byId('typing');
  #stale = byId('people-stale');
  #shown = '';

  /** members: clientId -> member; isOwn(clientId): is it this page? */
  show(members, isOwn) {
    const people = gather(members, isOwn);
    this.#showTyping(people);
    // A presence diff may change nothing that is shown here.
    const next = JSON.stringify(people);
    if (next === this.#shown) return;
    this.#shown = next;

    const connections = [...members].length;
    setText(this.#count, String(people.length));
    setText(this.#summary, connections === people.length
      ? String(people.length)
      : `${people.length}, in ${plural(connections, 'window', 'windows')}`);
    this.#alone.hidden = connections > 1;
    this.#list.replaceChildren(...people.slice(0, LISTED_MAX).map(personRow));
    if (people.length > LISTED_MAX) {
      this.#list.append(make('li', { class: 'people-more' },
        `and ${plural(people.length - LISTED_MAX, 'person', 'people')} more`));
    }
  }

  clear() {
    this.show(new Map(), () => false);
    this.#alone.hidden = true;
  }

  /** Without a connection the list is of the past, and nobody is seen typing. */
  setStale(isStale) {
    this.#stale.hidden = !isStale || this.#list.childElementCount === 0;
    this.#typing.classList.toggle('is-stale', isStale);
  }

  #showTyping(people) {
    const typing = people.filter((p) => p.typing && !p.own);
    const names = typing.slice(0, TYPING_NAMED)
      .map((p) => make('bdi', {}, p.name));
    const rest = typing.length - names.length;
    const parts = [];
    names.forEach((name, i) => {
      if (i > 0) parts.push(i === names.length - 1 && !rest ? ' and ' : ', ');
      parts.push(name);
    });
    if (rest) parts.push(` and ${rest} more`);
    if (typing.length) {
      parts.push(typing.length === 1 ? ' is typing' : ' are typing', dots());
    }
    this.#typing.replaceChildren(...parts);
  }
}

/** One entry per user, in the state of the most reachable of its windows; this
 * page's own first, then by state and name. */
function gather(members, isOwn) {
  const byUser = new Map();
  const order = Object.keys(PRESENCE);
  for (const [clientId, member] of members) {
    const name = nameOf(member.user, clientId);
    const state = presenceOf(member.state);
    const person = byUser.get(name) ??
      { name, state, windows: 0, typing: false, own: false };
    if (order.indexOf(state) < order.indexOf(person.state)) {
      person.state = state;
    }
    person.windows += 1;
    person.typing ||= member.data?.typing === true;
    person.own ||= isOwn(clientId);
    byUser.set(name, person);
  }
  return [...byUser.values()].sort((a, b) => Number(b.own) - Number(a.own) ||
    order.indexOf(a.state) - order.indexOf(b.state) ||
    a.name.localeCompare(b.name));
}

function personRow({ name, state, windows, typing, own }) {
  const notes = [PRESENCE[state]];
  if (windows > 1) notes.push(`${windows} windows`);
  return make('li', { class: 'person', 'data-name': name,
    'data-presence': state, 'data-typing': String(typing),
    'data-windows': windows },
  make('span', { class: 'avatar', 'aria-hidden': 'true',
    'data-hue': hueOf(name) }, initials(name),
  make('span', { class: 'presence-mark', 'data-presence': state })),
  make('span', { class: 'person-text' },
    make('span', { class: 'person-name' }, make('bdi', {}, name),
      ...(own ? [make('span', { class: 'person-you' }, 'you')] : [])),
    make('span', { class: 'person-state' },
      typing ? 'typing' : notes.join(' · '), ...(typing ? [dots()] : []))));
}

const dots = () => make('span', { class: 'dots', 'aria-hidden': 'true' },
  make('i'), make('i'), make('i'));
