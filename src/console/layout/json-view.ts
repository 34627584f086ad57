import { html } from 'hono/html';
import { outlineJson, type JsonMember, type JsonOutline } from './json-outline.ts';
import type { Html } from './shell.ts';
import { visibleText } from './visible-text.ts';

// A page shows some bodies, and making a line takes some microseconds.
const MAX_VALUES = 1_000;
const MAX_SCALAR_CHARS = 1_000;
/** An outline with more values than this shows the inner ones only when the reader unfolds them. */
const MAX_UNFOLDED = 60;

/**
 * Returns a text that may be JSON. JSON is shown folded, and other text as it is. Below JSON the text itself can be
 * unfolded. `name` says what it is: `body of the request`.
 */
export function jsonView(name: string, text: string): Html {
  const outline = outlineJson(text, MAX_VALUES);
  if (outline === undefined || outline.kind === 'scalar') return plainText(name, text);
  const unfolded = countValues(outline) <= MAX_UNFOLDED ? Infinity : 2;
  return html`<div class="json">${valueView(undefined, outline, unfolded)}</div>
    <details class="as-recorded">
      <summary>${name}, as text</summary>
      ${plainText(name, text)}
    </details>`;
}

/** Returns a text as it is, with a button that copies it, which the script adds. */
function plainText(name: string, text: string): Html {
  return html`<pre class="text" tabindex="0" role="group" aria-label="${name}" data-copy="${name}">
${text}</pre>`;
}

function valueView(key: string | undefined, value: JsonOutline, unfolded: number): Html {
  const label = key === undefined ? '' : html`<span class="key">${visibleText(key)}</span>: `;
  if (value.kind === 'scalar') return html`${label}<span>${cut(value.text)}</span>`;
  const [begin, end] = value.kind === 'object' ? ['{', '}'] : ['[', ']'];
  const { members, isCut } = value;
  if (members.length === 0 && !isCut) return html`${label}<span>${begin}${end}</span>`;
  const more = isCut ? html`<li class="dim">… (the rest is cut off)</li>` : '';
  const content = html`<summary>
      ${label}${begin}<span class="dim folded"> ${members.length} … ${end}</span>
    </summary>
    <ul>
      ${members.map((member) => memberView(member, unfolded - 1))}${more}
    </ul>
    ${end}`;
  return unfolded > 0 ? html`<details open>${content}</details>` : html`<details>${content}</details>`;
}

function memberView({ key, value }: JsonMember, unfolded: number): Html {
  return html`<li>${valueView(key, value, unfolded)}</li>`;
}

function cut(text: string): string {
  return text.length > MAX_SCALAR_CHARS
    ? `${visibleText(text.slice(0, MAX_SCALAR_CHARS))}… (${text.length} characters)`
    : visibleText(text);
}

function countValues(outline: JsonOutline): number {
  if (outline.kind === 'scalar') return 1;
  return outline.members.reduce((sum, { value }) => sum + countValues(value), 1);
}
