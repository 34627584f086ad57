import { createTable, type Migration } from './create-table.ts';

/** The table of sealed values of sensitive literal headers, by the header's name in lower case. */
export const webhookHeaders: Migration = {
  name: '0004_webhook_headers',
  summary: 'Makes the table of the encrypted header values and credentials of webhooks.',
  oldestRelease: '0.1.0',
  statements: createTable({
    name: 'webhook_headers',
    columns: { webhook_uuid: 'uuid', name: 'word', key_id: 'word', sealed: 'text' },
    primaryKey: ['webhook_uuid', 'name'],
    indexes: { webhook_headers_by_key: { columns: ['key_id'] } },
  }),
};
