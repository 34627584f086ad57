import { createTable, type Migration } from './create-table.ts';

/** The table of webhooks. An agent has at most one of each type. The configuration is JSON text. */
export const webhooks: Migration = {
  name: '0002_webhooks',
  summary: 'Makes the table of webhooks.',
  oldestRelease: '0.1.0',
  statements: createTable({
    name: 'webhooks',
    columns: {
      webhook_uuid: 'uuid',
      agent_uuid: 'uuid',
      webhook_type: 'code',
      config: 'text',
      disabled: 'code',
      etag: 'word',
      created_at: 'instant',
      updated_at: 'instant',
    },
    primaryKey: ['webhook_uuid'],
    unique: { webhooks_by_agent: ['agent_uuid', 'webhook_type'] },
  }),
};
