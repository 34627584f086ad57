import { html } from 'hono/html';
import type { CallhooksError, Violation } from '../../../errors.ts';
import { linesOfJson } from '../../../proto-json/json-lines.ts';
import type { Html } from '../../layout/shell.ts';
import { controlOf, type Control, type Problem, type TryForm } from './try-form.ts';

/** Returns what is wrong with a form after a refusal. A refusal that is about no control gives nothing. */
export function problemsOf({ reason, message, details }: CallhooksError, form: TryForm): Problem[] {
  if (reason === 'AGENT_NOT_FOUND') return [{ control: 'agent_uuid', field: '', description: message }];
  if (reason === 'WEBHOOK_NOT_FOUND') return [{ control: 'webhook_uuid', field: '', description: message }];
  const violations = details.violations ?? [];
  const lineOf = violations.some(({ field }) => controlOf(field) === 'webhook_config')
    ? linesOfConfig(form.webhook_config)
    : () => undefined;
  return violations.map((violation) => toProblem(violation, lineOf));
}

function toProblem(
  { field, description }: Violation,
  lineOf: (field: string) => number | undefined,
): Problem {
  const control = controlOf(field) ?? 'webhook_config';
  return { control, field, description, line: control === 'webhook_config' ? lineOf(field) : undefined };
}

const ROOT = 'webhook_config';

// The text may be a webhook_config, or something that has one.
function linesOfConfig(text: string): (field: string) => number | undefined {
  if (text.trim() === '') return () => undefined;
  const lineOf = linesOfJson(text);
  const isWrapped = lineOf(ROOT) !== undefined;
  return (field) => lineOf(isWrapped ? field : field.slice(ROOT.length).replace(/^\./, ''));
}

/** Returns the id of the element of a control. */
export function controlId(control: Control): string {
  return `try-${control.replace('_', '-')}`;
}

/** Returns what is wrong with one control, below it. Returns nothing when nothing is. */
export function controlProblems(control: Control, problems: readonly Problem[]): Html | '' {
  const own = problems.filter((problem) => problem.control === control);
  if (own.length === 0) return '';
  return html`<ul class="problems" id="${controlId(control)}-problems">
    ${some(own, problemText)}
  </ul>`;
}

/** Returns what is wrong with a form, with links to the controls. Returns nothing when nothing is. */
export function problemSummary(problems: readonly Problem[]): Html | '' {
  if (problems.length === 0) return '';
  const count = problems.length === 1 ? 'One thing is' : `${problems.length} things are`;
  return html`<div class="outcome-box bad" role="alert">
    <p><strong>${count} to be mended. Nothing was sent.</strong></p>
    <ul>
      ${some(problems, (problem) => html`<a href="#${controlId(problem.control)}">${problemText(problem)}</a>`)}
    </ul>
  </div>`;
}

// A pasted configuration can break thousands of rules.
const MAX_SHOWN = 50;

function some(problems: readonly Problem[], toHtml: (problem: Problem) => Html): Html {
  const more = problems.length - MAX_SHOWN;
  return html`${problems.slice(0, MAX_SHOWN).map((problem) => html`<li>${toHtml(problem)}</li>`)}
  ${more > 0 ? html`<li>and ${more} more</li>` : ''}`;
}

function problemText({ field, description, line }: Problem): Html {
  const place = line === undefined ? '' : html` <span class="dim">(line ${line})</span>`;
  return html`${field === '' ? '' : html`<code>${field}</code> `}${description}${place}`;
}

/** Returns a refusal that is about no control. */
export function refusalNotice({ message, reason }: CallhooksError): Html {
  return html`<div class="outcome-box bad" role="alert">
    <p><strong>The test was refused: ${message}.</strong></p>
    <p class="dim">Reason: <code>${reason}</code>. What you put in is still in the form below.</p>
  </div>`;
}
