import type { Dialect } from './dialect.ts';
import { isSqliteDuplicate } from './driver-errors.ts';
import { marks, rowsAsTable } from './sql.ts';

function nextPending(after: string): string {
  return `SELECT MIN(waiting_webhook_uuid) FROM executions WHERE waiting_webhook_uuid > ${after}`;
}

const OLDEST_WAITING =
  'SELECT accepted_at FROM executions INDEXED BY executions_waiting WHERE waiting_webhook_uuid = uuid ' +
  'ORDER BY accepted_at LIMIT 1';

/** SQLite, as better-sqlite3 speaks it. */
export const sqlite: Dialect = {
  engine: 'sqlite',
  // Rounded: seconds are a double here, and 0.123 s less a bit would be a millisecond too few.
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
  // Jumps from one webhook to the next: DISTINCT would walk all rows that wait.
  nextPendingWebhooks:
    `WITH RECURSIVE found (uuid) AS (${nextPending('?')} UNION ALL ` +
    `SELECT (${nextPending('found.uuid')}) FROM found WHERE found.uuid IS NOT NULL) ` +
    `SELECT uuid, (${OLDEST_WAITING}) AS oldest FROM found WHERE uuid IS NOT NULL LIMIT ?`,
  jsonText: (column, path) => `json_extract(${column}, '${path}')`,
  tableExists: "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?",
  // One connection serves all: a caller's write waits for a step that has begun, so each has to end within 5 ms.
  listStep: 1_000,
  sweepStep: 25,
  // Without it a purge writes faster than the log is written back between its steps.
  sweepPauseMs: 10,

  isDuplicateKey: isSqliteDuplicate,
};
