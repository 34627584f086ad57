import { html } from 'hono/html';
import type { Html } from './shell.ts';

/** Returns a time in UTC, to the second. The script of the console shows it in the zone of the reader. */
export function timeText(at: Date | undefined): Html {
  if (at === undefined) return html``;
  const iso = at.toISOString();
  return html`<time datetime="${iso}">${iso.slice(0, 10)} ${iso.slice(11, 19)} UTC</time>`;
}

/** Returns a time as {@link timeText} does, to the millisecond. */
export function exactTimeText(at: Date): Html {
  const iso = at.toISOString();
  return html`<time datetime="${iso}" data-exact>${iso.slice(0, 10)} ${iso.slice(11, 23)} UTC</time>`;
}
