import { html } from 'hono/html';
import type { OverviewPeriod } from '../../../commands/overview.ts';
import type { WebhookType } from '../../../domain/agent.ts';
import { msText } from '../../../explain/words.ts';
import { nextTurn } from '../../layout/next-turn.ts';
import { scrollable } from '../../layout/scroll.ts';
import type { Html } from '../../layout/shell.ts';
import { latencyChart, typeText } from './latency-chart.ts';

const MEANINGS: Readonly<Record<WebhookType, string>> = {
  pre_call: 'From the arrival of the call to the end of the response.',
  post_call: 'From the beginning of sending to the end of the response.',
};

/** Returns how long the executions of each type took, with a chart for each. */
export async function latencySection(period: OverviewPeriod): Promise<Html> {
  const preCalls = latencyOf(period, 'pre_call');
  await nextTurn();
  return html`<div class="side-by-side">${preCalls} ${latencyOf(period, 'post_call')}</div>`;
}

function latencyOf(period: OverviewPeriod, type: WebhookType): Html {
  const { count, p50Ms, p99Ms } = period.latency[type];
  const title = html`<h2>Duration of ${typeText(type)}s</h2>`;
  if (p50Ms === undefined || p99Ms === undefined)
    return html`<section>
      ${title}
      <p class="dim">There was none.</p>
    </section>`;
  return html`<section>
    ${title}
    <ul class="legend">
      <li>
        ${sample('p50')}
        <span><strong>${msText(p50Ms)}</strong> p50 <span class="dim">(half of ${count})</span></span>
      </li>
      <li>
        ${sample('p99')}
        <span><strong>${msText(p99Ms)}</strong> p99 <span class="dim">(99 of 100)</span></span>
      </li>
    </ul>
    ${scrollable(`Chart of the durations of ${typeText(type)}s`, latencyChart(period, type))}
    <p class="hint">${MEANINGS[type]}</p>
  </section>`;
}

function sample(line: 'p50' | 'p99'): Html {
  return html`<svg class="sample" width="24" height="16" aria-hidden="true" focusable="false">
    <path class="${line}" d="M0 8H24" />
  </svg>`;
}
