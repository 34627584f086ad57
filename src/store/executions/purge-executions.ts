import { FINISHED_STATES, STATE, webhookTypes, toBytes, toUuid } from '../sql/column-values.ts';
import type { Connections, Session } from '../sql/connections.ts';
import type { Dialect, Row } from '../sql/dialect.ts';
import { marks } from '../sql/sql.ts';
import type { ExecutionStore, PurgedKey } from '../execution-store.ts';

const DAY_MS = 86_400_000;
const NIL_UUID = '00000000-0000-0000-0000-000000000000';

/** Makes the purge: it deletes finished executions and keeps their keys, both in one transaction. */
export function createPurge(
  connections: Connections,
  dialect: Dialect,
): Pick<ExecutionStore, 'purge' | 'forgetKeys'> {
  return {
    forgetKeys: (beforeMs, limit, after) =>
      connections.use((session) => forgetKeys(session, Math.floor(beforeMs / DAY_MS), limit, after)),
    purge: async (beforeMs, limit) => {
      let purged = 0;
      while (purged < limit) {
        const step = Math.min(dialect.maintenanceStep, limit - purged);
        const found = await connections.transaction((session) => purgeStep(session, dialect, beforeMs, step));
        purged += found;
        if (found < step) break;
        // SQLite has one connection: other work gets its turn between two steps.
        await new Promise((resolve) => {
          setTimeout(resolve, dialect.maintenancePauseMs);
        });
      }
      return purged;
    },
  };
}

async function purgeStep(
  session: Session,
  dialect: Dialect,
  beforeMs: number,
  limit: number,
): Promise<number> {
  const rows: Row[] = [];
  for (const state of FINISHED_STATES)
    if (rows.length < limit)
      rows.push(...(await session.rows(findFinished(dialect), [state, beforeMs, limit - rows.length])));
  await keepKeys(
    session,
    dialect,
    rows.filter((row) => row.state !== STATE.no_webhook),
  );
  await deleteExecutions(
    session,
    dialect,
    rows.map((row) => row.execution_uuid as Buffer),
  );
  return rows.length;
}

// The rows are locked: the owner of a post-call may be correcting its mark at this moment. The next purge takes such a row.
function findFinished(dialect: Dialect): string {
  return (
    `SELECT execution_uuid, conversation_uuid, webhook_type, state FROM executions ${dialect.useIndex('executions_by_state')} ` +
    `WHERE state = ? AND state_at < ? ORDER BY state_at LIMIT ? ${dialect.forUpdateOfFree}`
  );
}

async function keepKeys(session: Session, dialect: Dialect, rows: readonly Row[]): Promise<void> {
  if (rows.length === 0) return;
  const day = `FLOOR(${dialect.now} / ${DAY_MS})`;
  const sorted = rows.toSorted((a, b) =>
    Buffer.compare(a.conversation_uuid as Buffer, b.conversation_uuid as Buffer),
  );
  await session.change(
    'INSERT INTO purged_keys (conversation_uuid, webhook_type, purged_day) VALUES ' +
      `${sorted.map(() => `(?, ?, ${day})`).join(', ')} ${dialect.keepExisting('webhook_type')}`,
    sorted.flatMap((row) => [row.conversation_uuid as Buffer, row.webhook_type as number]),
  );
}

// Reads along the primary key: an index by day would add a third to each of very many keys.
async function forgetKeys(
  session: Session,
  beforeDay: number,
  limit: number,
  after: PurgedKey | undefined,
): Promise<PurgedKey | undefined> {
  const from = toBytes(after?.conversationUuid ?? NIL_UUID);
  const type = after === undefined ? 0 : webhookTypes.toNumber(after.webhookType);
  const rows = await session.rows(
    'SELECT conversation_uuid, webhook_type, purged_day FROM purged_keys WHERE conversation_uuid >= ? ' +
      'AND (conversation_uuid > ? OR webhook_type > ?) ORDER BY conversation_uuid, webhook_type LIMIT ?',
    [from, from, type, limit],
  );
  const old = rows.filter((row) => (row.purged_day as number) < beforeDay);
  if (old.length > 0) {
    await session.change(
      `DELETE FROM purged_keys WHERE conversation_uuid IN (${marks(old.length)}) AND purged_day < ?`,
      [...old.map((row) => row.conversation_uuid as Buffer), beforeDay],
    );
  }
  const last = rows.length < limit ? undefined : rows.at(-1);
  return (
    last && {
      conversationUuid: toUuid(last.conversation_uuid as Buffer),
      webhookType: webhookTypes.toWord(last.webhook_type as number),
    }
  );
}

/** The tables that have parts of an execution, by its uuid. */
export const PART_TABLES = ['execution_starts', 'execution_details', 'execution_records'] as const;

/** Deletes executions with all their parts. */
export async function deleteExecutions(
  session: Session,
  dialect: Dialect,
  executionUuids: readonly Buffer[],
): Promise<void> {
  if (executionUuids.length === 0) return;
  for (const table of ['executions', ...PART_TABLES])
    await session.change(dialect.deleteByUuid(table, executionUuids.length), executionUuids);
}
