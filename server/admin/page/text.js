// SPDX-License-Identifier: MIT
// text.js - numbers and times for people.

const whole = new Intl.NumberFormat('en');
const short = new Intl.NumberFormat('en', { maximumFractionDigits: 1 });

export const numberText = (number) => whole.format(number);
export const rateText = (number) => `${short.format(number)}/s`;

const UNITS = [['d', 86_400], ['h', 3600], ['min', 60], ['s', 1]];

/** Two units at most: 3 h 20 min. */
export function durationText(ms) {
  let seconds = Math.max(0, Math.floor(ms / 1000));
  const first = UNITS.findIndex(([, size]) => seconds >= size);
  if (first < 0) return '0 s';
  const words = [];
  for (const [unit, size] of UNITS.slice(first, first + 2)) {
    const number = Math.floor(seconds / size);
    seconds -= number * size;
    if (number) words.push(`${number} ${unit}`);
  }
  return words.join(' ');
}

export const timeText = (date) =>
  date.toLocaleTimeString('en', { hour12: false });
