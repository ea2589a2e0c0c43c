// SPDX-License-Identifier: MIT
// node-view.js - what the node as a whole is doing, with rates from two looks.

import { durationText, numberText, rateText } from './text.js';

const TOTALS = ['connections', 'subscriptions', 'channels', 'members',
  'accepted', 'published', 'delivered'];

/** Sums over the workers. 64-bit numbers come as texts. */
function sum(workers) {
  const totals = Object.fromEntries(TOTALS.map((name) => [name, 0]));
  for (const worker of workers) {
    for (const name of TOTALS) totals[name] += Number(worker[name] ?? 0);
  }
  return totals;
}

export class NodeView {
  #tiles = document.getElementById('tiles');
  #values = new Map();
  #last = null;

  show({ node, server, uptimeMs = 0, workers = [] }) {
    const totals = sum(workers);
    const look = { uptimeMs: Number(uptimeMs), totals };
    document.getElementById('node').textContent = node;
    document.getElementById('version').textContent = server.replace('/', ' ');
    this.#set('Up for', durationText(look.uptimeMs));
    this.#set('Connections', numberText(totals.connections));
    this.#set('Subscriptions', numberText(totals.subscriptions));
    this.#set('Channels', numberText(totals.channels));
    this.#set('Present members', numberText(totals.members));
    this.#set('Published', this.#rate('published', look));
    this.#set('Delivered', this.#rate('delivered', look));
    this.#set('New connections', this.#rate('accepted', look));
    this.#last = look;
  }

  /** Since the look before; a server that was started again begins anew. */
  #rate(name, { uptimeMs, totals }) {
    const seconds = (uptimeMs - (this.#last?.uptimeMs ?? Infinity)) / 1000;
    if (!(seconds > 0)) return '–';
    return rateText((totals[name] - this.#last.totals[name]) / seconds);
  }

  #set(name, text) {
    let value = this.#values.get(name);
    if (!value) {
      const tile = document.createElement('div');
      const term = document.createElement('dt');
      value = document.createElement('dd');
      term.textContent = name;
      tile.append(term, value);
      this.#tiles.append(tile);
      this.#values.set(name, value);
    }
    if (value.textContent !== text) value.textContent = text;
  }
}
