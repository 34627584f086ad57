import { COUNTED_OUTCOMES } from '../../domain/counted-outcome.ts';
import { addAt, addOutcome, addWord, COUNTED_TYPES, outcomeCount, type Counts } from './counts.ts';

/** How many webhooks a row names. The failures of the others are one number. */
export const WEBHOOKS_A_ROW = 20;

/** Returns counts as the text of a row: JSON without what is 0. It has at most 5 KB. */
export function toText(counts: Counts): string {
  const byType = COUNTED_TYPES.map((type) => {
    const { latency } = counts.byType[type];
    const outcomes = COUNTED_OUTCOMES.map(
      (outcome) => [outcome, outcomeCount(counts.byType[type], outcome)] as const,
    );
    const buckets = Array.from(latency.entries()).filter(([, count]) => count > 0);
    return [
      type,
      { outcomes: Object.fromEntries(outcomes.filter(([, count]) => count > 0)), latency: buckets.flat() },
    ];
  });
  return JSON.stringify({
    ...Object.fromEntries(byType),
    failures: Object.fromEntries(counts.failures),
    refusals: Object.fromEntries(counts.refusals),
    webhooks: counts.webhooks
      .worst(WEBHOOKS_A_ROW)
      .map(({ webhookUuid, agentUuid, failures }) => [webhookUuid, agentUuid, failures]),
    otherWebhooks: counts.webhooks.others(WEBHOOKS_A_ROW),
  });
}

/**
 * Adds the counts of a row to a sum. A newer release may have written the row, so everything in it that is unknown or of
 * another type is left out.
 */
export function addText(sum: Counts, text: string): void {
  const row = membersOf(parse(text));
  for (const type of COUNTED_TYPES) {
    const { outcomes, latency } = membersOf(row[type]);
    const counted = membersOf(outcomes);
    for (const outcome of COUNTED_OUTCOMES) addOutcome(sum.byType[type], outcome, toCount(counted[outcome]));
    const buckets = toList(latency);
    for (let at = 0; at + 1 < buckets.length; at += 2)
      addAt(sum.byType[type].latency, toCount(buckets[at]), toCount(buckets[at + 1]));
  }
  for (const [code, count] of Object.entries(membersOf(row['failures'])))
    addWord(sum.failures, code, toCount(count));
  for (const [reason, count] of Object.entries(membersOf(row['refusals'])))
    addWord(sum.refusals, reason, toCount(count));
  for (const webhook of toList(row['webhooks'])) addWebhook(sum, toList(webhook));
  sum.webhooks.addOthers(toCount(row['otherWebhooks']));
}

function addWebhook(sum: Counts, [webhookUuid, agentUuid, failures]: readonly unknown[]): void {
  if (typeof webhookUuid === 'string' && typeof agentUuid === 'string')
    sum.webhooks.add(webhookUuid, agentUuid, toCount(failures));
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function membersOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

function toList(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function toCount(value: unknown): number {
  return Number.isSafeInteger(value) && (value as number) > 0 ? (value as number) : 0;
}
