import type { FailurePolicy } from './agent.ts';
import type { CallDecision, StartVariables, StoredDecision } from './call.ts';
import type { Execution } from './execution.ts';
import { DECISION_AFTER_FAILURE, type Failure } from './failures.ts';
import type { Rejection } from './rejection/reject.ts';
import { withAssigned, type Variables } from './variables.ts';

/** The decision about a call, in parts. */
export interface Decision {
  /** What the platform should do with it. Undefined for a decision that a newer release has stored. */
  readonly decision: CallDecision | undefined;
  /** Says that the call proceeds although its webhook failed. */
  readonly degraded: boolean;
  /** Says that the endpoint has rejected the call. */
  readonly rejected: boolean;
}

const DECISIONS: Readonly<Record<string, Decision>> = {
  proceed: { decision: 'proceed', degraded: false, rejected: false },
  proceed_degraded: { decision: 'proceed', degraded: true, rejected: false },
  block: { decision: 'block', degraded: false, rejected: false },
  block_rejected: { decision: 'block', degraded: false, rejected: true },
} satisfies Record<StoredDecision, Decision>;

const UNDECIDED: Decision = { decision: undefined, degraded: false, rejected: false };

/**
 * Decides about the call of a pre-call that has run. After a failure the failure policy decides; after a success the
 * call proceeds, unless the endpoint rejects it. Returns undefined for a post-call, which has no policy.
 */
export function decideCall(
  failurePolicy: FailurePolicy | null,
  { failure, rejection }: { readonly failure?: Failure; readonly rejection?: Rejection },
): StoredDecision | undefined {
  if (failurePolicy === null) return undefined;
  if (failure !== undefined) return DECISION_AFTER_FAILURE[failurePolicy];
  return rejection === undefined ? 'proceed' : 'block_rejected';
}

/** Returns the parts of a decision. Without one, and for one of a newer release, nothing is decided. */
export function partsOfDecision(stored: StoredDecision | undefined): Decision {
  return DECISIONS[stored ?? ''] ?? UNDECIDED;
}

/** The reply to a start, without the part that describes its execution. */
interface StartReply extends Decision, Variables {
  readonly rejectReason: string;
}

/**
 * Returns the reply to a start. It is built from the record alone, so that the first reply and every later one are
 * equal. `execution` is undefined when no webhook ran: then the call proceeds. Throws for an execution without a decision:
 * there is no reply yet.
 */
export function decideReply(
  execution: Pick<Execution, 'state' | 'decision' | 'rejectReason'> | undefined,
  start: StartVariables,
): StartReply {
  const decision = execution === undefined ? 'proceed' : execution.decision;
  if (decision === undefined) throw new Error(`a start that is ${execution?.state} has no reply yet`);
  const rejectReason = execution?.rejectReason ?? '';
  return { ...partsOfDecision(decision), rejectReason, ...withAssigned(start) };
}
