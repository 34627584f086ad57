import { countText } from '../../../explain/words.ts';
import { html } from 'hono/html';
import type { ExplainedExecution } from '../../../explain/explain-execution.ts';
import type { ExplainedMiss } from '../../../explain/missed-assignments.ts';
import type { NearPath } from '../../../explain/near-path.ts';
import { capitalized } from '../../layout/capitalized.ts';
import { scrollable } from '../../layout/scroll.ts';
import type { Html } from '../../layout/shell.ts';
import { visibleText } from '../../layout/visible-text.ts';

/** Returns for each assignment that took no value why, and what stood in the response instead. */
export function missesPart({
  misses,
  response,
}: Pick<ExplainedExecution, 'misses' | 'response'>): Html | undefined {
  if (misses.length === 0) return undefined;
  const table = html`<table class="wide" aria-label="Assignments that took no value">
    <thead>
      <tr>
        <th scope="col">Looked for</th>
        <th scope="col">For the variable</th>
        <th scope="col">What stood there instead</th>
      </tr>
    </thead>
    <tbody>
      ${misses.map(row)}
    </tbody>
  </table>`;
  const cut = response?.body.cut;
  return html`${scrollable('Assignments that took no value', table)}
  ${cut === undefined ? '' : html`<p class="warn">The response was longer than its record (${cut}), so more may have stood there.</p>`}`;
}

function row({ attributeName, dynamicVariable, why, near, nearText }: ExplainedMiss): Html {
  return html`<tr>
    <th scope="row"><code>${attributeName}</code></th>
    <td class="short"><code>${dynamicVariable}</code></td>
    <td>
      <span class="bad">${capitalized(why)}.</span>
      ${near === undefined ? html`<br />${capitalized(nearText)}.` : nearView(near)}
    </td>
  </tr>`;
}

/** Shows keys as words of their own, because one of them is often what the webhook should have looked for. */
function nearView({ path, standing, elsewhere }: NearPath): Html {
  const place = path === '' ? html`The response` : html`<code>${path}</code>`;
  if (standing.kind === 'value') return html`<br />${place} is <code>${visibleText(standing.json)}</code>.`;
  if (standing.kind === 'list')
    return html`<br />${place} is a list of ${countText(standing.length, 'item')}.`;
  if (standing.keys.length === 0) return html`<br />${place} is an empty object.`;
  const more = standing.moreKeys > 0 ? html`<li class="dim">and ${standing.moreKeys} more</li>` : '';
  return html`<br />${place} is an object with the keys
    <ul class="words">
      ${standing.keys.map((key) => html`<li><code>${visibleText(key)}</code></li>`)}${more}
    </ul>
    ${
      elsewhere.length === 0
        ? ''
        : html`There is
          ${elsewhere.map((each, at) => html`${at > 0 ? ' and ' : ''}<code>${visibleText(each)}</code>`)}.`
    }`;
}
