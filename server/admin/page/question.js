// SPDX-License-Identifier: MIT
// question.js - asks before something is done that cannot be taken back.

const dialog = document.getElementById('ask');

/** Whether the answer is yes. Escape is no. */
export function question({ title, words, yes }) {
  document.getElementById('ask-title').textContent = title;
  document.getElementById('ask-words').textContent = words;
  document.getElementById('ask-yes').textContent = yes;
  dialog.returnValue = 'no';
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener('close', () =>
      resolve(dialog.returnValue === 'yes'), { once: true });
  });
}

export function dropQuestion() {
  if (dialog.open) dialog.close('no');
}
