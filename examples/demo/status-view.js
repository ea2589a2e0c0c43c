// status-view.js - the status bar: the state in words, colour and shape, and the
// measures of the connection.

import { byId, setText } from './dom.js';
import { count, positionText } from './text.js';
import { CONNECTION } from './words.js';

/** How often the countdown is looked at; it shows whole seconds. */
const TICK_MS = 250;
const TRANSPORT = { websocket: 'WebSocket' };

export class StatusView {
  #bar = byId('status');
  #words = byId('status-words');
  #reason = byId('status-reason');
  #retry = byId('status-retry');
  #reconnect = byId('reconnect');
  #outboxItem = byId('status-outbox-item');
  #retryAt = null;
  #ticker = 0;

  /** onReconnect() is called when the person does not want to wait. */
  constructor(onReconnect) {
    this.#reconnect.addEventListener('click', onReconnect);
  }

  /** info: the client's; position: of the room's stream, or null; numWaiting:
   * messages that the server has not taken. */
  show(info, position, numWaiting) {
    const { words, kind } = CONNECTION[info.state] ?? CONNECTION.idle;
    this.#bar.dataset.state = info.state;
    this.#bar.dataset.kind = kind;
    setText(this.#words, words);
    const isAway = ['waiting', 'suspended', 'failed'].includes(info.state);
    setText(this.#reason, isAway ? reasonText(info.reason) : '');
    this.#hideReconnect(!isAway && info.state !== 'closed');
    this.#countDown(isAway ? info.retryAt : null);

    const isUp = ['syncing', 'ready', 'degraded'].includes(info.state);
    showMeasure('status-transport', isUp
      ? TRANSPORT[info.transport] ?? info.transport : '–');
    showMeasure('status-rtt', isUp && info.rttMs !== null
      ? `${Math.ceil(info.rttMs)} ms` : '–');
    showMeasure('status-position', positionText(position));
    showMeasure('status-outbox', count(numWaiting));
    this.#outboxItem.classList.toggle('is-filled', numWaiting > 0);
  }

  /** A button that goes away under the keyboard takes the focus with it. */
  #hideReconnect(hidden) {
    if (hidden && document.activeElement === this.#reconnect) {
      byId('compose-input').focus();
    }
    this.#reconnect.hidden = hidden;
  }

  #countDown(retryAt) {
    this.#retryAt = retryAt ?? null;
    clearInterval(this.#ticker);
    if (this.#retryAt !== null) {
      this.#ticker = setInterval(() => this.#tick(), TICK_MS);
    }
    this.#tick();
  }

  #tick() {
    this.#retry.hidden = this.#retryAt === null;
    if (this.#retryAt === null) return;
    const seconds = Math.ceil((this.#retryAt - Date.now()) / 1000);
    setText(this.#retry, seconds > 0 ? `next attempt in ${seconds} s`
      : 'trying now');
  }
}

function showMeasure(id, text) {
  const value = byId(id);
  setText(value, text);
  value.parentElement.classList.toggle('is-unknown', text === '–');
}

const SENTENCES = {
  CONNECTION_LOST: 'the server went away',
  TRANSPORT: 'the server cannot be reached',
  PING_TIMEOUT: 'nothing was heard for too long',
  TIMEOUT: 'no answer came in time',
  HANDSHAKE_TIMEOUT: 'no answer came in time',
  SHUTDOWN: 'the server is shutting down',
  OVERLOADED: 'the server is busy',
  SLOW_READER: 'this page could not keep up',
};

/** What a person who is no engineer is told about a reason. */
export function reasonText(reason) {
  if (!reason?.name || reason.name === 'OK') return '';
  const text = SENTENCES[reason.name] ?? reason.message ?? reason.name;
  return `: ${text.replace(/\.$/u, '')}`;
}
