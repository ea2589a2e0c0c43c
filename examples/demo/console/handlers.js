// handlers.js - methods that this window answers, each as long as it is ticked.

import { byId, make } from '../common/dom.js';
import { nameOf } from '../common/text.js';

const SLOW_MS = 3000;
/** Codes of proto/godwit.proto. */
const BAD_REQUEST = 500;
const RATE_LIMITED = 202;

const after = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });

/** What each does; context: { who, questions, GodwitError }. */
const METHODS = {
  echo: { text: 'gives back what came', run: (data) => data },
  add: { text: 'adds a list of numbers, or says what is wrong',
    run: (data, { GodwitError }) => {
      if (!Array.isArray(data) || !data.every((n) => typeof n === 'number')) {
        throw new GodwitError(BAD_REQUEST, 'a list of numbers is needed');
      }
      return data.reduce((sum, n) => sum + n, 0);
    } },
  ask: { text: 'asks you',
    run: (data, { who, questions, GodwitError }) =>
      questions.ask(who, data, GodwitError) },
  slow: { text: `answers after ${SLOW_MS / 1000} s`,
    run: () => after(SLOW_MS).then(() => 'here I am') },
  refuse: { text: 'fails: come back later',
    run: (_, { GodwitError }) => {
      throw new GodwitError(RATE_LIMITED, 'one call a minute is enough');
    } },
};

export class Handlers {
  #boxes = new Map();
  #ends = new Map();
  #client = null;
  #context = null;
  #onChange;

  /** onChange(names) gets those that are answered. */
  constructor(onChange) {
    this.#onChange = onChange;
    byId('handlers').append(...Object.entries(METHODS).map(([name, { text }]) => {
      const box = make('input', { type: 'checkbox', id: `handler-${name}`,
        checked: '' });
      box.addEventListener('change', () => this.#switch(name));
      this.#boxes.set(name, box);
      return make('li', {}, make('label', { for: box.id }, box,
        make('code', {}, name), ` ${text}`));
    }));
  }

  /** context: { log, questions, GodwitError }. */
  start(client, context) {
    this.#client = client;
    this.#context = context;
    for (const name of this.#boxes.keys()) this.#apply(name);
  }

  stop() {
    for (const end of this.#ends.values()) end();
    this.#ends.clear();
  }

  /** Tell which are answered. */
  tell() {
    this.#onChange([...this.#ends.keys()]);
  }

  #switch(name) {
    this.#apply(name);
    this.tell();
  }

  #apply(name) {
    this.#ends.get(name)?.();
    this.#ends.delete(name);
    if (!this.#boxes.get(name).checked || !this.#client) return;
    this.#ends.set(name, this.#client.handle(name, (data, { from, user }) =>
      this.#answer(name, data, nameOf(user, from))));
  }

  async #answer(method, data, who) {
    const entry = this.#context.log.addCall({ direction: 'in', method, who, data });
    try {
      const answer = await METHODS[method].run(data, { ...this.#context, who });
      entry.answer(answer);
      return answer;
    } catch (error) {
      entry.fail(error);
      throw error;
    }
  }
}
