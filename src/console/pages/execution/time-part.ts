import { html } from 'hono/html';
import type { ExplainedExecution } from '../../../explain/explain-execution.ts';
import type { ExplainedTimings, Moment, Phase } from '../../../explain/times.ts';
import { msText } from '../../../explain/words.ts';
import { capitalized } from '../../layout/capitalized.ts';
import { scrollable } from '../../layout/scroll.ts';
import type { Html } from '../../layout/shell.ts';
import { exactTimeText } from '../../layout/time.ts';
import { definitions } from '../../layout/definitions.ts';

/** Returns when an execution happened, and how long each of its phases took: as a bar, and as a table. */
export function timePart({ timings, timeLimit, moments }: ExplainedExecution): Html {
  return html`${definitions(moments.map(moment))}
  ${timeLimit === undefined ? '' : html`<p>${timeLimit.sentence}</p>`} ${timingsPart(timings)}`;
}

/** Returns how long each phase took: as a bar, and as a table. Returns nothing when none happened. */
export function timingsPart(timings: ExplainedTimings): Html | '' {
  return timings.phases.length === 0 ? '' : html`${phaseBar(timings)} ${phaseTable(timings)}`;
}

function moment({ name, at, replica }: Moment): readonly [string, Html] {
  const by = replica === '' ? '' : html` <span class="dim">by replica ${replica}</span>`;
  return [capitalized(name), html`${exactTimeText(at)}${by}`];
}

// A narrower phase could not be seen.
const MIN_PERCENT = 0.4;

/** The queue of a post-call lies before its total time, and is often much longer, so the bar leaves it out. */
function phaseBar({ phases, totalMs }: ExplainedTimings): Html {
  const end = Math.max(totalMs ?? 0, ...phases.map(({ startMs, ms }) => startMs + ms));
  const inBar = phases.filter(({ startMs }) => startMs >= 0);
  if (end <= 0 || inBar.length === 0) return html``;
  const text = inBar.map(({ name, ms }) => `${name} ${msText(ms)}`).join(', ');
  return html`<svg class="phases" width="100%" height="36" role="img" aria-label="Phases: ${text}">
    <rect class="ground" x="0" y="4" width="100%" height="28" rx="3" />
    ${inBar.map((phase) => phaseRect(phase, end))}
  </svg>`;
}

function phaseRect({ key, name, startMs, ms }: Phase, end: number): Html {
  const width = Math.max(MIN_PERCENT, (100 * ms) / end);
  const x = Math.min(100 - width, (100 * startMs) / end);
  const label =
    width < 12 ? '' : html`<text x="${percent(x + width / 2)}" y="23" text-anchor="middle">${name}</text>`;
  return html`<g class="phase-${key}">
    <rect x="${percent(x)}" y="4" width="${percent(width)}" height="28">
      <title>${name}: ${msText(ms)}</title>
    </rect>
    ${label}
  </g>`;
}

function percent(value: number): string {
  return `${value.toFixed(2)}%`;
}

function phaseTable({ phases, totalMs }: ExplainedTimings): Html {
  const table = html`<table class="phase-table" aria-label="Phases">
    <thead>
      <tr>
        <th scope="col">Phase</th>
        <th scope="col" class="number">Took</th>
        <th scope="col">For what</th>
      </tr>
    </thead>
    <tbody>
      ${phases.map(
        ({ key, name, ms, meaning }) =>
          html`<tr>
            <th scope="row">
              <svg class="swatch phase-${key}" width="12" height="12" aria-hidden="true">
                <rect width="12" height="12" rx="2" />
              </svg>
              ${name}
            </th>
            <td class="number">${msText(ms)}</td>
            <td>${meaning}</td>
          </tr>`,
      )}
      ${
        totalMs === undefined
          ? ''
          : html`<tr>
              <th scope="row">total</th>
              <td class="number"><strong>${msText(totalMs)}</strong></td>
              <td>in all</td>
            </tr>`
      }
    </tbody>
  </table>`;
  return scrollable('Phases', table);
}
