// sign-view.js - the sign at the gate: a key that all share. Who writes it says
// which version it replaces, so nobody wipes out what was never read.

import { byId, make, setText } from '../common/dom.js';
import { nameOf, positionText } from '../common/text.js';
import { errorSentence } from '../common/words.js';

const KEY = 'sign';
const SIGN_MAX = 60;
/** A sign that comes down by itself hangs for so long. */
const LIFE_MS = 15_000;

export class SignView {
  #form = byId('sign-form');
  #field = byId('sign-field');
  #shared = null;
  /** The version that is being replaced; undefined: nothing is being written. */
  #base;

  constructor() {
    this.#field.addEventListener('input', () => {
      this.#base ??= { at: this.#shared?.position(KEY) ?? null };
    });
    this.#form.addEventListener('submit', (event) => {
      event.preventDefault();
      this.#hang(this.#field.value.trim());
    });
    byId('sign-remove').addEventListener('click', () => this.#hang(''));
  }

  enter(shared) {
    this.#shared = shared;
    this.#base = undefined;
    this.#say('');
    this.#show(null);
  }

  leave() {
    this.#shared = null;
  }

  /** It holds what the server holds: as it begins, or after a time away. */
  whole() {
    this.#show(this.#shared.get(KEY));
  }

  change({ item, value, publication }) {
    if (item !== KEY) return;
    this.#show(value, publication);
    if (this.#base && publication && !publication.own) {
      this.#say('It was changed while you were writing.');
    }
  }

  #show(value, publication = null) {
    const text = typeof value === 'string' ? value.slice(0, SIGN_MAX) : '';
    setText(byId('sign'), text);
    byId('sign').hidden = !text;
    byId('sign-remove').disabled = !text;
    if (!this.#base) this.#field.value = text;
    const at = this.#shared?.position(KEY);
    byId('sign-version').replaceChildren(...(at
      ? [`version ${positionText(at)}`,
        ...(publication ? [', by ', make('bdi', {},
          nameOf(publication.user, publication.clientId))] : [])]
      : ['no such key']));
  }

  async #hang(text) {
    const shared = this.#shared;
    if (!shared) return;
    const base = this.#base ? this.#base.at : shared.position(KEY);
    const options = { compareItem: base };
    if (text && byId('sign-expires').checked) options.ttlMs = LIFE_MS;
    this.#say('waiting for the server…');
    try {
      if (text) await shared.set(KEY, text, options);
      else if (base) await shared.remove(KEY, options);
      if (shared !== this.#shared) return;
      this.#base = undefined;
      this.#say('');
      this.#show(shared.get(KEY));
    } catch (error) {
      if (shared === this.#shared) this.#refused(error, text);
    }
  }

  /** Who tries again replaces what is there now. */
  #refused(error, text) {
    const { code, name } = error;
    const isLate = name === 'CONFLICT';
    if (isLate) this.#base = { at: this.#shared.position(KEY) };
    this.#field.value = text;
    byId('sign-answer').replaceChildren(
      make('strong', {}, code === undefined ? name : `${code} ${name}`), ' ',
      isLate ? 'Somebody was faster. Hang it again to replace theirs.'
        : errorSentence(error));
  }

  #say(text) {
    setText(byId('sign-answer'), text);
  }
}
