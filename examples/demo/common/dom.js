// dom.js - finding and making elements. Text goes in as text nodes only, so that
// nothing that a person wrote is ever read as markup.

/** The element of this id; its absence is a fault of the page. */
export function byId(id) {
  const element = document.getElementById(id);
  if (!element) throw new Error(`the page has no #${id}`);
  return element;
}

/** make('p', {class: 'note'}, 'text', child): attributes, then children. */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== null) element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

/** Sets the text only when it differs: a live region speaks at each set. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
