import { randomBytes } from 'node:crypto';
import { createConnection, type Connection } from 'mysql2/promise';
import { startServer } from '../../support/engines.ts';
import type { PrivateServer } from '../../support/private-server.ts';
import { until } from '../../support/until.ts';
import { killConnection, listConnections } from './kill-connection.ts';
import type { ProxiedReplica } from './proxied-replica.ts';

// Fewer than the replica and the test want.
const MOST_CONNECTIONS = 10;

/** A database server of a test's own. The user of `url` may only use one database; `root` may do everything. */
export interface DatabaseServer {
  readonly program: PrivateServer;
  readonly url: string;
  root(): Promise<Connection>;
}

/** Starts a server with an empty database. */
export async function startDatabaseServer(): Promise<DatabaseServer> {
  const program = await startServer();
  const root = () => createConnection(program.url(''));
  const connection = await root();
  const password = randomBytes(12).toString('hex');
  await connection.query('CREATE DATABASE callhooks');
  await connection.query("CREATE USER 'app'@'127.0.0.1' IDENTIFIED BY ?", [password]);
  await connection.query("GRANT ALL ON callhooks.* TO 'app'@'127.0.0.1'");
  await connection.end();
  return { program, root, url: `mysql://app:${password}@127.0.0.1:${program.port}/callhooks` };
}

/** A way in which a replica loses its database. */
export interface Loss {
  readonly title: string;
  /** Takes the database away. Resolves when it is lost, with a function that brings it back. */
  readonly lose: (server: DatabaseServer, through: ProxiedReplica) => Promise<() => Promise<unknown>>;
}

export const LOSSES: readonly Loss[] = [
  {
    title: 'is killed',
    lose: async ({ program }) => {
      await program.end('SIGKILL');
      return () => program.begin();
    },
  },
  {
    title: 'shuts down',
    lose: async ({ program }) => {
      await program.end('SIGTERM');
      return () => program.begin();
    },
  },
  {
    title: 'is silent',
    lose: async (_, { proxy }) => {
      proxy.silence('both');
      return async () => proxy.restore();
    },
  },
  {
    title: 'receives nothing',
    lose: async (_, { proxy }) => {
      proxy.silence('to_server');
      return async () => proxy.restore();
    },
  },
  {
    title: 'freezes',
    lose: async ({ program }) => {
      process.kill(program.pid, 'SIGSTOP');
      return async () => process.kill(program.pid, 'SIGCONT');
    },
  },
  {
    title: 'becomes read-only',
    lose: async ({ root }) => {
      const connection = await root();
      await connection.query('SET GLOBAL read_only = 1');
      return async () => {
        await connection.query('SET GLOBAL read_only = 0');
        await connection.end();
      };
    },
  },
  {
    title: 'has no free connection',
    lose: async (server) => {
      const root = await server.root();
      await root.query(`SET GLOBAL max_connections = ${MOST_CONNECTIONS}`);
      const taken = await takeAllConnections(server, root);
      return () => Promise.all([...taken, root].map((connection) => connection.end()));
    },
  },
];

// The replica opens its connections again as often as they are killed. But the server admits a connection of this user only
// while it counts at most `MOST_CONNECTIONS`, and it counts also what has not logged in or is not closed yet. So once the
// last of the test's own is admitted, the replica has none, and gets none. (The one more that both MySQL and MariaDB grant
// is for users such as `root`.)
async function takeAllConnections({ url }: DatabaseServer, root: Connection): Promise<readonly Connection[]> {
  const taken: Connection[] = [];
  const takeMore = async (): Promise<boolean> => {
    const ours = [root, ...taken].map(({ threadId }) => threadId);
    for (const id of await listConnections(root, "user = 'app' AND id NOT IN (?)", [ours]))
      await killConnection(root, id);
    const missing = MOST_CONNECTIONS - ours.length;
    const added = await Promise.allSettled(Array.from({ length: missing }, () => createConnection(url)));
    taken.push(...added.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : [])));
    return taken.length + 1 === MOST_CONNECTIONS;
  };
  await until('the test to have every connection', takeMore, { timeoutMs: 60_000, everyMs: 1 });
  return taken;
}
