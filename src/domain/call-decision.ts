import type { FailurePolicy } from './agent.ts';
import type { CallDecision, StartVariables, StoredDecision } from './call.ts';
import type { Execution } from './execution.ts';
import { DECISION_AFTER_FAILURE, type Failure } from './failures.ts';
import { withAssigned, type Variables } from './variables.ts';

/** The decision about a call, in parts. */
export interface Decision {
  /** What the platform should do with it. Undefined for a decision that a newer release has stored. */
  readonly decision: CallDecision | undefined;
  /** Says that the call proceeds although its webhook failed. */
  readonly degraded: boolean;
}

const DECISIONS: Readonly<Record<string, Decision>> = {
  proceed: { decision: 'proceed', degraded: false },
  proceed_degraded: { decision: 'proceed', degraded: true },
  block: { decision: 'block', degraded: false },
} satisfies Record<StoredDecision, Decision>;

const UNDECIDED: Decision = { decision: undefined, degraded: false };

/**
 * Decides about the call of a pre-call that has run. After a success the call proceeds; after a failure the failure policy
 * decides. Returns undefined for a post-call, which has no policy.
 */
export function decideCall(
  failurePolicy: FailurePolicy | null,
  { failure }: { readonly failure?: Failure | undefined },
): StoredDecision | undefined {
  if (failurePolicy === null) return undefined;
  return failure === undefined ? 'proceed' : DECISION_AFTER_FAILURE[failurePolicy];
}

/** Returns the parts of a decision. Without one, and for one of a newer release, nothing is decided. */
export function partsOfDecision(stored: StoredDecision | undefined): Decision {
  return DECISIONS[stored ?? ''] ?? UNDECIDED;
}

/** The reply to a start, without the part that describes its execution. */
interface StartReply extends Decision, Variables {}

/**
 * Returns the reply to a start. It is built from the record alone, so that the first reply and every later one are
 * equal. `execution` is undefined when no webhook ran: then the call proceeds. Throws for an execution without a decision:
 * there is no reply yet.
 */
export function decideReply(
  execution: Pick<Execution, 'state' | 'decision'> | undefined,
  start: StartVariables,
): StartReply {
  const decision = execution === undefined ? 'proceed' : execution.decision;
  if (decision === undefined) throw new Error(`a start that is ${execution?.state} has no reply yet`);
  return { ...partsOfDecision(decision), ...withAssigned(start) };
}
