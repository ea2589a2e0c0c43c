// SPDX-License-Identifier: MIT
// login-form.js - the first screen.

import { durationText } from './text.js';

export class LoginForm {
  #place = document.getElementById('login');
  #form = document.getElementById('login-form');
  #button = document.getElementById('login-button');
  #error = document.getElementById('login-error');

  /** logIn(name, password) is tried; what it throws is shown. */
  constructor(logIn) {
    this.#form.addEventListener('submit', (event) => {
      event.preventDefault();
      void this.#submit(logIn);
    });
  }

  show(why = '') {
    this.#error.textContent = why;
    this.#place.hidden = false;
    document.title = 'Log in – Godwit administration';
    this.#form.elements.name.focus();
  }

  hide() {
    this.#place.hidden = true;
    this.#form.reset();
  }

  async #submit(logIn) {
    const { name, password } = this.#form.elements;
    this.#error.textContent = '';
    this.#button.disabled = true;
    try {
      await logIn(name.value, password.value);
    } catch (refusal) {
      this.#error.textContent = wordsOf(refusal);
      password.value = '';
      password.focus();
    } finally {
      this.#button.disabled = false;
    }
  }
}

function wordsOf({ status, message, retryAfterMs }) {
  if (status === 401) return 'Name or password is wrong.';
  if (retryAfterMs) {
    const why = status === 429 ? 'Too many failed logins.' : 'The server is busy.';
    return `${why} Try again in ${durationText(retryAfterMs)}.`;
  }
  return message;
}
