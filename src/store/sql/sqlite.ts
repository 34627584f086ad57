import type { Dialect } from './dialect.ts';
import { isSqliteDuplicate } from './driver-errors.ts';
import { marks, rowsAsTable } from './sql.ts';

function nextPending(after: string): string {
  return `SELECT MIN(waiting_webhook_uuid) FROM executions WHERE waiting_webhook_uuid > ${after}`;
}

const OLDEST_PENDING =
  'SELECT accepted_at FROM executions INDEXED BY executions_waiting WHERE waiting_webhook_uuid = uuid ' +
  'ORDER BY accepted_at LIMIT 1';

/** The dialect of SQLite. */
export const sqlite: Dialect = {
  engine: 'sqlite',
  // The product is rounded: seconds are a double here, and slightly less than 0.123 s would be a millisecond too few.
  now: "CAST(ROUND(unixepoch('subsec') * 1000) AS INTEGER)",
  forUpdate: '',
  forUpdateOfFree: '',
  useIndex: (name) => `INDEXED BY ${name}`,
  usePrimaryKey: '',
  keepExisting: () => 'ON CONFLICT DO NOTHING',
  updateFromRows: ({ columns, rowCount, set, guard }) =>
    `UPDATE executions SET ${set} FROM (${rowsAsTable(columns, rowCount)}) AS new_rows ` +
    `WHERE executions.execution_uuid = new_rows.${columns[0]} AND ${guard}`,
  deleteByUuid: (table, count) => `DELETE FROM ${table} WHERE execution_uuid IN (${marks(count)})`,
  // The query jumps from one webhook to the next. DISTINCT would read all pending rows.
  nextPendingWebhooks:
    `WITH RECURSIVE found (uuid) AS (${nextPending('?')} UNION ALL ` +
    `SELECT (${nextPending('found.uuid')}) FROM found WHERE found.uuid IS NOT NULL) ` +
    `SELECT uuid, (${OLDEST_PENDING}) AS oldest FROM found WHERE uuid IS NOT NULL LIMIT ?`,
  jsonText: (column, path) => `json_extract(${column}, '${path}')`,
  tableExists: "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?",
  // There is one connection: the write of a call waits for a step that has begun, so a step has to end within 5 ms.
  listStep: 1_000,
  endedKeys: 500,
  endedRows: 100,
  maintenanceStep: 25,
  // Without it a purge writes faster than checkpoints write the log back.
  maintenancePauseMs: 10,

  isDuplicateKey: isSqliteDuplicate,
  // A migration is applied in one transaction with its note.
  wasAppliedBefore: () => false,
};
