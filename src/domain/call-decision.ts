import type { CallDecision, StartVariables } from './call.ts';
import type { Execution } from './execution.ts';
import { withAssigned, type Variables } from './variables.ts';

/** What the platform should do with a call. */
export interface Decision {
  readonly decision: CallDecision;
  /** The call proceeds although its webhook failed. */
  readonly degraded: boolean;
}

/** What {@link decideCall} looks at. */
export type Decided = Pick<Execution, 'state' | 'failurePolicy'>;

const PROCEED: Decision = { decision: 'proceed', degraded: false };
const PROCEED_DEGRADED: Decision = { decision: 'proceed', degraded: true };
const BLOCK: Decision = { decision: 'block', degraded: false };

/**
 * The decision of an ended pre-call: a success proceeds; a failed or interrupted one follows the failure policy that
 * was recorded at its claim. Undefined where there is nothing to decideCall: not ended yet, or a post-call.
 */
export function decideCall({ state, failurePolicy }: Decided): Decision | undefined {
  if (state === 'no_webhook') return PROCEED;
  if (failurePolicy === null) return undefined;
  if (state === 'succeeded') return PROCEED;
  if (state !== 'failed' && state !== 'interrupted') return undefined;
  return failurePolicy === 'block' ? BLOCK : PROCEED_DEGRADED;
}

/** A start's reply without what is told of its execution. */
export interface StartReply extends Decision, Variables {}

/**
 * A start's reply, built from its record alone, so that the first one and every later one are equal. `execution`
 * undefined: no webhook ran. Throws for an execution that has not ended: there is no reply yet.
 */
export function startReply(execution: Decided | undefined, start: StartVariables): StartReply {
  const decision = execution === undefined ? PROCEED : decideCall(execution);
  if (decision === undefined) throw new Error(`a start that is ${execution?.state} has no reply yet`);
  return { ...decision, ...withAssigned(start) };
}
