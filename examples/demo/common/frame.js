// frame.js - what is the same around each small piece: the bar above it with the
// way back, the room and the person, and the status bar below it.

import { byId, make, setText } from './dom.js';
import { hueOf, initials, NAME_MAX, ROOM_MAX } from './text.js';

const COPIED_MS = 2000;

/** A labelled field with room for a complaint. */
function field(id, label, maxlength) {
  return make('div', { class: 'field' },
    make('label', { for: id }, label),
    make('input', { id, type: 'text', maxlength, required: '',
      autocomplete: 'off', spellcheck: 'false' }));
}

function topBar(title) {
  return make('header', { class: 'top' },
    make('a', { class: 'top-home', href: '../' },
      make('img', { class: 'top-logo', src: '../logo.svg', alt: 'Gallery', width: 36,
        height: 36 }),
      make('span', { class: 'top-name', 'aria-hidden': 'true' }, 'Gallery')),
    make('h1', { class: 'top-room' }, `${title} `,
      make('span', { class: 'top-place' },
        make('span', { class: 'top-hash' }, '#'),
        make('bdi', { id: 'room-name' }))),
    make('button', { id: 'copy-link', class: 'button small copy-link',
      type: 'button' }, 'Copy link'),
    make('button', { id: 'who', class: 'button quiet who', type: 'button',
      'aria-haspopup': 'dialog' },
    make('span', { id: 'who-picture', class: 'avatar', 'aria-hidden': 'true' }),
    make('span', { class: 'who-text' },
      make('span', { class: 'sr-only' }, 'You are '),
      make('bdi', { id: 'who-name' }),
      make('span', { class: 'sr-only' }, ': change name or room'))));
}

function measure(name, label) {
  return make('div', {}, make('dt', {}, label),
    make('dd', { id: `status-${name}` }, '–'));
}

function statusBar() {
  return make('footer', { id: 'status', class: 'status', 'data-state': 'idle',
    'data-kind': 'off' },
  make('h2', { class: 'sr-only' }, 'Connection'),
  make('p', { class: 'status-state' },
    make('span', { class: 'state-mark', 'aria-hidden': 'true' }),
    make('span', { role: 'status' },
      make('span', { id: 'status-words', class: 'status-words' },
        'Not connected'),
      make('span', { id: 'status-reason', class: 'status-reason' }))),
  make('p', { id: 'status-retry', class: 'status-retry', hidden: '' }),
  make('button', { id: 'reconnect', class: 'button small', type: 'button',
    hidden: '' }, 'Reconnect now'),
  make('div', { class: 'status-end' },
    make('dl', { class: 'measures' }, measure('transport', 'Transport'),
      measure('rtt', 'Round trip')),
    make('button', { id: 'link-switch', class: 'button small link-switch',
      type: 'button' }, 'Disconnect')));
}

function whoDialog() {
  return make('dialog', { id: 'who-dialog', class: 'dialog',
    'aria-labelledby': 'who-title' },
  make('form', { method: 'dialog', autocomplete: 'off' },
    make('h2', { id: 'who-title' }, 'Name and room'),
    field('who-field', 'Your name', NAME_MAX),
    field('room-field', 'Room', ROOM_MAX),
    make('p', { class: 'field-hint' },
      'Whoever has the link to a room meets there.'),
    make('div', { class: 'dialog-end' },
      make('button', { class: 'button', type: 'button', id: 'who-cancel' },
        'Cancel'),
      make('button', { class: 'button primary', type: 'submit' }, 'Take it'))));
}

/** Puts the bars around the page's main element, whose id is "main". */
export class Frame {
  /** onPerson(name, room) gets what was written in the dialog; onSwitch():
   * connect or disconnect. */
  constructor(title, { onPerson, onSwitch }) {
    const skip = make('a', { class: 'skip-link', href: '#main' },
      'Skip to the content');
    document.body.classList.add('piece');
    document.body.prepend(skip, topBar(title));
    document.body.append(statusBar(), whoDialog());
    // The hash is the room's, so the skip link must not change it.
    skip.addEventListener('click', (event) => {
      event.preventDefault();
      byId('main').focus();
    });
    byId('link-switch').addEventListener('click', onSwitch);
    this.#wireDialog(onPerson);
    this.#wireCopy();
  }

  show(name, room, title) {
    setText(byId('room-name'), room);
    setText(byId('who-name'), name);
    byId('who-picture').dataset.hue = hueOf(name);
    setText(byId('who-picture'), initials(name));
    document.title = `${title} #${room} – Godwit`;
  }

  setSwitch(isClosed) {
    setText(byId('link-switch'), isClosed ? 'Connect' : 'Disconnect');
  }

  #wireDialog(onPerson) {
    const dialog = byId('who-dialog');
    byId('who').addEventListener('click', () => {
      byId('who-field').value = byId('who-name').textContent;
      byId('room-field').value = byId('room-name').textContent;
      dialog.showModal();
      byId('who-field').select();
    });
    byId('who-cancel').addEventListener('click', () => dialog.close());
    dialog.querySelector('form').addEventListener('submit', () =>
      onPerson(byId('who-field').value, byId('room-field').value));
  }

  #wireCopy() {
    const button = byId('copy-link');
    // Without a secure context there is no clipboard to write to.
    button.hidden = !navigator.clipboard;
    button.addEventListener('click', async () => {
      await navigator.clipboard.writeText(location.href);
      setText(button, 'Copied');
      setTimeout(() => setText(button, 'Copy link'), COPIED_MS);
    });
  }
}
