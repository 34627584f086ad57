import { html } from 'hono/html';
import type { Html } from './shell.ts';
import { visibleText } from './visible-text.ts';

const MAX_INLINE_CHARS = 120;
/** How much of all values on a page is shown whole. An agent may have 256 KiB of them. */
const MAX_WHOLE_CHARS = 64 * 1024;

/**
 * Makes what shows the values of the variables of one page, as JSON. A long value is folded behind its beginning. When too
 * much was shown, the beginning alone is there.
 */
export function createVariableValues(): (name: string, value: unknown) => Html {
  let left = MAX_WHOLE_CHARS;
  return (name, value) => {
    const json = visibleText(JSON.stringify(value) ?? 'null');
    if (json.length <= MAX_INLINE_CHARS) return html`<code class="value">${json}</code>`;
    const beginning = html`<code class="value">${json.slice(0, MAX_INLINE_CHARS)}…</code>`;
    if (json.length > left) return html`${beginning} <span class="dim">(${json.length} characters)</span>`;
    left -= json.length;
    return html`<details>
      <summary>${beginning}</summary>
      <pre class="text" tabindex="0" role="group" aria-label="value of ${name}">${json}</pre>
    </details>`;
  };
}
