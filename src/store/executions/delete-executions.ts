import type { Session } from '../sql/connections.ts';
import type { Dialect } from '../sql/dialect.ts';

/** Tables that hold parts of an execution by its uuid. */
export const PART_TABLES = ['execution_starts', 'execution_details', 'execution_records'] as const;

/** Takes rows out with all their parts. */
export const deleteExecutions = async (
  session: Session,
  dialect: Dialect,
  executionUuids: readonly Buffer[],
): Promise<void> => {
  if (executionUuids.length === 0) return;
  for (const table of ['executions', ...PART_TABLES])
    await session.change(dialect.deleteByUuid(table, executionUuids.length), executionUuids);
};
