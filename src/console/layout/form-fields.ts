import { html } from 'hono/html';
import type { Html } from './shell.ts';

/** What every field of a form has. */
interface FieldParts {
  readonly name: string;
  readonly label: string;
  /** The rule that the value breaks. */
  readonly problem: string | undefined;
}

/** Returns a field for a line of text. */
export function textField({
  value,
  hint,
  ...parts
}: FieldParts & { readonly value: string; readonly hint: string }): Html {
  const { name, label, problem } = parts;
  return html`<div class="field">
    <label for="${name}">${label}</label>
    <input
      id="${name}"
      name="${name}"
      value="${value}"
      placeholder="${hint}"
      autocomplete="off"
      spellcheck="false"
      maxlength="100"
      aria-invalid="${problem === undefined ? 'false' : 'true'}"
      aria-describedby="${name}-problem"
    />
    ${problemText(name, problem)}
  </div>`;
}

/** Returns a field that chooses one of some words. `unset` is the text for none of them. */
export function selectField({
  value,
  words,
  unset,
  ...parts
}: FieldParts & { readonly value: string; readonly words: readonly string[]; readonly unset: string }): Html {
  const { name, label, problem } = parts;
  const option = (word: string) =>
    word === value
      ? html`<option value="${word}" selected>${word}</option>`
      : html`<option value="${word}">${word}</option>`;
  return html`<div class="field">
    <label for="${name}">${label}</label>
    <select id="${name}" name="${name}" aria-describedby="${name}-problem">
      <option value="">${unset}</option>
      ${words.map(option)}
    </select>
    ${problemText(name, problem)}
  </div>`;
}

/** Returns a group of boxes to tick, one for each word. */
export function checkboxes({
  chosen,
  words,
  ...parts
}: FieldParts & { readonly chosen: ReadonlySet<string>; readonly words: readonly string[] }): Html {
  const { name, label, problem } = parts;
  const box = (word: string) =>
    chosen.has(word)
      ? html`<label><input type="checkbox" name="${name}" value="${word}" checked /> ${word}</label>`
      : html`<label><input type="checkbox" name="${name}" value="${word}" /> ${word}</label>`;
  return html`<fieldset>
    <legend>${label}</legend>
    <div class="boxes">${words.map(box)}</div>
    ${problemText(name, problem)}
  </fieldset>`;
}

function problemText(name: string, problem: string | undefined): Html {
  return problem === undefined
    ? html`<span id="${name}-problem" hidden></span>`
    : html`<p class="problem" id="${name}-problem">${name} ${problem}</p>`;
}
