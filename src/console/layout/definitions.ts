import { html } from 'hono/html';
import type { Html } from './shell.ts';

/** Returns a list of names with their values. An entry without a value is left out. */
export function definitions(entries: readonly (readonly [string, Html | string | undefined])[]): Html {
  return html`<dl>
    ${entries.map(([name, value]) =>
      value === undefined
        ? ''
        : html`<div>
            <dt>${name}</dt>
            <dd>${value}</dd>
          </div>`,
    )}
  </dl>`;
}
