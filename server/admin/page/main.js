// SPDX-License-Identifier: MIT
// main.js - who is logged in sees the board, which looks again every few seconds.

import { ChannelsView } from './channels-view.js';
import { ConnectionsView } from './connections-view.js';
import { LoginForm } from './login-form.js';
import { NodeView } from './node-view.js';
import { PublishForm } from './publish-form.js';
import { dropQuestion, question } from './question.js';
import { Server } from './server.js';
import { timeText } from './text.js';

const REFRESH_MS = 3000;
const FILTER_MS = 250;
const NOTICE_MS = 6000;

const element = (id) => document.getElementById(id);
const server = new Server();
const node = new NodeView();
const channels = new ChannelsView();
const connections = new ConnectionsView(endConnection);
const login = new LoginForm(async (name, password) => {
  await server.logIn(name, password);
  showBoard();
});

/* ---- what is told --------------------------------------------------------- */

function showStatus(kind, words) {
  element('status').dataset.kind = kind;
  // Words that stay are not read out again.
  const place = element('status-words');
  if (place.textContent !== words) place.textContent = words;
}

let noticeTimer = 0;
function notice(words) {
  element('notice').textContent = words;
  clearTimeout(noticeTimer);
  noticeTimer = setTimeout(() => (element('notice').textContent = ''), NOTICE_MS);
}

/* ---- looking again -------------------------------------------------------- */

let timer = 0;
/** Each look has a number: what an older one brings is not shown. */
let looks = 0;

async function look({ isBackground }) {
  const number = (looks += 1);
  clearTimeout(timer);
  const options = { isBackground };
  try {
    const [info, found, named] = await Promise.all([
      server.call('info', {}, options),
      server.call('connections', connections.request, options),
      server.call('channels', channels.request, options),
    ]);
    if (number !== looks) return;
    node.show(info);
    connections.show(found.connections, Number(info.timeMs));
    channels.show(named.channels);
    showStatus('good', 'Up to date');
    element('status-time').textContent = timeText(new Date());
  } catch (refusal) {
    if (number !== looks) return;
    if (refusal.status === 401) return leave('Your session is over.');
    showStatus(refusal.status ? 'warn' : 'bad', refusal.message);
  }
  timer = setTimeout(look, REFRESH_MS, { isBackground: true });
}

function stopLooking() {
  looks += 1;
  clearTimeout(timer);
}

document.addEventListener('visibilitychange', () => {
  if (!server.user) return;
  if (document.hidden) stopLooking();
  else void look({ isBackground: true });
});

let filterTimer = 0;
for (const id of ['connections-filter', 'channels-filter']) {
  element(id).addEventListener('input', () => {
    clearTimeout(filterTimer);
    filterTimer = setTimeout(look, FILTER_MS, { isBackground: false });
  });
  element(id).addEventListener('submit', (event) => {
    event.preventDefault();
    void look({ isBackground: false });
  });
}

/* ---- what an administrator does ------------------------------------------- */

/** What a call returns; a session that is over leads to the login. */
async function act(method, request) {
  try {
    return await server.call(method, request);
  } catch (refusal) {
    if (refusal.status === 401) leave('Your session is over.');
    throw refusal;
  }
}

async function endConnection({ connection, name, peer, agent }) {
  const from = [peer, agent].filter(Boolean).join(', ');
  const isSure = await question({
    title: `Disconnect ${name}?`,
    words: `The connection from ${from} is closed, and its client does not come ` +
      'back by itself.',
    yes: 'Disconnect',
  });
  if (!isSure) return;
  try {
    const { connections: closed = 0 } = await act('disconnect',
      { connection, reason: 'closed by an administrator' });
    notice(closed ? `${name} is disconnected.` : `${name} had gone already.`);
    element('connections-title').focus();
    await look({ isBackground: false });
  } catch (refusal) {
    notice(`Not disconnected: ${refusal.message}`);
  }
}

new PublishForm(async (request) => {
  const reply = await act('publish', request);
  void look({ isBackground: false });
  return reply;
}, notice);

element('logout').addEventListener('click', async () => {
  const done = server.logOut().catch(({ message }) =>
    notice(`The server was not told: ${message}`));
  leave();
  await done;
});

/* ---- in and out ----------------------------------------------------------- */

function showBoard() {
  login.hide();
  element('user').textContent = server.user;
  element('app').hidden = false;
  document.title = 'Godwit administration';
  element('node-title').focus();
  showStatus('busy', 'Loading');
  void look({ isBackground: false });
}

/** To the first screen; nothing of what was shown stays. */
function leave(why) {
  server.forget();
  stopLooking();
  dropQuestion();
  connections.show([], 0);
  channels.show([]);
  element('app').hidden = true;
  login.show(why);
}

try {
  if (await server.resume()) showBoard();
  else login.show();
} catch ({ message }) {
  login.show(message);
}
