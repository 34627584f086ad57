import { nameOf } from '../execution-log.ts';
import { checkAmounts } from './check-amounts.ts';
import { checkEnds } from './check-ends.ts';
import { checkExecutions } from './check-executions.ts';
import { checkRefusals } from './check-refusals.ts';
import { checkReplies } from './check-replies.ts';
import { checkRequests } from './check-requests.ts';
import { checkStarts } from './check-starts.ts';
import { checkTimes } from './check-times.ts';
import { seenBy, type Evidence } from './evidence.ts';

/** What came of a comparison. */
export interface Verdict {
  /** One sentence each; none may be. */
  readonly violations: readonly string[];
  /** Of the whole: how much was compared. */
  readonly figures: Readonly<Record<string, number>>;
}

const CHECKS = [
  ...[checkRequests, checkExecutions, checkReplies, checkStarts, checkEnds],
  ...[checkRefusals, checkTimes, checkAmounts],
];

/** Compares what the endpoints saw, what the log says, and what each caller was told. */
export const reconcile = (evidence: Evidence): Verdict => {
  const { executions, journal } = evidence;
  const replies = journal.entries.filter(({ told }) => told.kind === 'reply').length;
  return {
    violations: CHECKS.flatMap((check) => check(evidence)),
    figures: {
      executions: executions.length,
      requests: seenBy(evidence).length,
      calls: journal.entries.length,
      replies,
      refused: journal.entries.length - replies,
      interrupted: executions.filter(({ state }) => nameOf(state) === 'INTERRUPTED').length,
    },
  };
};
