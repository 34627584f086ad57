import { decideReply } from '../../domain/call-decision.ts';
import type { StartVariables } from '../../domain/call.ts';
import type { Execution } from '../../domain/execution.ts';
import { NO_DEADLINE_MS } from '../../domain/pre-call-time-limit.ts';
import type { RequestContext } from '../request-context.ts';
import type { OnCallStartReply } from './on-call-start.ts';

// A reply sent at the very deadline arrives as DEADLINE_EXCEEDED.
const ANSWER_BEFORE_DEADLINE_MS = 50;

/** Returns the instant of `performance.now()` until which an answer still reaches the caller. */
export function answerByMs({ admittedAtMs, deadlineAtMs }: RequestContext): number {
  return Math.min(deadlineAtMs ?? Infinity, admittedAtMs + NO_DEADLINE_MS) - ANSWER_BEFORE_DEADLINE_MS;
}

/** Returns a start's reply from its record. It is the same the first time and every other time. */
export function toStartReply(
  { execution, start }: { execution?: Execution; start: StartVariables },
  replayed: boolean,
): OnCallStartReply {
  const shown = execution?.state === 'no_webhook' ? undefined : execution;
  const { decision, degraded, variables, sources } = decideReply(shown, start);
  return {
    decision,
    degraded,
    dynamicVariables: variables,
    variableSources: sources,
    ...(shown ? { execution: shown } : {}),
    replayed,
  };
}
