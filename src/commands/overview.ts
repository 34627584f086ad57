import type { WebhookType } from '../domain/agent.ts';
import { COUNTED_OUTCOMES, type CountedOutcome } from '../domain/counted-outcome.ts';
import type { EngineFigures } from '../engine/engine-figures.ts';
import { COUNTED_TYPES, outcomeCount, type Counts } from '../engine/minutes/counts.ts';
import type { WebhookFailures } from '../engine/minutes/failing-webhooks.ts';
import { countOf, quantileMs } from '../engine/minutes/latency-buckets.ts';
import type { CountedPeriod, MinuteReader } from '../engine/minutes/minute-reader.ts';

/** How long executions took, in milliseconds: half of them, and 99 of 100, took at most so long. Both are absent without any. */
export interface Latency {
  /** How many executions ran here and have a duration. Those that were failed or marked without an owner have none. */
  readonly count: number;
  readonly p50Ms?: number;
  readonly p99Ms?: number;
}

/** What the executions of a time came to. */
interface OverviewCounts {
  /** How many executions finished. */
  readonly executions: number;
  readonly outcomes: Readonly<Record<CountedOutcome, number>>;
  /** A pre-call from its arrival, a post-call from its claim, to the end of the response. */
  readonly latency: Readonly<Record<WebhookType, Latency>>;
}

/** One step of a time, for a chart. */
export interface OverviewStep extends OverviewCounts {
  /** When it begins, in epoch milliseconds of the database's clock. */
  readonly startMs: number;
}

/** A word with how often it was counted. */
export interface WordCount {
  readonly word: string;
  readonly count: number;
}

/** The last hour or day of all replicas. */
export interface OverviewPeriod extends OverviewCounts {
  /** How many minutes a step has. */
  readonly stepMinutes: number;
  /** All steps, oldest first. The last one is not over. */
  readonly steps: readonly OverviewStep[];
  /** The failure codes of executions, most frequent first. */
  readonly failures: readonly WordCount[];
  /** The reasons that RPCs were refused with, most frequent first. */
  readonly refusals: readonly WordCount[];
  /** The ten webhooks that failed most, the worst first. An interrupted execution is no failure of its webhook. */
  readonly failingWebhooks: readonly WebhookFailures[];
  /** How often other webhooks failed. */
  readonly otherWebhookFailures: number;
}

/** What happened on all replicas. */
export interface Overview {
  /** When it was read, by the database's clock. */
  readonly nowMs: number;
  readonly hour: OverviewPeriod;
  readonly day: OverviewPeriod;
  /** Pending post-calls of all replicas at the last count, up to CALLHOOKS_MAX_BACKLOG. */
  readonly pendingPostCalls: number;
  /** How long ago the oldest of them was accepted; 0 when there was none. */
  readonly oldestPendingAgeMs: number;
  /** Executions that are not finished although their time is over, at the last count. It is 0 on a healthy system. */
  readonly overdue: number;
}

/** What the command works with. */
export interface OverviewDeps {
  readonly minutes: MinuteReader;
  readonly figures: () => Pick<EngineFigures, 'pendingPostCalls' | 'oldestPendingAgeMs' | 'overdue'>;
}

const FAILING_WEBHOOKS = 10;

/**
 * Returns what happened on all replicas in the last hour and day. It reads counts and no executions, so it costs the same
 * however many there are.
 * @throws DatabaseError when the database does not answer.
 */
export async function overview({ minutes, figures }: OverviewDeps): Promise<Overview> {
  const { nowMs, hour, day } = await minutes.read();
  const { pendingPostCalls, oldestPendingAgeMs, overdue } = figures();
  return {
    nowMs,
    hour: toPeriod(hour),
    day: toPeriod(day),
    ...{ pendingPostCalls, oldestPendingAgeMs, overdue },
  };
}

function toPeriod({ stepMinutes, steps, sum }: CountedPeriod): OverviewPeriod {
  return {
    stepMinutes,
    steps: steps.map(({ startMs, counts }) => ({ startMs, ...toOverviewCounts(counts) })),
    ...toOverviewCounts(sum),
    failures: toWordCounts(sum.failures),
    refusals: toWordCounts(sum.refusals),
    failingWebhooks: sum.webhooks.worst(FAILING_WEBHOOKS),
    otherWebhookFailures: sum.webhooks.others(FAILING_WEBHOOKS),
  };
}

function toOverviewCounts({ byType }: Counts): OverviewCounts {
  const outcomes = Object.fromEntries(
    COUNTED_OUTCOMES.map((outcome) => [
      outcome,
      COUNTED_TYPES.reduce((sum, type) => sum + outcomeCount(byType[type], outcome), 0),
    ]),
  ) as Record<CountedOutcome, number>;
  return {
    executions: Object.values(outcomes).reduce((sum, count) => sum + count, 0),
    outcomes,
    latency: {
      pre_call: toLatency(byType.pre_call.latency),
      post_call: toLatency(byType.post_call.latency),
    },
  };
}

function toLatency(counts: Uint32Array): Latency {
  const count = countOf(counts);
  const p50Ms = quantileMs(counts, count, 0.5);
  const p99Ms = quantileMs(counts, count, 0.99);
  return {
    count,
    ...(p50Ms !== undefined && { p50Ms }),
    ...(p99Ms !== undefined && { p99Ms }),
  };
}

function toWordCounts(words: ReadonlyMap<string, number>): readonly WordCount[] {
  return [...words].map(([word, count]) => ({ word, count })).toSorted((a, b) => b.count - a.count);
}
