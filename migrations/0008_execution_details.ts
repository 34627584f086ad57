import { createTable, type Migration } from './create-table.ts';

/** The table of call details of a post-call, which are kept until its owner's outcome. */
export const executionDetails: Migration = {
  name: '0008_execution_details',
  summary: 'Makes the table of the details of calls whose post-call is not finished.',
  oldestRelease: '0.1.0',
  statements: createTable({
    name: 'execution_details',
    columns: { execution_uuid: 'uuid', details: 'text' },
    primaryKey: ['execution_uuid'],
  }),
};
