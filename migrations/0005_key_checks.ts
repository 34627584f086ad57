import { createTable, type Migration } from './create-table.ts';

/** The table with a known value that each key has sealed, so that a wrong key is noticed at start. */
export const keyChecks: Migration = {
  name: '0005_key_checks',
  summary: 'Makes the table by which a server knows that it has the right encryption keys.',
  oldestRelease: '0.1.0',
  statements: createTable({
    name: 'key_checks',
    columns: { key_id: 'word', sealed: 'text' },
    primaryKey: ['key_id'],
  }),
};
