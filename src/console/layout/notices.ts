import { html } from 'hono/html';
import type { Html } from './shell.ts';

/** Returns a box that says what can be done where there is nothing to show. */
export function emptyState(title: string, body: Html | string): Html {
  return html`<div class="notice">
    <p><strong>${title}</strong></p>
    ${typeof body === 'string' ? html`<p>${body}</p>` : body}
  </div>`;
}

/** Returns a text for a terminal, with a button that copies it, which the script adds. */
export function commandText(name: string, text: string): Html {
  return html`<pre class="text" tabindex="0" role="group" aria-label="${name}" data-copy="${name}">
${text}</pre>`;
}
