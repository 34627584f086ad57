import { statfs } from 'node:fs/promises';
import { createAgentStore } from './agents/agents.ts';
import { checkMysqlSettings, checkSqliteSettings } from './sql/check-settings.ts';
import { createConnections, type Connections, type StatementReport } from './sql/connections.ts';
import { openDataFolder } from './sql/data-folder.ts';
import { createExecutionStore, type ConnectionsByUse } from './executions/executions.ts';
import { createMigrator } from './migrate.ts';
import { mysql, openMysqlPool } from './sql/mysql.ts';
import { createSealedStore } from './encryption-key-store.ts';
import type { Dialect } from './sql/dialect.ts';
import { openSqliteFile, sqlite } from './sql/sqlite.ts';
import type { Database } from './types.ts';

/** Where the database is. With `url` it is MySQL or MariaDB, else SQLite in `dataDir`. */
export interface DatabaseOptions {
  /** `mysql://user:password@host:port/database`. */
  readonly url?: string | undefined;
  /** Made (mode 0700) where it is missing; used by one process at a time. */
  readonly dataDir?: string;
  /** Connections for claims and outcomes, and as many for reads; half for everything else. Default 8. */
  readonly poolSize?: number;
  /** Certificates (PEM) that the server's is checked against; absent: no TLS. */
  readonly caFile?: string;
  /** How long one statement may take before its connection is given up: what calls wait for 2 s, others 5 s. */
  readonly statementTimeoutMs?: { readonly hot: number; readonly other: number };
  /** Hears of each statement that ended. */
  readonly onStatement?: (report: StatementReport) => void;
}

const DEFAULT_POOL_SIZE = 8;
const DEFAULT_TIMEOUTS = { hot: 2_000, other: 5_000 };
// Changing a large table takes its time.
const MIGRATION_STATEMENT_MS = 3_600_000;
const CHECKPOINT_EVERY_MS = 1_000;

/** Opens the database; it is not migrated yet. Throws when another process uses the data folder. */
export const openDatabase = async (options: DatabaseOptions): Promise<Database> => {
  if (options.url !== undefined) return openMysql({ ...options, url: options.url });
  if (options.dataDir !== undefined) return openSqlite({ ...options, dataDir: options.dataDir });
  throw new TypeError('a database needs a url or a dataDir');
};

const openSqlite = async (options: DatabaseOptions & { dataDir: string }): Promise<Database> => {
  const folder = await openDataFolder(options.dataDir);
  const all = createConnections(openSqliteFile(folder.databaseFile), sqlite, options.onStatement);
  // Passive: writes back what no reader needs, so that the log does not grow to its limit and then stop everybody.
  const checkpoint = setInterval(() => {
    all.use((session) => session.rows('PRAGMA wal_checkpoint(PASSIVE)')).catch(() => undefined);
  }, CHECKPOINT_EVERY_MS);
  checkpoint.unref();
  const { pending, migrate, oldestRelease } = createMigrator(all, sqlite);
  return {
    engine: 'sqlite',
    ...createStores({ writes: all, reads: all, admin: all }, sqlite),
    ping: () => ping(all, all),
    pendingMigrations: pending,
    migrate,
    oldestRelease,
    freeBytes: async () => {
      const { bavail, bsize } = await statfs(options.dataDir);
      return bavail * bsize;
    },
    checkSettings: () => checkSqliteSettings(all),
    close: async () => {
      clearInterval(checkpoint);
      await all.close();
      await folder.release();
    },
  };
};

const openMysql = async (options: DatabaseOptions & { url: string }): Promise<Database> => {
  const { url, poolSize = DEFAULT_POOL_SIZE, caFile } = options;
  const { hot, other } = options.statementTimeoutMs ?? DEFAULT_TIMEOUTS;
  const open = (size: number, limitMs: number, causal: boolean): Connections => {
    const server = { url, ...(caFile === undefined ? {} : { caFile }) };
    const pool = openMysqlPool({ ...server, poolSize: size, limitMs, causal });
    return createConnections(pool, mysql, options.onStatement);
  };
  const writes = open(poolSize, hot, false);
  // Claims and outcomes need no causal session: guards and tokens decide them, and waiting would cost each commit.
  // A call waits for these too: it has to hear of a database that is silent as soon as one that claims.
  const reads = open(poolSize, hot, true);
  const admin = open(Math.max(2, Math.ceil(poolSize / 2)), other, true);
  const migrations = open(2, MIGRATION_STATEMENT_MS, false);
  const { pending, migrate, oldestRelease } = createMigrator(migrations, mysql);
  return {
    engine: 'mysql',
    ...createStores({ writes, reads, admin }, mysql),
    ping: () => ping(writes, reads),
    pendingMigrations: pending,
    migrate,
    oldestRelease,
    freeBytes: () => Promise.resolve(undefined),
    checkSettings: () => checkMysqlSettings(admin),
    close: async () => {
      await Promise.all([writes, reads, admin, migrations].map((connections) => connections.close()));
    },
  };
};

const createStores = (
  connections: ConnectionsByUse,
  dialect: Dialect,
): Pick<Database, 'agents' | 'sealed' | 'executions'> => ({
  agents: createAgentStore(connections.reads, connections.admin, dialect),
  sealed: createSealedStore(connections.admin, dialect),
  executions: createExecutionStore(connections, dialect),
});

// On the connections that calls need. A server that became read-only, or a node that left its cluster, answers SELECT 1
// and refuses this write, which changes nothing.
const ping = async (writes: Connections, reads: Connections): Promise<void> => {
  await Promise.all([
    writes.read((session) => session.change('UPDATE executions SET state = state WHERE 1 = 0')),
    reads.read((session) => session.rows('SELECT 1 AS one')),
  ]);
};
