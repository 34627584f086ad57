import { webhookTypes, toBytes, toUuid } from '../sql/column-values.ts';
import type { Connections } from '../sql/connections.ts';
import type { Dialect } from '../sql/dialect.ts';
import { marks } from '../sql/sql.ts';
import type { ExecutionStore } from '../execution-store.ts';

/** Makes the reads of locked rows: their transaction does not end, because its process froze or its network is cut. */
export function createLockedRows(
  connections: Connections,
  dialect: Dialect,
): Pick<ExecutionStore, 'findUncommitted' | 'findLocked'> {
  return {
    findUncommitted: async (webhookType, conversationUuids) => {
      const { readUncommitted } = dialect;
      if (readUncommitted === undefined) return [];
      const sql =
        `SELECT conversation_uuid FROM executions WHERE conversation_uuid IN (${marks(conversationUuids.length)}) ` +
        'AND webhook_type = ?';
      const values = [...conversationUuids.map(toBytes), webhookTypes.toNumber(webhookType)];
      return connections.use(async (session) => {
        await session.change(readUncommitted);
        const written = await session.rows(sql, values);
        const committed = new Set(
          (await session.rows(sql, values)).map((row) => toUuid(row.conversation_uuid as Buffer)),
        );
        return written
          .map((row) => toUuid(row.conversation_uuid as Buffer))
          .filter((uuid) => !committed.has(uuid));
      });
    },
    findLocked: async (executionUuids) => {
      if (dialect.readUncommitted === undefined) return [];
      const sql = `SELECT execution_uuid FROM executions WHERE execution_uuid IN (${marks(executionUuids.length)})`;
      const values = executionUuids.map(toBytes);
      return connections.use(async (session) => {
        const all = await session.rows(sql, values);
        const free = await session.rows(`${sql} ${dialect.forUpdateOfFree}`, values);
        const isFree = new Set(free.map((row) => toUuid(row.execution_uuid as Buffer)));
        return all.map((row) => toUuid(row.execution_uuid as Buffer)).filter((uuid) => !isFree.has(uuid));
      });
    },
  };
}
