import { createTable, type Migration } from './create-table.ts';

/** The facts of a post-call until its owner's outcome. */
export const executionFacts: Migration = {
  name: '0008_execution_facts',
  oldestRelease: '0.1.0',
  statements: createTable({
    name: 'execution_facts',
    columns: { execution_uuid: 'uuid', facts: 'text' },
    primaryKey: ['execution_uuid'],
  }),
};
