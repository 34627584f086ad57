import { describeNodes } from './support/describe-nodes.ts';
import { hasGalera, startGalera } from './support/galera.ts';

describeNodes({
  name: 'a Galera cluster, each on its own node',
  missing: hasGalera()
    ? undefined
    : 'there is no Galera here (test/tools/galera-install.sh says how to get it)',
  hasOwnNodes: true,
  migrationNotes: [
    'this is a Galera cluster: while a statement changes the schema, all its nodes stop writing',
  ],
  start: async () => {
    const galera = await startGalera(3);
    return {
      ...galera,
      urlFor: (replica, database) => galera.nodes[replica]?.url(database) ?? '',
      victim: (preferred) => Promise.resolve(preferred),
    };
  },
});
