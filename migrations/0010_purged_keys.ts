import { createTable, type Migration } from './create-table.ts';

/** The keys of purged executions, with the day (since 1970) of the purge. There may be very many: every byte counts. */
export const purgedKeys: Migration = {
  name: '0010_purged_keys',
  oldestRelease: '0.1.0',
  statements: createTable({
    name: 'purged_keys',
    columns: { conversation_uuid: 'uuid', webhook_type: 'code', purged_day: 'day' },
    primaryKey: ['conversation_uuid', 'webhook_type'],
  }),
};
