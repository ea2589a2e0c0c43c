// club-view.js - what a club adds to the page: the door, those who knock, and the
// members with their roles.

import { byId, make, setText } from '../common/dom.js';
import { hueOf, initials } from '../common/text.js';
import { GIVEN, roleWord } from './roles.js';

const DOOR = {
  asking: ['One moment', 'Looking who you are in this club.'],
  waiting: ['You are at the door', ''],
  closed: ['This club is not open',
    'The server has forgotten it, or nobody has opened it. Whoever opens it is its owner.'],
};

export class ClubView {
  #section = byId('members');
  #list = byId('members-list');
  #knocks = byId('knocks');
  #door = byId('door');
  #open = byId('door-open');
  #shown = {};
  #club = null;

  constructor() {
    this.#open.addEventListener('click', () => this.#club.open());
  }

  /** club: null in a room, which has no door. */
  show(club, user) {
    this.#club = club;
    const isOut = club !== null && club.state !== 'inside';
    byId('app').classList.toggle('is-out', isOut);
    this.#door.hidden = !isOut;
    this.#section.hidden = club === null || isOut;
    this.#showDoor(club);
    this.#showKnocks(club);
    this.#showMembers(club, user);
  }

  #showDoor(club) {
    if (!club || club.state === 'inside') return;
    const [title, text] = DOOR[club.state];
    setText(byId('door-title'), title);
    setText(byId('door-text'), text || atDoor(club.keepers));
    this.#open.hidden = club.state !== 'closed';
  }

  /** Lists are drawn when they differ: the focus may be in them. */
  #isNew(name, value) {
    const text = JSON.stringify(value);
    const isNew = this.#shown[name] !== text;
    this.#shown[name] = text;
    return isNew;
  }

  #showKnocks(club) {
    const waiting = club?.mayManage ? club.waiting : [];
    if (!this.#isNew('knocks', waiting)) return;
    this.#knocks.replaceChildren(...waiting.map((user) => this.#knockRow(user)));
  }

  #knockRow(user) {
    const button = (text, role, kind) => {
      const b = make('button', { type: 'button', class: `button small ${kind}`,
        'aria-label': `${text}: ${user}` }, text);
      b.addEventListener('click', () => {
        this.#club.give(user, role);
        byId('compose-input').focus();
      });
      return b;
    };
    return make('li', { class: 'knock', 'data-user': user },
      make('span', { class: 'knock-text' }, make('bdi', {}, user),
        ' asks to come in.'),
      button('Let in', 'member', 'primary'),
      button('Let in to read', 'reader', ''));
  }

  #showMembers(club, user) {
    const members = club?.state === 'inside' ? [...club.members] : [];
    const isKeeper = club?.mayManage ?? false;
    if (!this.#isNew('members', [members, isKeeper, user])) return;
    const hadFocus = this.#list.contains(document.activeElement);
    this.#list.replaceChildren(...members.map(([name, role]) =>
      this.#memberRow(name, role, isKeeper && name !== user && role !== 'owner',
        name === user)));
    if (hadFocus) byId('members-title').focus();
  }

  #memberRow(name, role, isGiven, own) {
    return make('li', { class: 'member', 'data-name': name, 'data-role': role },
      make('span', { class: 'avatar', 'aria-hidden': 'true',
        'data-hue': hueOf(name) }, initials(name)),
      make('span', { class: 'person-name' }, make('bdi', {}, name),
        ...(own ? [make('span', { class: 'person-you' }, 'you')] : [])),
      ...(isGiven ? this.#controls(name, role)
        : [make('span', { class: 'member-role' }, roleWord(role))]));
  }

  #controls(name, role) {
    const select = make('select', { 'aria-label': `Role of ${name}` },
      ...Object.entries(GIVEN).map(([value, word]) =>
        make('option', { value }, word)));
    select.value = role;
    select.addEventListener('change', () =>
      this.#club.give(name, select.value));
    const remove = make('button', { type: 'button', class: 'button small',
      'aria-label': `Remove ${name}` }, 'Remove');
    remove.addEventListener('click', () => this.#club.remove(name));
    return [make('span', { class: 'member-controls' }, select, remove)];
  }
}

function atDoor(keepers) {
  return keepers.length
    ? `${keepers.join(', ')} can let you in, and sees that you wait.`
    : 'Nobody who could let you in is here now. You are seen when somebody comes.';
}
