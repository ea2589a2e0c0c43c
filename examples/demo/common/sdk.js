// sdk.js - loads modules of the SDK, or says that they are not built.

import { make } from './dom.js';

/** What the modules export, together, such as loadSdk('index', 'people'); null
 * when they are not there, and the page says so. */
export async function loadSdk(...names) {
  try {
    const modules = await Promise.all(
      names.map((name) => import(`/sdk/${name}.js`)));
    return Object.assign({}, ...modules);
  } catch (error) {
    document.body.replaceChildren(make('div', { class: 'broken', role: 'alert' },
      make('h1', {}, 'This page could not start'),
      make('p', {}, `The SDK did not load (${error.message}). ` +
        'Build it with "make wasm" and load this page again.')));
    return null;
  }
}

/** Where the server of this page takes connections. */
export const serverUrl = () =>
  `${location.origin.replace(/^http/u, 'ws')}/v1/ws`;
