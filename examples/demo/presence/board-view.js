// board-view.js - everybody, in a column for each state.

import { byId, make, setText } from '../common/dom.js';
import { cleanName, hueOf, initials, nameOf, plural } from '../common/text.js';
import { STATES, stateWord } from './states.js';

const LISTED_MAX = 200;

export class BoardView {
  #columns = byId('columns');
  #shown = '';
  #wanted = null;

  constructor() {
    this.#draw([]);
  }

  /** Changes come in batches: they are drawn once. */
  show(members, ownId) {
    const isDue = this.#wanted === null;
    this.#wanted = { members, ownId };
    if (isDue) queueMicrotask(() => this.#show());
  }

  #show() {
    const { members, ownId } = this.#wanted;
    this.#wanted = null;
    const people = [...members.values()].map((member) => personOf(member, ownId))
      .sort((a, b) => a.name.localeCompare(b.name));
    const next = JSON.stringify(people);
    if (next === this.#shown) return;
    this.#shown = next;
    this.#draw(people);
  }

  #draw(people) {
    const users = new Set(people.map(({ name }) => name)).size;
    setText(byId('board-count'), users === people.length
      ? plural(users, 'person', 'people')
      : `${plural(users, 'person', 'people')} in ${people.length} windows`);
    const others = new Set(people.map(({ state }) => state));
    const states = [...new Set([...Object.keys(STATES), ...others])];
    this.#columns.replaceChildren(...states.map((state) =>
      column(state, people.filter((p) => p.state === state))));
  }
}

/** What others tell is theirs to get wrong: only texts and numbers count. */
export function personOf({ clientId, user, state, data }, ownId) {
  const { task, team, floor } = data ?? {};
  const text = (value) => (typeof value === 'string' ? cleanName(value) : '');
  return { id: clientId, name: nameOf(user, clientId), state,
    own: clientId === ownId,
    task: typeof task === 'string' ? task.slice(0, 60) : '', team: text(team),
    floor: typeof floor === 'number' ? floor : null };
}

function column(state, people) {
  const title = `column-${state.replace(/\W/gu, '')}`;
  return make('section', { class: 'column', 'data-state': state,
    'aria-labelledby': title },
  make('h3', { id: title },
    make('span', { class: 'presence-mark', 'data-presence': state,
      'aria-hidden': 'true' }),
    ` ${stateWord(state)} `,
    make('span', { class: 'note' }, String(people.length))),
  make('ul', {}, ...people.slice(0, LISTED_MAX).map(personCard)));
}

export function personCard({ name, own, task, team, floor, state }) {
  const facts = [team, floor === null ? '' : `floor ${floor}`].filter(Boolean);
  return make('li', { class: 'card', 'data-name': name, 'data-state': state },
    make('span', { class: 'avatar', 'aria-hidden': 'true',
      'data-hue': hueOf(name) }, initials(name)),
    make('span', { class: 'card-text' },
      make('span', { class: 'card-name' }, make('bdi', {}, name),
        ...(own ? [make('span', { class: 'note' }, ' you')] : [])),
      ...(task ? [make('span', { class: 'card-task', dir: 'auto' }, task)] : []),
      ...(facts.length
        ? [make('span', { class: 'note' }, facts.join(' · '))] : [])));
}
