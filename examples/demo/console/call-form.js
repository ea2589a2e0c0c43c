// call-form.js - whom to call, what, and with what.

import { byId, make } from '../common/dom.js';
import { nameOf } from '../common/text.js';
import { examplesOf } from './examples.js';

const SERVER_METHODS = ['godwit.presence', 'godwit.presence_stats',
  'godwit.presence_of', 'godwit.history', 'godwit.groups', 'godwit.group_create',
  'godwit.group_get', 'godwit.group_delete', 'godwit.send'];
const TIMEOUT_MS = 10000;

export class CallForm {
  #to = byId('call-to');
  #method = byId('call-method');
  #data = byId('call-data');
  #timeout = byId('call-timeout');
  #example = byId('example');
  #members = new Map();
  #examples = [];

  /** onCall({ to, toName, method, data, timeoutMs }); to is '' for the server. */
  constructor(onCall) {
    byId('call').addEventListener('submit', (event) => {
      event.preventDefault();
      const data = this.#read();
      if (data === undefined) return;
      onCall({ to: this.#to.value, method: this.#method.value.trim(), data,
        toName: this.#to.selectedOptions[0].textContent,
        timeoutMs: this.#timeout.valueAsNumber || TIMEOUT_MS });
    });
    this.#to.addEventListener('change', () => this.#showMethods());
    this.#example.addEventListener('change', () =>
      this.#take(this.#examples[this.#example.selectedIndex]));
    this.#showTo([]);
  }

  showExamples(room, user) {
    this.#examples = examplesOf(room, user);
    this.#example.replaceChildren(...this.#examples.map(({ title }) =>
      make('option', {}, title)));
    this.#take(this.#examples[0]);
  }

  showMembers(members, ownId) {
    this.#members = members;
    this.#showTo([...members.values()]
      .map(({ clientId, user }) => ({ id: clientId,
        name: nameOf(user, clientId) + (clientId === ownId ? ' (this window)' : '') }))
      .sort((a, b) => a.name.localeCompare(b.name)));
    this.#showMethods();
  }

  #showTo(windows) {
    const chosen = this.#to.value;
    this.#to.replaceChildren(make('option', { value: '' }, 'The server'),
      ...windows.map(({ id, name }) => make('option', { value: id }, name)));
    const isThere = windows.some(({ id }) => id === chosen);
    this.#to.value = isThere ? chosen : '';
  }

  /** What the chosen one says that it answers. */
  #showMethods() {
    const told = this.#members.get(this.#to.value)?.data?.methods;
    const names = this.#to.value === '' ? SERVER_METHODS
      : Array.isArray(told) ? told.filter((m) => typeof m === 'string') : [];
    byId('methods').replaceChildren(
      ...names.slice(0, 50).map((value) => make('option', { value })));
  }

  #take({ method, data, other, timeoutMs }) {
    if (!other) this.#to.value = '';
    else if (this.#to.value === '') this.#chooseOther();
    this.#method.value = method;
    this.#data.value = data === null ? '' : JSON.stringify(data);
    this.#timeout.value = timeoutMs ?? TIMEOUT_MS;
    this.#complain('');
    this.#showMethods();
  }

  /** Another window if there is one, or else this one. */
  #chooseOther() {
    const options = [...this.#to.options].filter(({ value }) => value);
    const other = options.find(({ text }) => !text.endsWith('(this window)'));
    this.#to.value = (other ?? options[0])?.value ?? '';
  }

  /** The argument; undefined when it is no JSON, which is said. */
  #read() {
    const text = this.#data.value.trim();
    try {
      const data = text === '' ? null : JSON.parse(text);
      this.#complain('');
      return data;
    } catch (error) {
      this.#complain(`That is no JSON: ${error.message}`);
      this.#data.focus();
      return undefined;
    }
  }

  #complain(text) {
    const error = byId('call-data-error');
    error.hidden = text === '';
    error.textContent = text;
    this.#data.setAttribute('aria-invalid', String(text !== ''));
  }
}
