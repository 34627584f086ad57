import { html } from 'hono/html';
import type { Html } from './shell.ts';

/** Returns content that scrolls by itself where the page is too narrow for it. `label` says what it is. */
export function scrollable(label: string, content: Html): Html {
  return html`<div class="scroll" tabindex="0" role="group" aria-label="${label}">${content}</div>`;
}
