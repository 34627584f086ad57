import type { StoredDecision } from './call.ts';

/**
 * What an execution came to, as somebody who owns an agent sees it. These are all of them, the good ones first:
 * - `succeeded`: the webhook did its work.
 * - `rejected`: the endpoint of a pre-call answered, and rejected the call.
 * - `degraded`: the pre-call failed, and the call went on without its values.
 * - `blocked`: the pre-call failed, and its failure policy blocked the call.
 * - `failed`: the post-call failed, so its report did not arrive.
 * - `interrupted`: the process was stopped or died during the execution, or nobody recorded its outcome in time.
 */
export const COUNTED_OUTCOMES = [
  'succeeded',
  'rejected',
  'degraded',
  'blocked',
  'failed',
  'interrupted',
] as const;

/** One of {@link COUNTED_OUTCOMES}. */
export type CountedOutcome = (typeof COUNTED_OUTCOMES)[number];

/**
 * Returns what a finished execution is counted as. A pre-call that is interrupted counts as that, whatever was decided about
 * its call. A decision of a newer release counts by the state.
 */
export function countedOutcome(
  state: 'succeeded' | 'failed' | 'interrupted',
  decision: StoredDecision | undefined,
): CountedOutcome {
  if (state === 'interrupted') return 'interrupted';
  if (state === 'succeeded') return decision === 'block_rejected' ? 'rejected' : 'succeeded';
  if (decision === 'proceed_degraded') return 'degraded';
  return decision === 'block' ? 'blocked' : 'failed';
}
