import { html } from 'hono/html';
import type { OverviewPeriod, OverviewStep } from '../../../commands/overview.ts';
import type { WebhookType } from '../../../domain/agent.ts';
import { COUNTED_OUTCOMES } from '../../../domain/counted-outcome.ts';
import { msText } from '../../../explain/words.ts';
import { nextTurn } from '../../layout/next-turn.ts';
import { scrollable } from '../../layout/scroll.ts';
import type { Html } from '../../layout/shell.ts';
import { timeText } from '../../layout/time.ts';
import { typeText } from './latency-chart.ts';

const TYPES: readonly WebhookType[] = ['pre_call', 'post_call'];

/** Returns the numbers of the charts as a table, newest first. Outcomes and types that did not occur have no column. */
export async function stepTable({ steps, stepMinutes, outcomes, latency }: OverviewPeriod): Promise<Html> {
  const seen = COUNTED_OUTCOMES.filter((outcome) => outcomes[outcome] > 0);
  const types = TYPES.filter((type) => latency[type].count > 0);
  const row = (step: OverviewStep): Html =>
    html`<tr>
      <th scope="row">${timeText(new Date(step.startMs))}</th>
      <td class="number">${step.executions}</td>
      ${seen.map((outcome) => numberCell(step.outcomes[outcome]))}${types.map((type) => latencyCells(step, type))}
    </tr>`;
  const busy = steps.filter(({ executions }) => executions > 0).toReversed();
  const rows = await mapInTurns(busy, row);
  const label = `Executions in steps of ${stepMinutes === 1 ? 'a minute' : `${stepMinutes} minutes`}`;
  const table = html`<table class="steps" aria-label="${label}">
    <thead>
      <tr>
        <th scope="col">From</th>
        <th scope="col" class="number">Executions</th>
        ${seen.map((outcome) => html`<th scope="col" class="number">${outcome}</th>`)}
        ${types.map(
          (type) =>
            html`<th scope="col" class="number">${typeText(type)} p50</th>
              <th scope="col" class="number">${typeText(type)} p99</th>`,
        )}
      </tr>
    </thead>
    <tbody>
      ${rows}
    </tbody>
  </table>`;
  return html`<details data-keep="steps">
    <summary>The numbers of these charts</summary>
    <p class="dim">Steps without an execution are left out. The newest step is not over.</p>
    ${scrollable(label, table)}
  </details>`;
}

// A day has 96 steps. The first pages of a process take ten times as long as later ones.
const ROWS_A_TURN = 16;

async function mapInTurns<T>(items: readonly T[], toHtml: (item: T) => Html): Promise<readonly Html[]> {
  const parts: Html[] = [];
  for (const [index, item] of items.entries()) {
    if (index % ROWS_A_TURN === 0) await nextTurn();
    parts.push(toHtml(item));
  }
  return parts;
}

function numberCell(count: number): Html {
  return html`<td class="number">${count}</td>`;
}

function latencyCells({ latency }: OverviewStep, type: WebhookType): Html {
  const { p50Ms, p99Ms } = latency[type];
  return html`<td class="number">${p50Ms === undefined ? '' : msText(p50Ms)}</td>
    <td class="number">${p99Ms === undefined ? '' : msText(p99Ms)}</td>`;
}
