import type { WebhookType } from '../../domain/agent.ts';
import { COUNTED_OUTCOMES, type CountedOutcome } from '../../domain/counted-outcome.ts';
import { createFailingWebhooks, type FailingWebhooks } from './failing-webhooks.ts';
import { LATENCY_BUCKETS } from './latency-buckets.ts';

/** What is counted of the executions of one webhook type. */
export interface TypeCounts {
  /** How many executions had each outcome, in the order of `COUNTED_OUTCOMES`. */
  readonly outcomes: Uint32Array;
  /** How many executions took how long, by buckets. */
  readonly latency: Uint32Array;
}

/** What is counted in a minute by one process, or in a longer time by all of them. */
export interface Counts {
  readonly byType: Readonly<Record<WebhookType, TypeCounts>>;
  /** How many executions have each failure code. */
  readonly failures: Map<string, number>;
  /** How many RPCs were answered with each reason. */
  readonly refusals: Map<string, number>;
  readonly webhooks: FailingWebhooks;
}

/** The webhook types that are counted. */
export const COUNTED_TYPES: readonly WebhookType[] = ['pre_call', 'post_call'];

/** Makes counts of nothing. */
export function createCounts(): Counts {
  return {
    byType: { pre_call: createTypeCounts(), post_call: createTypeCounts() },
    failures: new Map(),
    refusals: new Map(),
    webhooks: createFailingWebhooks(),
  };
}

function createTypeCounts(): TypeCounts {
  return {
    outcomes: new Uint32Array(COUNTED_OUTCOMES.length),
    latency: new Uint32Array(LATENCY_BUCKETS),
  };
}

const PLACE_OF = new Map(COUNTED_OUTCOMES.map((outcome, place) => [outcome, place]));

/** Counts an outcome. */
export function addOutcome({ outcomes }: TypeCounts, outcome: CountedOutcome, count = 1): void {
  addAt(outcomes, PLACE_OF.get(outcome) ?? outcomes.length, count);
}

/** Returns how many executions had an outcome. */
export function outcomeCount({ outcomes }: TypeCounts, outcome: CountedOutcome): number {
  return outcomes[PLACE_OF.get(outcome) ?? outcomes.length] ?? 0;
}

/** Adds to one number of a list. A place outside of the list changes nothing. */
export function addAt(list: Uint32Array, place: number, count: number): void {
  const before = list[place];
  if (before !== undefined) list[place] = before + count;
}

function addAll(sum: Uint32Array, more: Uint32Array): void {
  for (let place = 0; place < sum.length; place += 1) sum[place] = (sum[place] ?? 0) + (more[place] ?? 0);
}

// The words are failure codes and reasons: those of this release, and what rows of a newer one have.
const MAX_WORDS = 100;

/** Adds to the count of a word. A word too many is left out. */
export function addWord(words: Map<string, number>, word: string, count = 1): void {
  const before = words.get(word);
  if (before !== undefined || words.size < MAX_WORDS) words.set(word, (before ?? 0) + count);
}

/** Returns the sum of counts. */
export function sumOf(parts: Iterable<Counts>): Counts {
  const sum = createCounts();
  for (const part of parts) mergeCounts(sum, part);
  return sum;
}

/** Adds all of `more` to `sum`. */
export function mergeCounts(sum: Counts, more: Counts): void {
  for (const type of COUNTED_TYPES) {
    addAll(sum.byType[type].outcomes, more.byType[type].outcomes);
    addAll(sum.byType[type].latency, more.byType[type].latency);
  }
  for (const [code, count] of more.failures) addWord(sum.failures, code, count);
  for (const [reason, count] of more.refusals) addWord(sum.refusals, reason, count);
  sum.webhooks.merge(more.webhooks);
}
