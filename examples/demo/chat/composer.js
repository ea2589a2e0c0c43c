// composer.js - the field where a message is written.

import { byId } from '../common/dom.js';

export class Composer {
  #input = byId('compose-input');
  #button = byId('compose').querySelector('[type=submit]');

  /** onSend(text) takes a message; onTyping(bool) is told at each key. */
  constructor(onSend, onTyping) {
    const form = byId('compose');
    const input = this.#input;
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      const text = input.value.trim();
      input.value = '';
      onTyping(false);
      if (text) onSend(text);
    });
    input.addEventListener('keydown', (event) => {
      // While an input method composes, Enter chooses a word.
      if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      form.requestSubmit();
    });
    input.addEventListener('input', () => onTyping(input.value.trim() !== ''));
    input.addEventListener('blur', () => onTyping(false));
  }

  /** Who may not write here is told why. */
  setMay(may, why) {
    this.#input.disabled = !may;
    this.#button.disabled = !may;
    this.#input.placeholder = may ? 'Write a message' : why;
  }

  focus() {
    this.#input.focus();
  }
}
