import type { OverviewPeriod, OverviewStep } from '../../../commands/overview.ts';
import { COUNTED_OUTCOMES } from '../../../domain/counted-outcome.ts';

/** Returns the texts below a chart, from its begin to its end. */
export function timesOf({ steps, stepMinutes }: OverviewPeriod): readonly string[] {
  const minutes = steps.length * stepMinutes;
  return [1, 0.75, 0.5, 0.25].map((share) => agoText(minutes * share)).concat('now');
}

function agoText(minutes: number): string {
  return minutes > 90 ? `${Math.round(minutes / 6) / 10} h ago` : `${Math.round(minutes)} min ago`;
}

/** Returns what a step came to, as a text that a chart shows when somebody points at it. */
export function stepTitle({ startMs, outcomes, executions }: OverviewStep): string {
  const parts = COUNTED_OUTCOMES.filter((outcome) => outcomes[outcome] > 0).map(
    (outcome) => `${outcomes[outcome]} ${outcome}`,
  );
  return `${new Date(startMs).toISOString().slice(11, 16)} UTC: ${executions} (${parts.join(', ')})`;
}
