import { createTable, type Migration } from './create-table.ts';

/** The table of what an outcome leaves: assigned variables (first, because every repeat reads them), request, response. */
export const executionRecords: Migration = {
  name: '0009_execution_records',
  summary: 'Makes the table of recorded requests and responses.',
  oldestRelease: '0.1.0',
  statements: createTable({
    name: 'execution_records',
    columns: { execution_uuid: 'uuid', assigned: 'text?', request: 'text?', response: 'text?' },
    primaryKey: ['execution_uuid'],
  }),
};
