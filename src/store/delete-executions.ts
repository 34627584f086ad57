import type { Session } from './connections.ts';
import { marks } from './sql.ts';

/** Tables that hold parts of an execution by its uuid. */
export const PART_TABLES = ['execution_starts', 'execution_facts', 'execution_records'] as const;

/** Takes rows out with all their parts. */
export const deleteExecutions = async (
  session: Session,
  executionUuids: readonly Buffer[],
): Promise<void> => {
  if (executionUuids.length === 0) return;
  for (const table of ['executions', ...PART_TABLES])
    await session.change(
      `DELETE FROM ${table} WHERE execution_uuid IN (${marks(executionUuids.length)})`,
      executionUuids,
    );
};
