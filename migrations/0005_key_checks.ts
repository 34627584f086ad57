import { createTable, type Migration } from './create-table.ts';

/** For each key, a known value that it sealed: a wrong key is noticed at start. */
export const keyChecks: Migration = {
  name: '0005_key_checks',
  oldestRelease: '0.1.0',
  statements: createTable({
    name: 'key_checks',
    columns: { key_id: 'word', sealed: 'text' },
    primaryKey: ['key_id'],
  }),
};
