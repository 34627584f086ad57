import { createTable, type Migration } from './create-table.ts';

/** The table of purged keys, with the day of the purge since 1970. There may be very many, so every byte counts. */
export const purgedKeys: Migration = {
  name: '0010_purged_keys',
  summary: 'Makes the table of the keys of removed executions.',
  oldestRelease: '0.1.0',
  statements: createTable({
    name: 'purged_keys',
    columns: { conversation_uuid: 'uuid', webhook_type: 'code', purged_day: 'day' },
    primaryKey: ['conversation_uuid', 'webhook_type'],
  }),
};
