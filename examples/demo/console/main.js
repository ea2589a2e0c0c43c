// main.js - the console: calls of this window, and what it answers to others.

import { runPiece } from '../common/piece.js';
import { CallForm } from './call-form.js';
import { Handlers } from './handlers.js';
import { LogView } from './log-view.js';
import { QuestionsView } from './questions-view.js';

const log = new LogView();
const questions = new QuestionsView();
let room = null;

const form = new CallForm((call) => room?.call(call));
const handlers = new Handlers((names) => room?.offer(names));

/** One room: its members can be called, and know what each of them answers. */
class Room {
  #client;
  #sub;

  constructor({ client, room: name, user, sdk }) {
    this.#client = client;
    this.#sub = client.subscribe(`console:${name}`, { presence: true });
    const show = () => form.showMembers(this.#sub.members, client.info.clientId);
    this.#sub.on('members', show);
    this.#sub.on('presence', show);
    form.showExamples(name, user);
    handlers.start(client, { log, questions, GodwitError: sdk.GodwitError });
  }

  offer(methods) {
    this.#sub.enter('online', { methods });
  }

  async call({ to, toName, method, data, timeoutMs }) {
    const entry = log.addCall({ direction: 'out', method, who: toName, data });
    try {
      entry.answer(await this.#client.call(method, data,
        { timeoutMs, ...(to ? { to } : {}) }));
    } catch (error) {
      entry.fail(error);
    }
  }

  leave() {
    handlers.stop();
    questions.clear();
    this.#sub.unsubscribe();
  }
}

runPiece({ piece: 'console', title: 'Call console', enter(place) {
  room = new Room(place);
  handlers.tell();
  return () => {
    room.leave();
    room = null;
  };
} });
