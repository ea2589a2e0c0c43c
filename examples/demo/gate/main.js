// main.js - the gate: a state machine that everybody moves, what happened to it,
// and a sign, all of them keys of one scope.

import { byId, setText } from '../common/dom.js';
import { runPiece } from '../common/piece.js';
import { GateView } from './gate-view.js';
import { HistoryView } from './history-view.js';
import { SignView } from './sign-view.js';
import { byItself, INITIAL } from './states.js';

let gate = null;
const view = new GateView((to) => gate?.move(to));
const history = new HistoryView();
const sign = new SignView();

/** The gate of one room: the machine "gate" in a scope of its own. */
class Gate {
  #shared;
  #machine;
  #isEnded = false;
  /** The last position that was told: after a time away, it may come again. */
  #told = null;
  #moves = 0;
  /** Of the server's memory. */
  #epoch = null;

  constructor({ client, room, sdk }) {
    this.#shared = new sdk.SharedState(client, 'free', `gate-${room}`);
    this.#machine = this.#shared.machine('gate');
    history.clear();
    view.answer(null);
    view.show(INITIAL);
    sign.enter(this.#shared);
    setText(byId('command'), 'build/godwit state set free ' +
      `gate-${room} machine/gate '"jammed"'`);
    this.#shared.on('change', (change) => {
      sign.change(change);
      if (change.item === this.#machine.key) this.#changed(change);
    });
    this.#shared.on('whole', () => {
      this.#lookAtEpoch();
      sign.whole();
      this.#ask();
    });
  }

  async move(to) {
    const number = ++this.#moves;
    const answer = (error) => {
      if (!this.#isEnded && number === this.#moves) view.answer(error);
    };
    view.waits();
    try {
      await this.#machine.move(to);
      answer(null);
    } catch (error) {
      answer(error);
    }
  }

  leave() {
    this.#isEnded = true;
    sign.leave();
    this.#shared.end();
  }

  #changed({ value, previous, publication }) {
    const found = !this.#shared.isWhole;
    const isOther = this.#lookAtEpoch(publication);
    if (publication) {
      const from = isOther || !previous ? INITIAL : previous;
      this.#tell({ from, to: value, found, publication });
    } else if (!isOther) {
      history.addLoss('Set back to its beginning while this page was away');
    }
    view.show(value ?? INITIAL, leavesIn(value, found, publication));
    if (!found) this.#ask();
  }

  /** Whether the server has forgotten what was, which is told once. */
  #lookAtEpoch(publication = null) {
    const at = publication?.position ?? this.#shared.subscription.position;
    const isOther = this.#epoch !== null && at.epoch !== this.#epoch;
    this.#epoch = at.epoch;
    if (isOther) {
      history.addLoss('The server started again, and the gate with it');
    }
    return isOther;
  }

  #tell({ to, publication, ...rest }) {
    const { position } = publication;
    if (position.epoch === this.#told?.epoch &&
        position.offset <= this.#told.offset) return;
    this.#told = position;
    if (publication.removed) {
      history.addLoss('The application set it back to its beginning');
    } else history.add({ to, publication, ...rest });
  }

  /** What it may become is the server's to say. */
  async #ask() {
    try {
      const { state, allowed } = await this.#machine.read();
      const isNews = state !== (this.#machine.state ?? INITIAL);
      if (!this.#isEnded && !isNews) view.allow(allowed);
    } catch {
      // Away, or too often: the next change asks again.
    }
  }
}

/** Milliseconds until it leaves a state by itself; null: it does not. */
function leavesIn(state, found, publication) {
  const next = byItself(state);
  if (!next || !publication) return null;
  const age = found ? Math.max(0, Date.now() - publication.time) : 0;
  return Math.max(0, next.afterMs - age);
}

runPiece({ piece: 'gate', title: 'Gate', modules: ['state'], enter(place) {
  gate = new Gate(place);
  return () => {
    gate.leave();
    gate = null;
  };
} });
