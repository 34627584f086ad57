import { html } from 'hono/html';
import type { Html } from './shell.ts';

const MAX_INLINE_CHARS = 120;

/** Returns the value of a variable as JSON. A long one is folded behind its beginning. */
export function variableValue(name: string, value: unknown): Html {
  const json = JSON.stringify(value) ?? 'null';
  if (json.length <= MAX_INLINE_CHARS) return html`<code class="value">${json}</code>`;
  return html`<details>
    <summary><code class="value">${json.slice(0, MAX_INLINE_CHARS)}…</code></summary>
    <pre class="text" tabindex="0" role="region" aria-label="value of ${name}">${json}</pre>
  </details>`;
}
