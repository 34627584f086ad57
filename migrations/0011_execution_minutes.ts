import { createTable, type Migration } from './create-table.ts';

/**
 * The table of what each process counted, as JSON. A row is about a minute (`span` 1) or a quarter of an hour (`span` 15), of
 * which `minute` is the first one: minutes since 1970, by the database's clock. `writer` names a start of a process, so that
 * each row has one writer, which writes its whole counts again and again.
 */
export const executionMinutes: Migration = {
  name: '0011_execution_minutes',
  summary: 'Makes the table of what each replica counted by the minute in the last day.',
  oldestRelease: '0.1.0',
  statements: createTable({
    name: 'execution_minutes',
    columns: { span: 'code', minute: 'instant', writer: 'uuid', counts: 'text' },
    primaryKey: ['span', 'minute', 'writer'],
  }),
};
