import type { Failure } from '../../domain/types.ts';
import { failureCodes, sents, states } from './column-codes.ts';
import type { Session } from '../sql/connections.ts';
import type { Dialect } from '../sql/dialect.ts';

/** How executions end that their owners do not end themselves. */
export interface Ending {
  readonly state: 'failed' | 'interrupted';
  readonly failure: Failure;
  /** Which of the rows may end so, as a condition on columns of `executions`. */
  readonly guard: string;
}

const COLUMNS = ['ended_uuid', 'new_code', 'new_sent', 'new_detail'];

/** Ends those of these executions that the guard lets, stamped by the database; the number ended. */
export const endExecutions = (
  session: Session,
  dialect: Dialect,
  executionUuids: readonly Buffer[],
  { state, failure, guard }: Ending,
): Promise<number> => {
  const code = failureCodes.toNumber(failure.code);
  const sent = sents.toNumber(failure.sent);
  const detail = JSON.stringify({ message: failure.message });
  return session.change(
    dialect.updateFromRows({
      columns: COLUMNS,
      rowCount: executionUuids.length,
      set:
        `state = ${states.toNumber(state)}, state_at = ${dialect.now}, waiting_webhook_uuid = NULL, ` +
        'failure_code = new_code, failure_sent = new_sent, detail = new_detail',
      guard,
    }),
    executionUuids.toSorted(Buffer.compare).flatMap((uuid) => [uuid, code, sent, detail]),
  );
};
