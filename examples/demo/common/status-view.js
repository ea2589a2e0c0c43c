// status-view.js - the status bar: the state in words, colour and shape, and the
// measures of the connection.

import { byId, setText } from './dom.js';
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
  #next;
  #retryAt = null;
  #ticker = 0;
  #isForbidden = false;

  /** onReconnect() is called when the person does not want to wait; next gets the
   * focus when the button for it goes away. */
  constructor(onReconnect, next) {
    this.#next = next;
    this.#reconnect.addEventListener('click', onReconnect);
    // The SDK sees a connection that does not open, and is not told why.
    document.addEventListener('securitypolicyviolation', (event) => {
      this.#isForbidden ||= event.effectiveDirective === 'connect-src' &&
        event.blockedURI.startsWith('ws');
    });
  }

  /** info: the client's; measures: more of them, by the ends of their ids. */
  show(info, measures = {}) {
    const { words, kind } = CONNECTION[info.state] ?? CONNECTION.idle;
    this.#bar.dataset.state = info.state;
    this.#bar.dataset.kind = kind;
    setText(this.#words, words);
    const isAway = ['waiting', 'suspended', 'failed'].includes(info.state);
    const reason = this.#isForbidden && info.reason?.name === 'TRANSPORT'
      ? FORBIDDEN : info.reason;
    setText(this.#reason, isAway ? reasonText(reason) : '');
    // Where the bar has the switch, that says "Connect".
    const canSwitch = this.#bar.contains(byId('link-switch'));
    this.#hideReconnect(!isAway && (info.state !== 'closed' || canSwitch));
    this.#countDown(isAway ? info.retryAt : null);

    const isUp = ['syncing', 'ready', 'degraded'].includes(info.state);
    const { transport, rttMs } = info;
    showMeasure('transport', isUp ? TRANSPORT[transport] ?? transport : '–');
    showMeasure('rtt', isUp && rttMs !== null ? `${Math.ceil(rttMs)} ms` : '–');
    for (const [name, text] of Object.entries(measures)) {
      showMeasure(name, text);
    }
  }

  /** A button that goes away under the keyboard takes the focus with it. */
  #hideReconnect(hidden) {
    if (hidden && document.activeElement === this.#reconnect) {
      this.#next.focus();
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

function showMeasure(name, text) {
  const value = byId(`status-${name}`);
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

/** In place of the SDK's reason. */
const FORBIDDEN = { name: 'POLICY',
  message: 'the policy of this page forbids the connection' };

/** What a person who is no engineer is told about a reason. */
export function reasonText(reason) {
  if (!reason?.name || reason.name === 'OK') return '';
  const text = SENTENCES[reason.name] ?? reason.message ?? reason.name;
  return `: ${text.replace(/\.$/u, '')}`;
}
