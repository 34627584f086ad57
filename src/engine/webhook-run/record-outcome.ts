import type { Outcome } from '../../store/write-batch.ts';
import { outcomeBytes, toExecutionLine, type ExecutionLine } from './outcome.ts';
import { retryWrite } from '../writes/retry-write.ts';
import type { ExecutionWrites, Recorded } from '../writes/execution-writes.ts';

/** What writing an outcome needs. */
export interface RecordDeps {
  readonly writes: Pick<ExecutionWrites, 'recordOutcome'>;
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
): Promise<Recorded> => {
  let isRecorded = false;
  try {
    const bytes = outcomeBytes(outcome);
    const write = (): Promise<Recorded> => deps.writes.recordOutcome(outcome, bytes);
    const result = await retryWrite(write, { signal: deps.lastWrites });
    isRecorded = result === 'recorded';
    return result;
  } finally {
    deps.onExecution(toExecutionLine(names, outcome, isRecorded));
  }
};
