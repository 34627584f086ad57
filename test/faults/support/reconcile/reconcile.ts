import { stateName } from '../../../support/execution-words.ts';
import { checkAmounts } from './check-amounts.ts';
import { checkEndReplies } from './check-end-replies.ts';
import { checkExecutions } from './check-executions.ts';
import { checkRefusals } from './check-refusals.ts';
import { checkReplies } from './check-replies.ts';
import { checkRequests } from './check-requests.ts';
import { checkStartReplies } from './check-start-replies.ts';
import { checkTimes } from './check-times.ts';
import { repliedCalls, type Evidence, type Lateness } from './evidence.ts';

/** The result of a comparison. */
export interface CheckResult {
  /** Lists what has happened and must never happen, a sentence each. */
  readonly violations: readonly string[];
  /** Lists what happened too late, which is no violation on a busy machine. */
  readonly late: readonly Lateness[];
  /** Counts what was compared. */
  readonly figures: Readonly<Record<string, number>>;
}

const CHECKS = [
  checkRequests,
  checkExecutions,
  checkReplies,
  checkStartReplies,
  checkEndReplies,
  checkRefusals,
  checkAmounts,
];

/** Compares what the endpoint saw, what the execution log says, and how each call was answered. */
export function reconcile(evidence: Evidence): CheckResult {
  const { executions, callLog, recorder } = evidence;
  const replies = repliedCalls(callLog.entries).length;
  return {
    violations: CHECKS.flatMap((check) => check(evidence)),
    late: checkTimes(evidence),
    figures: {
      executions: executions.length,
      requests: recorder.requests().length,
      calls: callLog.entries.length,
      replies,
      refused: callLog.entries.length - replies,
      interrupted: executions.filter(({ state }) => stateName(state) === 'INTERRUPTED').length,
    },
  };
}
