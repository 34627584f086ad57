import { serverEngine } from '../support/engines.ts';
import { hasMysql } from '../support/mysql.ts';
import { describeNodes } from './support/describe-nodes.ts';
import { startGroup } from './support/group-replication.ts';
import { startPrimaryRouter } from './support/primary-router.ts';

const missing = hasMysql()
  ? undefined
  : 'there is no MySQL here (test/tools/mysql-install.sh says how to get it)';

// `make test-mysql` runs these, because they need MySQL.
if (serverEngine()?.name === 'mysql') {
  describeNodes({
    name: 'a group of MySQL servers with one primary',
    missing,
    hasOwnNodes: false,
    migrationNotes: ['this is a group of MySQL servers'],
    start: async () => {
      const group = await startGroup(3, false);
      const router = await startPrimaryRouter(group.nodes);
      return {
        nodes: group.nodes,
        stop: async () => {
          await router.close();
          await group.stop();
        },
        urlFor: (_, database) => router.url(database),
        victim: () => router.primary(),
      };
    },
  });

  describeNodes({
    name: 'a group of MySQL servers that all take writes, each on its own',
    missing,
    hasOwnNodes: true,
    migrationNotes: ['this is a group of MySQL servers', 'all servers of this group take writes'],
    start: async () => {
      const group = await startGroup(3, true);
      return {
        ...group,
        urlFor: (replica, database) => group.nodes[replica]?.url(database) ?? '',
        victim: (preferred) => Promise.resolve(preferred),
      };
    },
  });
}
