// SPDX-License-Identifier: MIT
// table.js - a table that is shown again every few seconds: rows are kept by their
// key, so that focus and selection stay where they are.

/** Narrow windows show rows as cards, by which browsers take a table for none. */
function make(name, role, className = '') {
  const element = document.createElement(name);
  element.setAttribute('role', role);
  element.className = className;
  return element;
}

export class Table {
  #place;
  #columns;
  #keyOf;
  #table;
  #body;
  #rows = new Map();
  #none = document.createElement('p');
  #more = document.createElement('p');

  /** columns: { head, className, show(cell, item) }. */
  constructor(place, { label, columns, keyOf, none }) {
    this.#place = place;
    this.#columns = columns;
    this.#keyOf = keyOf;
    this.#none.className = 'none';
    this.#none.textContent = none;
    this.#more.className = 'more';
    this.#table = make('table', 'table');
    this.#table.setAttribute('aria-label', label);
    this.#body = make('tbody', 'rowgroup');
    this.#table.append(this.#makeHead(), this.#body);
    place.append(this.#table, this.#none, this.#more);
    this.show([]);
  }

  /** more: what is said below of those that are not shown. */
  show(items, more = '') {
    const before = this.#rows;
    this.#rows = new Map();
    for (const item of items) {
      const key = this.#keyOf(item);
      const row = before.get(key) ?? this.#makeRow();
      this.#rows.set(key, row);
      this.#columns.forEach(({ show }, i) => show(row.cells[i], item));
    }
    this.#arrange(before);
    this.#table.hidden = items.length === 0;
    this.#none.hidden = items.length > 0;
    this.#more.hidden = more === '';
    this.#more.textContent = more;
  }

  /** Only what is not in its place is moved: moving takes the focus away. */
  #arrange(before) {
    for (const [key, row] of before) {
      if (!this.#rows.has(key)) row.remove();
    }
    let next = this.#body.firstElementChild;
    for (const row of this.#rows.values()) {
      if (row === next) next = next.nextElementSibling;
      else this.#body.insertBefore(row, next);
    }
  }

  #makeHead() {
    const head = make('thead', 'rowgroup');
    const row = make('tr', 'row');
    for (const { head: text, className, isHidden } of this.#columns) {
      const cell = make('th', 'columnheader', className);
      const words = document.createElement('span');
      words.textContent = text;
      words.className = isHidden ? 'sr-only' : '';
      cell.append(words);
      row.append(cell);
    }
    head.append(row);
    return head;
  }

  #makeRow() {
    const row = make('tr', 'row');
    for (const { head, className } of this.#columns) {
      const cell = make('td', 'cell', className);
      cell.dataset.head = head;
      row.append(cell);
    }
    return row;
  }
}

/** A column of plain text; it is set only when it changes. */
export const textColumn = (head, textOf, className = '') => ({
  head,
  className,
  show: (cell, item) => {
    const text = String(textOf(item));
    const bdi = cell.firstChild ?? cell.appendChild(document.createElement('bdi'));
    if (bdi.textContent !== text) bdi.textContent = text;
  },
});

export const numberColumn = (head, textOf) =>
  textColumn(head, textOf, 'is-number');
