// questions-view.js - calls that a person answers by hand.

import { byId, make } from '../common/dom.js';

const QUESTIONS_MAX = 5;
/** Codes of proto/godwit.proto. */
const OVERLOADED = 201;
const PERMISSION_DENIED = 507;
const TEXT_MAX = 500;

export class QuestionsView {
  #list = byId('questions');

  /** Resolves with the person's answer, or rejects when it is refused. */
  ask(who, data, GodwitError) {
    if (this.#list.childElementCount >= QUESTIONS_MAX) {
      throw new GodwitError(OVERLOADED, 'too many questions wait already');
    }
    return new Promise((resolve, reject) => {
      const text = typeof data === 'string' ? data : JSON.stringify(data);
      const input = make('input', { type: 'text', maxlength: TEXT_MAX,
        'aria-label': `Answer to ${who}` });
      const refuse = make('button', { class: 'button small', type: 'button' },
        'Refuse');
      const form = make('form', { class: 'question', autocomplete: 'off' },
        make('p', {}, make('bdi', {}, who), ' asks: ',
          make('q', { dir: 'auto' }, text.slice(0, TEXT_MAX))),
        make('div', { class: 'question-end' }, input,
          make('button', { class: 'button small primary', type: 'submit' },
            'Answer'), refuse));
      form.addEventListener('submit', (event) => {
        event.preventDefault();
        form.remove();
        resolve(input.value);
      });
      refuse.addEventListener('click', () => {
        form.remove();
        reject(new GodwitError(PERMISSION_DENIED, 'the person does not want to'));
      });
      this.#list.append(form);
    });
  }

  clear() {
    this.#list.replaceChildren();
  }
}
