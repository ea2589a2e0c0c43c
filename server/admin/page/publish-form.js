// SPDX-License-Identifier: MIT
// publish-form.js - one publication to one channel.

export class PublishForm {
  #form = document.getElementById('publish');
  #channel = document.getElementById('channel');
  #payload = document.getElementById('payload');
  #error = document.getElementById('payload-error');

  /** publish({ channel, json }) is tried; tell gets what came of it. */
  constructor(publish, tell) {
    this.#form.addEventListener('submit', (event) => {
      event.preventDefault();
      void this.#submit(publish, tell);
    });
    this.#payload.addEventListener('input', () => this.#complain(''));
  }

  async #submit(publish, tell) {
    const channel = this.#channel.value.trim();
    let json;
    try {
      json = JSON.parse(this.#payload.value);
    } catch (error) {
      this.#complain(`This is not JSON: ${error.message}`);
      this.#payload.focus();
      return;
    }
    try {
      const { position } = await publish({ channel, json });
      tell(`Published to ${channel} at ${position.offset}.`);
    } catch (refusal) {
      tell(`Not published: ${refusal.message}`);
    }
  }

  #complain(why) {
    this.#error.textContent = why;
    if (why) this.#payload.setAttribute('aria-invalid', 'true');
    else this.#payload.removeAttribute('aria-invalid');
  }
}
