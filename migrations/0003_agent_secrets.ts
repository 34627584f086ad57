import { createTable, type Migration } from './create-table.ts';

/** The table of sealed secrets, by name. The index is for the rotation of keys. */
export const agentSecrets: Migration = {
  name: '0003_agent_secrets',
  summary: 'Makes the table of the encrypted secrets of agents.',
  oldestRelease: '0.1.0',
  statements: createTable({
    name: 'agent_secrets',
    columns: { agent_uuid: 'uuid', name: 'word', key_id: 'word', sealed: 'text' },
    primaryKey: ['agent_uuid', 'name'],
    indexes: { agent_secrets_by_key: { columns: ['key_id'] } },
  }),
};
