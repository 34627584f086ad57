import { html } from 'hono/html';
import type { Html } from '../../layout/shell.ts';
import { controlId, controlProblems } from './problems.ts';
import type { Control, Problem, TryForm } from './try-form.ts';

/** What a control shows besides its text. */
export interface ControlParts {
  readonly label: string;
  /** Says what to put in. */
  readonly hint?: Html | string;
  /** How many lines a control for long texts has. A control without it has one line. */
  readonly rows?: number;
  /** Says which keyboard a phone shows. */
  readonly inputMode?: 'decimal' | 'tel';
}

/** Makes the controls of a form, with what they hold and what is wrong with it. */
export function createControls(form: TryForm, problems: readonly Problem[]) {
  const has = (control: Control): boolean => problems.some((problem) => problem.control === control);
  const describedBy = (control: Control, hint: unknown): Html | '' => {
    const id = controlId(control);
    const ids = [...(hint === undefined ? [] : [`${id}-hint`]), ...(has(control) ? [`${id}-problems`] : [])];
    const invalid = has(control) ? html` aria-invalid="true"` : '';
    return html`${ids.length === 0 ? '' : html` aria-describedby="${ids.join(' ')}"`}${invalid}`;
  };
  const around = (
    control: Control,
    { label, hint }: Pick<ControlParts, 'label' | 'hint'>,
    input: Html,
  ): Html => {
    const id = controlId(control);
    return html`<div class="field">
      <label for="${id}">${label}</label>
      ${input} ${hint === undefined ? '' : html`<p class="hint" id="${id}-hint">${hint}</p>`}
      ${controlProblems(control, problems)}
    </div>`;
  };
  return {
    text: (control: Control, parts: ControlParts): Html => {
      const attributes = html`id="${controlId(control)}" name="${control}" autocomplete="off"
      spellcheck="false"${describedBy(control, parts.hint)}`;
      const mode = parts.inputMode === undefined ? '' : html` inputmode="${parts.inputMode}"`;
      const input =
        parts.rows === undefined
          ? html`<input ${attributes}${mode} value="${form[control]}" />`
          : html`<textarea ${attributes} rows="${parts.rows}">${textareaContent(form[control])}</textarea>`;
      return around(control, parts, input);
    },
    choice: (
      control: Control,
      parts: Pick<ControlParts, 'label' | 'hint'>,
      options: readonly (readonly [value: string, label: string])[],
    ): Html => {
      const option = ([value, label]: readonly [string, string]): Html =>
        html`<option value="${value}" ${value === form[control] ? html` selected` : ''}>${label}</option>`;
      const select = html`<select
        id="${controlId(control)}"
        name="${control}"
        ${describedBy(control, parts.hint)}
      >
        ${options.map(option)}
      </select>`;
      return around(control, parts, select);
    },
  };
}

// A browser drops a line end at the beginning of a textarea (HTML, 13.2.6.4.7), so it gets one to drop.
function textareaContent(text: string): string {
  return `\n${text}`;
}
