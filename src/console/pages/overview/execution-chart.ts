import { html } from 'hono/html';
import type { OverviewPeriod, OverviewStep } from '../../../commands/overview.ts';
import { COUNTED_OUTCOMES, type CountedOutcome } from '../../../domain/counted-outcome.ts';
import type { Html } from '../../layout/shell.ts';
import { axes, heightOf, numberText, round, scaleFor, stepPlace, type Plot, type Scale } from './axis.ts';
import { fillOf } from './outcomes.ts';
import { stepTitle, timesOf } from './step-words.ts';

const PLOT: Plot = { width: 880, height: 200, right: 36, bottom: 24, top: 8 };
/** A single failure among thousands must be seen. */
const MIN_HEIGHT = 3;

/** Returns a chart of the executions a minute: a bar for each step, in which the outcomes are stacked. */
export function executionChart(period: OverviewPeriod): Html {
  const { steps, stepMinutes } = period;
  const scale = scaleFor(Math.max(...steps.map(({ executions }) => executions / stepMinutes)));
  const stacks = steps.map((step, index) =>
    stack(step, stepMinutes, scale, stepPlace(PLOT, steps.length, index)),
  );
  const paths = COUNTED_OUTCOMES.map((outcome) => {
    const d = stacks.map((pieces) => pieces.get(outcome) ?? '').join('');
    return d === '' ? '' : html`<path fill="${fillOf(outcome)}" d="${d}" />`;
  });
  const label = `Executions a minute by outcome, ${numberText(scale.max)} at the top. The table below has the numbers.`;
  return html`<svg class="chart" viewBox="0 0 ${PLOT.width} ${PLOT.height}" role="img" aria-label="${label}">
    ${axes(PLOT, scale, numberText, timesOf(period))} ${paths}
    ${steps.map((step, index) => hover(step, stepPlace(PLOT, steps.length, index)))}
  </svg>`;
}

/** Returns the outline of each outcome in a bar. The good ones are at the bottom. */
function stack(
  { outcomes }: OverviewStep,
  stepMinutes: number,
  scale: Scale,
  { x, width }: { x: number; width: number },
): Map<CountedOutcome, string> {
  const pieces = new Map<CountedOutcome, string>();
  let bottom = heightOf(PLOT, scale, 0);
  for (const outcome of COUNTED_OUTCOMES) {
    const count = outcomes[outcome];
    if (count === 0) continue;
    const height = Math.max(
      MIN_HEIGHT,
      heightOf(PLOT, scale, 0) - heightOf(PLOT, scale, count / stepMinutes),
    );
    bottom = round(bottom - height);
    const barWidth = round(width * 0.8);
    pieces.set(outcome, `M${round(x + width * 0.1)} ${bottom}h${barWidth}v${round(height)}h-${barWidth}z`);
  }
  return pieces;
}

// It reaches over the whole height, so that low bars are easy to point at.
function hover(step: OverviewStep, { x, width }: { x: number; width: number }): Html | '' {
  if (step.executions === 0) return '';
  const height = PLOT.height - PLOT.bottom;
  return html`<rect class="hover" x="${x}" y="0" width="${width}" height="${height}"
    ><title>${stepTitle(step)}</title></rect
  >`;
}
