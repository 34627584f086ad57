import { createTable, type Migration } from './create-table.ts';

/** The table of what a start leaves for its repeats and its post-call: caller, variables and their sources. */
export const executionStarts: Migration = {
  name: '0007_execution_starts',
  summary: 'Makes the table of what a start contributed to its call.',
  oldestRelease: '0.1.0',
  statements: createTable({
    name: 'execution_starts',
    columns: { execution_uuid: 'uuid', start_json: 'text' },
    primaryKey: ['execution_uuid'],
  }),
};
