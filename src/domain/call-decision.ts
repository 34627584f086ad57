import type { CallDecision, StartVariables } from './call.ts';
import type { Execution } from './execution.ts';
import { withAssigned, type Variables } from './variables.ts';

/** The decision about a call: what the platform should do with it. */
export interface Decision {
  readonly decision: CallDecision;
  /** Says that the call proceeds although its webhook failed. */
  readonly degraded: boolean;
}

type StateAndPolicy = Pick<Execution, 'state' | 'failurePolicy'>;

const PROCEED: Decision = { decision: 'proceed', degraded: false };
const PROCEED_DEGRADED: Decision = { decision: 'proceed', degraded: true };
const BLOCK: Decision = { decision: 'block', degraded: false };

/**
 * Returns the decision of a finished pre-call. After a success the call proceeds; after a failure or an interruption
 * the failure policy decides that was recorded at the claim. Returns undefined where there is nothing to decide: the
 * execution is not finished, or belongs to a post-call.
 */
export function decideCall({ state, failurePolicy }: StateAndPolicy): Decision | undefined {
  if (state === 'no_webhook') return PROCEED;
  if (failurePolicy === null) return undefined;
  if (state === 'succeeded') return PROCEED;
  if (state !== 'failed' && state !== 'interrupted') return undefined;
  return failurePolicy === 'block' ? BLOCK : PROCEED_DEGRADED;
}

/** The reply to a start, without the part that describes its execution. */
interface StartReply extends Decision, Variables {}

/**
 * Returns the reply to a start. It is built from the record alone, so that the first reply and every later one are
 * equal. `execution` is undefined when no webhook ran. Throws for an execution that is not finished: there is no reply
 * yet.
 */
export function decideReply(execution: StateAndPolicy | undefined, start: StartVariables): StartReply {
  const decision = execution === undefined ? PROCEED : decideCall(execution);
  if (decision === undefined) throw new Error(`a start that is ${execution?.state} has no reply yet`);
  return { ...decision, ...withAssigned(start) };
}
