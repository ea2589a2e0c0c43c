// join.js - the first screen: who are you, and which room.

import { byId } from '../common/dom.js';
import { cleanName, cleanRoom } from '../common/text.js';

export class Join {
  #section = byId('join');
  #name = byId('join-name');
  #room = byId('join-room');

  /** onJoin(name, place) gets what passed. */
  constructor(onJoin) {
    byId('join-form').addEventListener('submit', (event) => {
      event.preventDefault();
      const name = cleanName(this.#name.value);
      const room = cleanRoom(this.#room.value);
      const roomIsGood = check(this.#room, room,
        'Use letters, digits, - and _ for the room.');
      const nameIsGood = check(this.#name, name, 'Please tell your name.');
      const kind = byId('join-club').checked ? 'club' : 'room';
      if (nameIsGood && roomIsGood) onJoin(name, { kind, name: room });
    });
  }

  show(name, place) {
    this.#section.hidden = false;
    this.#name.value = name;
    this.#room.value = place.name;
    byId(place.kind === 'club' ? 'join-club' : 'join-open').checked = true;
    (name ? this.#room : this.#name).focus();
  }

  hide() {
    this.#section.hidden = true;
  }
}

/** Shows the complaint at the field, or takes it away. */
function check(input, value, complaint) {
  const error = byId(`${input.id}-error`);
  error.hidden = value !== '';
  error.textContent = value ? '' : complaint;
  input.setAttribute('aria-invalid', String(value === ''));
  if (!value) input.focus();
  return value !== '';
}
