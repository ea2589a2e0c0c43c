// SPDX-License-Identifier: MIT
// site.js - the filter box: finds names and headings of all pages. The list of
// them is loaded when the box is first used, as a script, which files on a disk
// may load, too.

const AT_MOST = 60;
const box = document.getElementById('filter');
const found = document.getElementById('found');
let names = null;

/** Called by names.js. */
function godwitNames(list) {
  names = list.map(([name, kind, url]) => ({
    name, kind, url, key: `${name} ${kind}`.toLowerCase(),
  }));
  show();
}

function load() {
  if (names) return;
  names = [];
  const script = document.createElement('script');
  script.src = 'names.js';
  document.head.append(script);
}

/** Lower comes first: the whole name, its beginning, its end, a part. */
function rankOf({ name }, text) {
  const lower = name.toLowerCase();
  if (lower === text) return 0;
  if (lower.startsWith(text)) return 1;
  if (lower.endsWith(text)) return 2;
  return 3;
}

function matches(text) {
  const parts = text.split(/\s+/);
  return names
    .filter(({ key }) => parts.every((part) => key.includes(part)))
    .map((entry) => ({ ...entry, rank: rankOf(entry, text) }))
    .sort((a, b) => a.rank - b.rank || a.name.length - b.name.length)
    .slice(0, AT_MOST);
}

function rowOf({ name, kind, url }) {
  const row = document.createElement('li');
  const link = document.createElement('a');
  const small = document.createElement('small');
  link.href = url;
  small.textContent = kind;
  link.append(name, ' ', small);
  row.append(link);
  return row;
}

function show() {
  const text = box.value.trim().toLowerCase();
  const entries = text && names ? matches(text) : [];
  found.replaceChildren(...entries.map(rowOf));
  found.hidden = !text;
  if (text && !entries.length) found.textContent = 'Nothing is called so.';
}

function clear() {
  box.value = '';
  show();
}

box.hidden = false;
box.addEventListener('focus', load);
box.addEventListener('input', () => { load(); show(); });
box.addEventListener('keydown', (event) => {
  if (event.key === 'Escape') clear();
  if (event.key === 'Enter') found.querySelector('a')?.click();
});
found.addEventListener('click', (event) => {
  if (event.target.closest('a')) clear();
});
document.addEventListener('keydown', (event) => {
  if (event.key === '/' && document.activeElement !== box) {
    event.preventDefault();
    box.focus();
  }
});
