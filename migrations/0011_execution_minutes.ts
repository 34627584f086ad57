import { createTable, type Migration } from './create-table.ts';

/**
 * The table of what each process counted in each minute (minutes since 1970, by the database's clock), as JSON. `writer` names
 * a start of a process, so that each row has one writer, which writes its whole counts again and again.
 */
export const executionMinutes: Migration = {
  name: '0011_execution_minutes',
  summary: 'Makes the table of what each replica counted in each minute of the last day.',
  oldestRelease: '0.1.0',
  statements: createTable({
    name: 'execution_minutes',
    columns: { minute: 'instant', writer: 'uuid', counts: 'text' },
    primaryKey: ['minute', 'writer'],
  }),
};
