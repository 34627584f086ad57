import { ENDED_STATES, STATE } from './codes.ts';
import type { Connections, Session } from './connections.ts';
import { deleteExecutions } from './delete-executions.ts';
import type { Dialect, Row } from './dialect.ts';
import type { ExecutionStore } from './types.ts';

const DAY_MS = 86_400_000;

/** The purge: takes ended executions out and leaves their keys, both in one transaction. */
export const createPurge = (connections: Connections, dialect: Dialect): Pick<ExecutionStore, 'purge'> => ({
  purge: async (beforeMs, limit) => {
    let purged = 0;
    while (purged < limit) {
      const step = Math.min(dialect.purgeStep, limit - purged);
      const found = await connections.transaction((session) => purgeStep(session, dialect, beforeMs, step));
      purged += found;
      if (found < step) break;
      // SQLite works on the event loop: others get their turn between the steps.
      await new Promise((resolve) => {
        setImmediate(resolve);
      });
    }
    return purged;
  },
});

const purgeStep = async (
  session: Session,
  dialect: Dialect,
  beforeMs: number,
  limit: number,
): Promise<number> => {
  const rows: Row[] = [];
  for (const state of ENDED_STATES)
    if (rows.length < limit)
      rows.push(...(await session.rows(findEnded(dialect), [state, beforeMs, limit - rows.length])));
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
};

// Under a lock: a post-call's owner may be correcting its label at this moment.
const findEnded = (dialect: Dialect): string =>
  `SELECT execution_uuid, conversation_uuid, webhook_type, state FROM executions ${dialect.useIndex('executions_by_state')} ` +
  `WHERE state = ? AND state_at < ? ORDER BY state_at LIMIT ? ${dialect.forUpdate}`;

const keepKeys = async (session: Session, dialect: Dialect, rows: readonly Row[]): Promise<void> => {
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
};
