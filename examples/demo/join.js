// join.js - the first screen: who are you, and which room.

import { byId } from './dom.js';
import { cleanName, cleanRoom } from './text.js';

export class Join {
  #section = byId('join');
  #name = byId('join-name');
  #room = byId('join-room');

  /** onJoin(name, room) gets what passed. */
  constructor(onJoin) {
    byId('join-form').addEventListener('submit', (event) => {
      event.preventDefault();
      const name = cleanName(this.#name.value);
      const room = cleanRoom(this.#room.value);
      const roomIsGood = check(this.#room, room,
        'Use letters, digits, - and _ for the room.');
      const nameIsGood = check(this.#name, name, 'Please tell your name.');
      if (nameIsGood && roomIsGood) onJoin(name, room);
    });
  }

  show(name, room) {
    this.#section.hidden = false;
    this.#name.value = name;
    this.#room.value = room;
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
