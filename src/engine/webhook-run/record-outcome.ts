import type { Outcome, OutcomeResult } from '../../store/types.ts';
import { outcomeBytes, toExecutionLine, type ExecutionLine } from './outcome.ts';
import { settle } from '../writes/retry-write.ts';
import type { Writes } from '../writes/execution-writes.ts';

/** What writing an outcome needs. */
export interface RecordDeps {
  readonly writes: Pick<Writes, 'recordOutcome'>;
  readonly onExecution: (line: ExecutionLine) => void;
  /** Aborted when the process ends: what the database does not take then is only logged. */
  readonly lastWrites: AbortSignal;
}

/**
 * Writes an outcome, however long the database is away, and logs one line of the execution either way. Rejects when
 * the process ends first, or the row can't be written.
 */
export const recordOrLog = async (
  deps: RecordDeps,
  names: { conversationUuid: string; agentUuid: string; webhookUuid: string },
  outcome: Outcome,
): Promise<OutcomeResult> => {
  let isRecorded = false;
  try {
    const write = () => deps.writes.recordOutcome(outcome, outcomeBytes(outcome));
    const result = await settle(write, { signal: deps.lastWrites });
    isRecorded = result === 'recorded';
    return result;
  } finally {
    deps.onExecution(toExecutionLine(names, outcome, isRecorded));
  }
};
