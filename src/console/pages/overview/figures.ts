import { html } from 'hono/html';
import type { Overview, OverviewPeriod } from '../../../commands/overview.ts';
import { COUNTED_OUTCOMES } from '../../../domain/counted-outcome.ts';
import { msText } from '../../../explain/words.ts';
import { executionsPath } from '../../layout/paths.ts';
import type { Html } from '../../layout/shell.ts';
import { OUTCOME_TEXTS, swatch } from './outcomes.ts';

/** Returns what each outcome was counted as, which also says what the fills of the chart mean. */
export function outcomeLegend({ outcomes, executions }: OverviewPeriod): Html {
  const seen = COUNTED_OUTCOMES.filter((outcome) => outcomes[outcome] > 0);
  return html`<ul class="legend">
    ${seen.map(
      (outcome) =>
        html`<li>
          ${swatch(outcome)}
          <span
            ><strong>${outcomes[outcome]}</strong> ${outcome} (${percent(outcomes[outcome], executions)})
            <span class="dim">${OUTCOME_TEXTS[outcome]}</span></span
          >
        </li>`,
    )}
  </ul>`;
}

function percent(count: number, of: number): string {
  const share = (count / of) * 100;
  if (share === 100) return '100 %';
  // A rounded 100 % or 0 % would hide the rest.
  return `${Math.min(99.99, Math.max(0.01, share)).toFixed(share > 99 || share < 1 ? 2 : 1)} %`;
}

// A healthy server sends a report within seconds.
const OLD_MS = 60_000;

/** Returns what waits now. */
export function waitingFigures({ pendingPostCalls, oldestPendingAgeMs, overdue }: Overview): Html {
  const isOld = pendingPostCalls > 0 && oldestPendingAgeMs > OLD_MS;
  const pending = executionsPath({ states: 'ACCEPTED' });
  return html`<dl class="figures">
    <div>
      <dt>Pending post-calls</dt>
      <dd>${pendingPostCalls === 0 ? '0' : html`<a href="${pending}">${pendingPostCalls}</a>`}</dd>
    </div>
    <div>
      <dt>The oldest has waited for</dt>
      <dd>
        ${pendingPostCalls === 0 ? html`<span class="dim">nothing waits</span>` : age(oldestPendingAgeMs, isOld)}
      </dd>
    </div>
    <div>
      <dt>Overdue executions</dt>
      <dd>${overdue === 0 ? '0' : html`<span class="badge bad">${overdue}</span>`}</dd>
    </div>
  </dl>`;
}

function age(ms: number, isOld: boolean): Html {
  return isOld ? html`<span class="badge warn">${ageText(ms)}</span>` : html`${ageText(ms)}`;
}

function ageText(ms: number): string {
  if (ms < 120_000) return msText(ms);
  const minutes = ms / 60_000;
  return minutes < 120 ? `${Math.round(minutes)} min` : `${(minutes / 60).toFixed(1)} h`;
}
