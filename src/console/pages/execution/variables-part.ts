import { html } from 'hono/html';
import { countText } from '../../../explain/words.ts';
import type { ExplainedVariable, ExplainedVariables } from '../../../explain/variables.ts';
import { scrollable } from '../../layout/scroll.ts';
import type { Html } from '../../layout/shell.ts';
import { createVariableValues } from '../../layout/variable-value.ts';

const MAX_SHOWN = 128;

/** Returns the variables of a call, with where each value comes from. Returns nothing before they are known. */
export function variablesPart({ list, absence }: ExplainedVariables): Html | undefined {
  if (absence !== undefined) return html`<p class="dim">${absence}</p>`;
  if (list.length === 0) return undefined;
  const hidden = list.length - MAX_SHOWN;
  const valueView = createVariableValues();
  const table = html`<table class="wide" aria-label="Variables">
    <thead>
      <tr>
        <th scope="col">Variable</th>
        <th scope="col">Value</th>
        <th scope="col">Comes from</th>
      </tr>
    </thead>
    <tbody>
      ${list.slice(0, MAX_SHOWN).map((variable) => row(variable, valueView(variable.name, variable.value)))}
    </tbody>
  </table>`;
  return html`${scrollable('Variables', table)}
  ${hidden > 0 ? html`<p class="dim">${countText(hidden, 'more variable')}: GetExecution shows them.</p>` : ''}`;
}

function row({ name, source, sourceText, why, isMissed }: ExplainedVariable, value: Html): Html {
  const isAssigned = source === 'ASSIGNMENT';
  return html`<tr>
    <th scope="row"><code>${name}</code></th>
    <td>${value}</td>
    <td class="origin">
      ${isAssigned ? html`<span class="good">${sourceText}</span>` : sourceText}
      ${why === '' ? '' : html`<span class="why ${isMissed ? 'warn' : 'dim'}">${why}</span>`}
    </td>
  </tr>`;
}
