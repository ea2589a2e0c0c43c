// sender.js - publishes where one's own cursor is: at most once, and at most so
// often. What happens in between is merged into the newest place.

/** 25 times a second: with smoothing in between, it looks continuous. */
const INTERVAL_MS = 40;
/** A place in thousandths is finer than a pixel of most screens. */
const round = (n) => Math.round(n * 1000) / 1000;

export class Sender {
  #client;
  #channel;
  #add;
  #last = null;
  #isDue = false;
  #timer = 0;

  /** add(name) counts: sent, merged. */
  constructor(client, channel, add) {
    this.#client = client;
    this.#channel = channel;
    this.#add = add;
  }

  move({ x, y }) {
    this.#last = { x: round(x), y: round(y) };
    if (this.#isDue) this.#add('merged');
    this.#isDue = true;
    if (!this.#timer) this.#send();
  }

  /** A wave is not merged into what follows. */
  wave({ x, y }) {
    this.#last = { x: round(x), y: round(y) };
    this.#isDue = false;
    this.#publish({ ...this.#last, wave: true });
  }

  /** Somebody came who has seen nothing yet. */
  again() {
    if (this.#last) this.move(this.#last);
  }

  stop() {
    clearTimeout(this.#timer);
    this.#timer = 0;
    this.#isDue = false;
  }

  #send() {
    this.#isDue = false;
    this.#publish(this.#last);
    this.#timer = setTimeout(() => {
      this.#timer = 0;
      if (this.#isDue) this.#send();
    }, INTERVAL_MS);
  }

  #publish(place) {
    const { clientId, state } = this.#client.info;
    // Without a connection there is nobody to see it, and later it is wrong.
    if (!clientId || !['ready', 'degraded'].includes(state)) return;
    this.#client.publish(this.#channel, place,
      { atMostOnce: true, echo: false, item: clientId })
      .then(() => this.#add('sent'), () => {});
  }
}
