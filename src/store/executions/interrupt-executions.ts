import type { Failure } from '../../domain/types.ts';
import { failureCodes, sents, STATE, states, webhookTypes } from './column-codes.ts';
import type { Connections, Session } from '../sql/connections.ts';
import { deleteExecutions } from './delete-executions.ts';
import type { Dialect, Row } from '../sql/dialect.ts';
import { IS_PURGED, JOIN_PURGED } from './execution-rows.ts';
import type { ExecutionStore } from '../types.ts';
import { toBytes, toUuid } from '../sql/uuid-bytes.ts';

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

type Labels = Pick<ExecutionStore, 'labelOverdue' | 'labelAllSending'>;

const LABEL: Failure = {
  code: 'INTERRUPTED',
  message: 'no outcome was recorded in time: the request may have been sent',
  sent: 'maybe',
};
const DISOWNED: Failure = {
  code: 'INTERRUPTED',
  message: 'the database did not confirm the claim in time: nothing was sent',
  sent: 'no',
};
// `+` keeps SQLite off the index by state.
const IS_SENDING = `+executions.state = ${STATE.sending}`;

/** The labels of executions whose owners did not report. */
export const createLabels = (connections: Connections, dialect: Dialect): Labels => {
  const isOverdue = `state_at < ${dialect.now}`;

  const interrupt = (session: Session, executionUuids: readonly Buffer[], guard: string): Promise<number> => {
    const ending = { state: 'interrupted', failure: LABEL, guard: `${IS_SENDING} AND ${guard}` } as const;
    return endExecutions(session, dialect, executionUuids, ending);
  };

  const find = (session: Session, guard: string, limit: number, lock: string): Promise<readonly Row[]> =>
    session.rows(
      `SELECT e.execution_uuid, e.conversation_uuid, e.webhook_type, ${IS_PURGED} FROM executions e ` +
        `${dialect.useIndex('executions_by_state')} ${JOIN_PURGED} ` +
        `WHERE e.state = ${STATE.sending} AND ${guard} ORDER BY e.state_at LIMIT ? ${lock}`,
      [limit],
    );

  // Rows that somebody holds are passed over: their owner is just writing, or froze in the middle of a commit, and
  // then one row would keep all others from their label until the server closes its connection.
  const labelFree = async (session: Session, guard: string, limit: number): Promise<readonly Row[]> => {
    const rows = await find(session, guard, limit, dialect.forUpdateOfFree);
    const [purged, kept] = [
      rows.filter((row) => row.is_purged === 1),
      rows.filter((row) => row.is_purged !== 1),
    ];
    await deleteExecutions(session, dialect, purged.map(uuidOf));
    if (kept.length > 0) await interrupt(session, kept.map(uuidOf), guard);
    return kept;
  };

  /** Labels the first rows that the guard lets; what was labelled. */
  const label = async (guard: string, limit: number): Promise<readonly Row[]> => {
    const overdue = await connections.use((session) => find(session, guard, 1, ''));
    if (overdue.length === 0) return [];
    return connections.transaction((session) => labelFree(session, guard, limit));
  };

  const labelInSteps = async (guard: string, limit: number): Promise<readonly Row[]> => {
    const labelled: Row[] = [];
    for (;;) {
      const step = Math.min(dialect.sweepStep, limit - labelled.length);
      const rows = step === 0 ? [] : await label(guard, step);
      labelled.push(...rows);
      if (rows.length < step || step === 0) return labelled;
      await new Promise((resolve) => {
        setImmediate(resolve);
      });
    }
  };

  return {
    labelOverdue: async (limit) => {
      const rows = await labelInSteps(isOverdue, limit);
      return rows.map((row) => ({
        conversationUuid: toUuid(row.conversation_uuid as Buffer),
        webhookType: webhookTypes.toWord(row.webhook_type as number),
      }));
    },
    labelAllSending: async () => (await labelInSteps('1 = 1', Infinity)).length,
  };
};

/** Takes back a claim that its owner could not settle, and did not act on. */
export const createDisown = (
  connections: Connections,
  dialect: Dialect,
): Pick<ExecutionStore, 'disownStart'> => ({
  disownStart: async (executionUuid) => {
    // A pre-call's token is its uuid.
    const guard = `${IS_SENDING} AND executions.claim = executions.execution_uuid`;
    const ending = { state: 'interrupted', failure: DISOWNED, guard } as const;
    await connections.use((session) => endExecutions(session, dialect, [toBytes(executionUuid)], ending));
  },
});

const uuidOf = (row: Row): Buffer => row.execution_uuid as Buffer;
