import { createTable, type Migration } from './create-table.ts';

/** The table of agents. Here and everywhere times are epoch milliseconds of the database's clock. */
export const agents: Migration = {
  name: '0001_agents',
  summary: 'Makes the table of agents.',
  oldestRelease: '0.1.0',
  statements: createTable({
    name: 'agents',
    columns: {
      agent_uuid: 'uuid',
      display_name: 'word',
      dynamic_variables: 'text',
      etag: 'word',
      created_at: 'instant',
      updated_at: 'instant',
    },
    primaryKey: ['agent_uuid'],
  }),
};
