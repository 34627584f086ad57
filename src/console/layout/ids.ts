import { html } from 'hono/html';
import type { Html } from './shell.ts';

/** Returns an id as a link. It is shown shortened, where there is little room, and copied whole. */
export function idLink(path: string, id: string): Html {
  return html`<a class="id" href="${path}" title="${id}">${id}</a>`;
}

/** Returns a whole id with a button that copies it, which the script adds. `name` says what it is: `conversation id`. */
export function idText(name: string, id: string): Html {
  return html`<code data-copy="${name}">${id}</code>`;
}
