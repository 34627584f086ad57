import { html } from 'hono/html';
import type { Latency, OverviewPeriod } from '../../../commands/overview.ts';
import type { WebhookType } from '../../../domain/agent.ts';
import { msText } from '../../../explain/words.ts';
import type { Html } from '../../layout/shell.ts';
import { axes, heightOf, numberText, round, scaleFor, stepPlace, type Plot, type Scale } from './axis.ts';
import { timesOf } from './step-words.ts';

const PLOT: Plot = { width: 440, height: 150, right: 56, bottom: 24, top: 8 };

/** Returns a chart of how long the executions of a type took: half of them, and 99 of 100, took at most so long. */
export function latencyChart(period: OverviewPeriod, type: WebhookType): Html {
  const latencies = period.steps.map(({ latency }) => latency[type]);
  const scale = scaleFor(Math.max(...latencies.map(({ p99Ms = 0 }) => p99Ms)));
  const label = `p50 and p99 of the ${typeText(type)}s, ${msText(scale.max)} at the top. The table below has the numbers.`;
  return html`<svg class="chart" viewBox="0 0 ${PLOT.width} ${PLOT.height}" role="img" aria-label="${label}">
    ${axes(PLOT, scale, axisText, timesOf(period))}
    <path class="p99" d="${linePath(latencies, scale, ({ p99Ms }) => p99Ms)}" />
    <path class="p50" d="${linePath(latencies, scale, ({ p50Ms }) => p50Ms)}" />
  </svg>`;
}

/** Returns the word for the executions of a type. */
export function typeText(type: WebhookType): string {
  return type === 'pre_call' ? 'pre-call' : 'post-call';
}

function axisText(ms: number): string {
  if (ms < 1000) return ms === 0 ? '0' : `${numberText(ms)} ms`;
  return `${numberText(ms / 1000)} s`;
}

/** Returns a line through the steps that have a value. A step without one breaks the line. */
function linePath(
  latencies: readonly Latency[],
  scale: Scale,
  valueOf: (latency: Latency) => number | undefined,
): string {
  let path = '';
  let isOpen = false;
  for (const [index, latency] of latencies.entries()) {
    const value = valueOf(latency);
    if (value === undefined) {
      isOpen = false;
      continue;
    }
    const { x, width } = stepPlace(PLOT, latencies.length, index);
    const y = heightOf(PLOT, scale, value);
    // Each value is a short level line, so that one between two gaps is seen.
    path += `${isOpen ? 'L' : 'M'}${x} ${y}H${round(x + width)}`;
    isOpen = true;
  }
  return path;
}
