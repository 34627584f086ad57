import { NO_DEADLINE_MS } from '../../domain/pre-call-time-limit.ts';
import type { RequestContext } from '../request-context.ts';

// A reply sent at the very deadline arrives as DEADLINE_EXCEEDED.
const ANSWER_BEFORE_DEADLINE_MS = 50;

/** Returns the instant of `performance.now()` until which an answer still reaches the caller. */
export function answerByMs({ admittedAtMs, deadlineAtMs }: RequestContext): number {
  return Math.min(deadlineAtMs ?? Infinity, admittedAtMs + NO_DEADLINE_MS) - ANSWER_BEFORE_DEADLINE_MS;
}
