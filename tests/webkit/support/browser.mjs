// SPDX-License-Identifier: MIT
// browser.mjs - a window of WebKitGTK: where it is, what it shows, what a person does
// in it by mouse and by keyboard, and what its pages complain about.

import { Driver } from './driver.mjs';
import { eventually } from './eventually.mjs';

/** Of WebDriver: how an element is named in JSON. */
const ELEMENT = 'element-6066-11e4-a52e-4f735466cecf';
/** Of WebDriver: keys that are no text. */
const KEYS = {
  Tab: '\uE004', Enter: '\uE007', Shift: '\uE008', Control: '\uE009',
  Escape: '\uE00C', Left: '\uE012',
};
/** What WebKit writes for each error: of a script, of a policy, of the network. */
const COMPLAINT = /\bCONSOLE (?:[A-Z]+ )*ERROR\b/u;

export class Browser {
  #driver;
  #seen = 0;
  #marks = 0;

  static async start(options) {
    const browser = new Browser();
    browser.#driver = await Driver.start(options);
    return browser;
  }

  get name() {
    return this.#driver.name;
  }

  close() {
    return this.#driver.close();
  }

  // ---- where it is -------------------------------------------------------

  async open(url) {
    await this.#driver.send('POST', '/url', { url });
  }

  async reload() {
    await this.#driver.send('POST', '/refresh', {});
  }

  async back() {
    await this.#driver.send('POST', '/back', {});
  }

  /** In front of other windows, which the keyboard then writes into. */
  async focus() {
    const handle = await this.#driver.send('GET', '/window');
    await this.#driver.send('POST', '/window', { handle });
  }

  async resize(width, height) {
    await this.#driver.send('POST', '/window/rect', { x: 0, y: 0, width, height });
    await eventually(async () => {
      const size = await this.run(() => [innerWidth, innerHeight]);
      if (String(size) !== `${width},${height}`) {
        throw new Error(`the window is ${size}, not ${width},${height}`);
      }
    });
  }

  // ---- what it shows -----------------------------------------------------

