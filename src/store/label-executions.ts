import { failureCodes, sents, STATE, TYPE, webhookTypes } from './codes.ts';
import type { Connections, Session } from './connections.ts';
import { deleteExecutions } from './delete-executions.ts';
import type { Dialect, Row, Value } from './dialect.ts';
import { IS_PURGED, isEnded, JOIN_PURGED } from './execution-rows.ts';
import { marks } from './sql.ts';
import type { ExecutionStore } from './types.ts';
import { toBytes, toUuid } from './uuid-bytes.ts';

type Labels = Pick<ExecutionStore, 'labelOverdue' | 'labelAllSending' | 'labelOverdueStart' | 'disownStart'>;

const ROWS_A_STEP = 100;
const LABEL = JSON.stringify({ message: 'no outcome was recorded in time: the request may have been sent' });
const DISOWNED = JSON.stringify({
  message: 'the database did not confirm the claim in time: nothing was sent',
});

/** The labels of executions whose owners did not report. */
export const createLabels = (connections: Connections, dialect: Dialect): Labels => {
  const interrupt = (where: string): string =>
    `UPDATE executions ${dialect.byPrimaryKey} SET state = ${STATE.interrupted}, state_at = ${dialect.now}, ` +
    `failure_code = ?, failure_sent = ?, detail = ? WHERE ${where} AND +state = ${STATE.sending}`;
  const isOverdue = `state_at < ${dialect.now}`;

  const candidates = (session: Session, guard: string, limit: number): Promise<readonly Row[]> =>
    session.rows(
      `SELECT e.execution_uuid, e.conversation_uuid, e.webhook_type, ${IS_PURGED} FROM executions e ` +
        `${dialect.useIndex('executions_by_state')} ${JOIN_PURGED} ` +
        `WHERE e.state = ${STATE.sending} AND ${guard} ORDER BY e.state_at LIMIT ?`,
      [limit],
    );

  const label = async (session: Session, guard: string, limit: number): Promise<readonly Row[]> => {
    const rows = await candidates(session, guard, limit);
    const uuids = (purged: number): Buffer[] =>
      rows.filter((row) => row.is_purged === purged).map((row) => row.execution_uuid as Buffer);
    await deleteExecutions(session, uuids(1));
    const kept = uuids(0).toSorted(Buffer.compare);
    if (kept.length === 0) return [];
    const where = `execution_uuid IN (${marks(kept.length)}) AND ${guard}`;
    const changed = await session.change(interrupt(where), [...labelValues('maybe', LABEL), ...kept]);
    if (changed === kept.length) return rows.filter((row) => row.is_purged === 0);
    return stillLabelled(session, kept);
  };

  return {
    labelOverdue: (limit) =>
      connections.use(async (session) => {
        const rows = await label(session, isOverdue, limit);
        return rows.map((row) => ({
          conversationUuid: toUuid(row.conversation_uuid as Buffer),
          webhookType: webhookTypes.toWord(row.webhook_type as number),
        }));
      }),
    labelAllSending: async () => {
      let labelled = 0;
      for (let step = ROWS_A_STEP; step > 0; labelled += step)
        step = (await connections.use((session) => label(session, '1 = 1', ROWS_A_STEP))).length;
      return labelled;
    },
    labelOverdueStart: (conversationUuid) =>
      connections.use(async (session) => {
        const key = [toBytes(conversationUuid), TYPE.pre_call];
        const [row] = await session.rows(FIND_START, key);
        if (row === undefined || isEnded(row)) return true;
        if (row.state !== STATE.sending) return false;
        const where = `execution_uuid = ? AND ${isOverdue}`;
        await session.change(interrupt(where), [
          ...labelValues('maybe', LABEL),
          row.execution_uuid as Buffer,
        ]);
        const [after] = await session.rows(FIND_START, key);
        return after === undefined || isEnded(after);
      }),
    disownStart: async (executionUuid) => {
      const token = toBytes(executionUuid);
      await connections.use((session) =>
        session.change(interrupt('execution_uuid = ? AND claim = ?'), [
          ...labelValues('no', DISOWNED),
          token,
          token,
        ]),
      );
    },
  };
};

const FIND_START =
  'SELECT execution_uuid, state FROM executions WHERE conversation_uuid = ? AND webhook_type = ?';

const labelValues = (sent: 'no' | 'maybe', detail: string): Value[] => [
  failureCodes.toNumber('INTERRUPTED'),
  sents.toNumber(sent),
  detail,
];

// Between the look and the label, owners ended some and other replicas labelled some; a label is a label.
const stillLabelled = (session: Session, executionUuids: readonly Buffer[]): Promise<readonly Row[]> =>
  session.rows(
    'SELECT conversation_uuid, webhook_type FROM executions ' +
      `WHERE execution_uuid IN (${marks(executionUuids.length)}) AND +state = ${STATE.interrupted}`,
    executionUuids,
  );
