import type { Failure } from '../../domain/failures.ts';
import { STATE, toBytes, toUuid } from '../sql/column-values.ts';
import type { Connections, Session } from '../sql/connections.ts';
import { deleteExecutions } from './purge-executions.ts';
import type { Dialect } from '../sql/dialect.ts';
import { finishExecutions, NAMES, toExecutionNames } from './interrupt-executions.ts';
import { IS_PURGED, JOIN_PURGED } from './execution-rows.ts';
import { marks } from '../sql/sql.ts';
import type { ExecutionKey, ExecutionNames, ExecutionStore, PendingWebhook } from '../execution-store.ts';

type PendingPostCallReads = Pick<
  ExecutionStore,
  | 'listPendingWebhooks'
  | 'listPendingPostCalls'
  | 'countPending'
  | 'oldestPendingAgeMs'
  | 'countOverdue'
  | 'failUnsent'
>;

const WEBHOOKS_A_STEP = 200;
const COUNTED_A_STEP = 5_000;
const OVERDUE_CAP = 1_000;
// A row is marked interrupted within 5 s after it is overdue. So a row that is overdue for longer is a sign that no replica
// marks rows.
const OVERDUE_MARGIN_MS = 5_000;
const NIL = Buffer.alloc(16);
const FIRST: ExecutionKey = { acceptedAtMs: 0, executionUuid: toUuid(NIL) };

/** Makes the reads of pending post-calls, and the statement that fails them unsent. */
export function createPendingPostCallReads(connections: Connections, dialect: Dialect): PendingPostCallReads {
  return {
    listPendingWebhooks: async () => {
      const found: PendingWebhook[] = [];
      for (let after: Buffer = NIL; ;) {
        const values = [after, WEBHOOKS_A_STEP];
        const rows = await connections.use((session) => session.rows(dialect.nextPendingWebhooks, values));
        for (const row of rows)
          found.push({ webhookUuid: toUuid(row.uuid as Buffer), oldestAcceptedAtMs: row.oldest as number });
        const last = rows.at(-1);
        if (last === undefined || rows.length < WEBHOOKS_A_STEP) return found;
        after = last.uuid as Buffer;
      }
    },
    listPendingPostCalls: (webhookUuid, limit, after = FIRST) =>
      connections.use(async (session) => {
        const { acceptedAtMs, executionUuid } = after;
        const rows = await session.rows(
          'SELECT e.execution_uuid, e.conversation_uuid, e.agent_uuid, e.webhook_uuid, e.accepted_at, ' +
            `${IS_PURGED} FROM executions e ${dialect.useIndex('executions_waiting')} ${JOIN_PURGED} ` +
            'WHERE e.waiting_webhook_uuid = ? AND e.accepted_at >= ? AND (e.accepted_at > ? OR e.execution_uuid > ?) ' +
            'ORDER BY e.accepted_at, e.execution_uuid LIMIT ?',
          [toBytes(webhookUuid), acceptedAtMs, acceptedAtMs, toBytes(executionUuid), limit],
        );
        const purged = rows.filter((row) => row.is_purged === 1);
        await deleteExecutions(
          session,
          dialect,
          purged.map((row) => row.execution_uuid as Buffer),
        );
        return rows
          .filter((row) => row.is_purged !== 1)
          .map((row) => ({
            executionUuid: toUuid(row.execution_uuid as Buffer),
            conversationUuid: toUuid(row.conversation_uuid as Buffer),
            agentUuid: toUuid(row.agent_uuid as Buffer),
            webhookUuid: toUuid(row.webhook_uuid as Buffer),
            acceptedAtMs: row.accepted_at as number,
          }));
      }),
    countPending: (cap) => countState(connections, dialect, { state: STATE.accepted, cap }),
    oldestPendingAgeMs: async () => {
      const [row] = await connections.use((session) =>
        session.rows(
          `SELECT ${dialect.now} - state_at AS age FROM executions ${dialect.useIndex('executions_by_state')} ` +
            `WHERE state = ${STATE.accepted} ORDER BY state_at LIMIT 1`,
        ),
      );
      return Math.max(0, (row?.age as number | undefined) ?? 0);
    },
    countOverdue: async (startByMs) => {
      const sending = await countState(connections, dialect, {
        state: STATE.sending,
        cap: OVERDUE_CAP,
        beforeSql: `${dialect.now} - ${OVERDUE_MARGIN_MS}`,
      });
      if (startByMs === 0) return sending;
      const accepted = await countState(connections, dialect, {
        state: STATE.accepted,
        cap: OVERDUE_CAP - sending,
        beforeSql: `${dialect.now} - ${Math.round(startByMs) + OVERDUE_MARGIN_MS}`,
      });
      return sending + accepted;
    },
    failUnsent: (executionUuids, failure, olderThanMs = 0) =>
      executionUuids.length === 0
        ? Promise.resolve([])
        : connections.transaction((session) =>
            failUnsent(session, dialect, executionUuids, failure, olderThanMs),
          ),
  };
}

interface Count {
  readonly state: number;
  readonly cap: number;
  /** Counts only rows whose `state_at` is before this instant. */
  readonly beforeSql?: string;
}

// Counts in steps along the index, so that no step keeps other work waiting for long on SQLite.
async function countState(connections: Connections, dialect: Dialect, count: Count): Promise<number> {
  const before = count.beforeSql === undefined ? '' : `AND state_at < ${count.beforeSql} `;
  let total = 0;
  let after: { at: number; uuid: Buffer } = { at: 0, uuid: NIL };
  while (total < count.cap) {
    const limit = Math.min(COUNTED_A_STEP, count.cap - total);
    const from =
      `FROM executions ${dialect.useIndex('executions_by_state')} WHERE state = ? AND state_at >= ? ` +
      `AND (state_at > ? OR execution_uuid > ?) ${before}ORDER BY state_at, execution_uuid LIMIT`;
    const values = [count.state, after.at, after.at, after.uuid];
    const [row] = await connections.use((session) =>
      session.rows(`SELECT state_at, execution_uuid ${from} 1 OFFSET ?`, [...values, limit - 1]),
    );
    if (row === undefined) {
      const rest = await connections.use((session) =>
        session.rows(`SELECT COUNT(*) AS n FROM (SELECT 1 AS one ${from} ?) AS counted`, [...values, limit]),
      );
      return total + (rest[0]?.n as number);
    }
    total += limit;
    after = { at: row.state_at as number, uuid: row.execution_uuid as Buffer };
  }
  return total;
}

async function failUnsent(
  session: Session,
  dialect: Dialect,
  executionUuids: readonly string[],
  failure: Failure,
  olderThanMs: number,
): Promise<readonly ExecutionNames[]> {
  const rows = await session.rows(
    `SELECT ${NAMES} FROM executions e ${dialect.usePrimaryKey} WHERE e.execution_uuid IN (${marks(executionUuids.length)}) ` +
      `AND +e.state = ${STATE.accepted} AND e.accepted_at <= ${dialect.now} - ${Math.round(olderThanMs)} ${dialect.forUpdateOfFree}`,
    executionUuids.map(toBytes),
  );
  if (rows.length === 0) return [];
  const uuids = rows.map((row) => row.execution_uuid as Buffer);
  const guard = `+executions.state = ${STATE.accepted}`;
  await finishExecutions(session, dialect, uuids, { state: 'failed', failure, guard });
  // These executions were never claimed and are finished: no owner needs their details any more.
  await session.change(dialect.deleteByUuid('execution_details', uuids.length), uuids);
  return rows.map(toExecutionNames);
}