  /** What a function returns in the page, which knows nothing of its scope here;
   * a promise is waited for. */
  run(body, ...args) {
    return this.#driver.send('POST', '/execute/sync',
      { script: `return (${body}).apply(null, arguments);`, args });
  }

  /** Texts of all that a selector finds. */
  texts(css) {
    return this.run((selector) => [...document.querySelectorAll(selector)]
      .map(({ textContent }) => textContent), css);
  }

  /** Text of the one that it finds. */
  async text(css) {
    const texts = await this.texts(css);
    if (texts.length !== 1) throw new Error(`${texts.length} of ${css}`);
    return texts[0];
  }

  count(css) {
    return this.run((selector) =>
      document.querySelectorAll(selector).length, css);
  }

  attribute(css, name) {
    return this.run((selector, attribute) =>
      document.querySelector(selector)?.getAttribute(attribute), css, name);
  }

  async isVisible(css) {
    return this.run((selector) => {
      const box = document.querySelector(selector)?.getBoundingClientRect();
      return Boolean(box?.width && box.height);
    }, css);
  }

  /** What a screen reader is told of the element that has the focus. */
  async focused() {
    const element = await this.#driver.send('GET', '/element/active');
    const path = `/element/${element[ELEMENT]}`;
    return { label: await this.#driver.send('GET', `${path}/computedlabel`),
      role: await this.#driver.send('GET', `${path}/computedrole`) };
  }

  /** What an element is painted with near its upper edge, and what its style says
   * that it should be: red, green and blue. */
  async ground(css) {
    const element = await this.#find(css);
    const png = await this.#driver.send('GET', `/element/${element}/screenshot`);
    return this.run(async (selector, base64) => {
      const picture = new Image();
      picture.src = `data:image/png;base64,${base64}`;
      await picture.decode();
      const canvas = document.createElement('canvas');
      const [width, height] = [picture.naturalWidth, picture.naturalHeight];
      Object.assign(canvas, { width, height });
      const context = canvas.getContext('2d');
      context.drawImage(picture, 0, 0);
      const { data } = context.getImageData(Math.floor(width / 2), 4, 1, 1);
      const style = getComputedStyle(document.querySelector(selector));
      return { painted: [...data].slice(0, 3),
        styled: style.backgroundColor.match(/\d+/gu).slice(0, 3).map(Number) };
    }, css, png);
  }

  /** What the page asks, in a window of the browser's. */
  async question() {
    return eventually(() => this.#driver.send('GET', '/alert/text'));
  }

  /** Answers it. */
  async answer(isYes) {
    await this.#driver.send('POST', `/alert/${isYes ? 'accept' : 'dismiss'}`, {});
  }

  /** A picture of the window, as PNG. */
  async screenshot() {
    return Buffer.from(await this.#driver.send('GET', '/screenshot'), 'base64');
  }

  // ---- what a person does ------------------------------------------------

  /** Waits for it, and clicks in its middle. */
  async click(css) {
    await this.#act(css, 'click', {});
  }

  /** Takes the place of what is in a field. */
  async fill(css, text) {
    await this.#act(css, 'clear', {});
    await this.#act(css, 'value', { text });
  }

  /** Chooses what a select shows under this text. */
  async select(css, text) {
    const number = await eventually(async () => {
      const texts = await this.texts(`${css} option`);
      const at = texts.findIndex((each) => each.trim() === text);
      if (at < 0) throw new Error(`${css} has ${texts}, not ${text}`);
      return at + 1;
    });
    await this.#act(`${css} option:nth-child(${number})`, 'click', {});
  }

  /** Keys one after the other: names of KEYS, joined by + when they are held, and
   * text, for whatever has the focus. */
  async press(...keys) {
    const actions = keys.flatMap((key) => strokes(key));
    await this.#driver.send('POST', '/actions',
      { actions: [{ type: 'key', id: 'keyboard', actions }] });
  }

  /** The mouse to a place of an element, x and y from 0 to 1, in steps; then does
   * what buttons say: 'down', 'up'. */
  async move(css, places, ...buttons) {
    const { left, top, width, height } = await this.run((selector) => {
      const element = document.querySelector(selector);
      element.scrollIntoView({ block: 'nearest' });
      return element.getBoundingClientRect().toJSON();
    }, css);
    const moves = places.map(([x, y]) => ({ type: 'pointerMove', duration: 0,
      x: Math.round(left + width * x), y: Math.round(top + height * y) }));
    await this.#driver.send('POST', '/actions', { actions: [{ type: 'pointer',
      id: 'mouse', parameters: { pointerType: 'mouse' }, actions: [...moves,
        ...buttons.map((way) => ({ type: `pointer${way}`, button: 0 }))] }] });
  }

  async #act(css, action, body) {
    // It may be drawn anew between two commands.
    await eventually(async () => {
      // A driver scrolls to what is out of the window, but not from under a bar.
      await this.run((selector) => document.querySelector(selector)
        ?.scrollIntoView({ block: 'nearest' }), css);
      const element = await this.#find(css);
      await this.#driver.send('POST', `/element/${element}/${action}`, body);
    });
  }

  async #find(css) {
    const found = await this.#driver.send('POST', '/element',
      { using: 'css selector', value: css });
    return found[ELEMENT];
  }

  // ---- what its pages complain about -------------------------------------

  /** Errors in the consoles of its pages since the last call: of scripts, of
   * policies, of what did not load. */
  async complaints() {
    // What a page says comes in order: when this is there, so is all before it.
    const mark = `mark ${++this.#marks} of this window`;
    await this.run((text) => console.log(text), mark);
    const { lines } = this.#driver;
    const end = await eventually(() => {
      const at = lines.findIndex((line) => line.includes(mark));
      if (at < 0) throw new Error('the console is not written out');
      return at;
    });
    const since = lines.slice(this.#seen, end);
    this.#seen = end + 1;
    return since.filter((line) => COMPLAINT.test(line));
  }
}

/** "Shift+Tab" as actions; text is typed. */
function strokes(key) {
  const held = key.length > 1 ? key.split('+') : [key];
  if (!held.every((part) => part in KEYS || [...part].length === 1)) {
    return [...key].flatMap((value) => [{ type: 'keyDown', value },
      { type: 'keyUp', value }]);
  }
  const values = held.map((part) => KEYS[part] ?? part);
  return [...values.map((value) => ({ type: 'keyDown', value })),
    ...values.reverse().map((value) => ({ type: 'keyUp', value }))];
}
