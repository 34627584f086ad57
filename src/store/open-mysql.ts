import { createAgentStore } from './agents/agents.ts';
import type { DatabaseOptions } from './database.ts';
import { createSealedStore } from './encryption-key-store.ts';
import { createExecutionStore } from './executions/executions.ts';
import { createMysqlWrites } from './executions/mysql-writes.ts';
import { createWrite } from './executions/write-rows.ts';
import { createMinuteStore } from './minute-store.ts';
import { createMigrator } from './migrate.ts';
import { MIGRATION_POOL } from './open-schema.ts';
import { checkMysqlSettings } from './sql/check-settings.ts';
import type { Connections } from './sql/connections.ts';
import { parseDatabaseUrl } from './sql/database-url.ts';
import { checkEncryption, describeServer, systemName } from './sql/describe-server.ts';
import { mysql, openMysqlPool, type Failover, type MysqlOptions } from './sql/mysql.ts';
import { createMysqlConnections, type MysqlConnections } from './sql/mysql-connections.ts';
import type { Database, PoolFigures } from './database.ts';

const DEFAULT_POOL_SIZE = 8;
const DEFAULT_TIMEOUTS = { hot: 2_000, other: 5_000 };

/** Opens a MySQL or MariaDB database without migrating it. No connection is made before the first statement. */
export function openMysql(options: DatabaseOptions & { url: string }): Database {
  const { url, certificates, poolSize = DEFAULT_POOL_SIZE } = options;
  const { host, sslMode } = parseDatabaseUrl(url);
  const { hot, other } = options.statementTimeoutMs ?? DEFAULT_TIMEOUTS;
  const failover: Failover = { readOnlyAtMs: 0 };
  const open = (pool: Omit<MysqlOptions, 'url' | 'certificates'>): MysqlConnections =>
    createMysqlConnections(openMysqlPool({ url, certificates, failover, ...pool }), options.onStatement);
  // Claims and outcomes need no causal session: guards and tokens decide them, and each commit would have to wait.
  const writes = open({ poolSize, limitMs: hot, causal: false, scripts: true });
  // A call waits for these too, so a silent database has to show as soon as at a claim.
  const reads = open({ poolSize, limitMs: hot, causal: true });
  const admin = open({ poolSize: Math.max(2, Math.ceil(poolSize / 2)), limitMs: other, causal: true });
  const migrations = open(MIGRATION_POOL);
  // A probe has a connection of its own: a pool without a free connection says nothing about the database.
  const probes = open({ poolSize: 1, limitMs: hot, causal: true });
  const pools = [writes, reads, admin, migrations, probes];
  const { plan, migrate } = createMigrator(migrations, mysql);
  return {
    engine: 'mysql',
    agents: createAgentStore(reads, admin, mysql),
    sealed: createSealedStore(admin, mysql),
    executions: {
      ...createExecutionStore({ writes, reads, admin }, mysql),
      write: createWrite(createMysqlWrites(writes, reads)),
    },
    minutes: createMinuteStore(admin),
    ping: () => ping(probes),
    schemaPlan: plan,
    migrate,
    freeBytes: () => Promise.resolve(undefined),
    describeServer: () => describeServer(admin, sslMode),
    systemName: () => systemName(admin),
    pool: () => sumOf(pools.map((connections) => connections.figures())),
    checkSettings: async () => [
      ...(await checkEncryption(admin, host)),
      ...(await checkMysqlSettings(admin)),
    ],
    close: async () => {
      await Promise.all(pools.map((connections) => connections.close()));
    },
  };
}

function sumOf(pools: readonly PoolFigures[]): PoolFigures {
  return pools.reduce((sum, { inUse, idle, waits }) => ({
    inUse: sum.inUse + inUse,
    idle: sum.idle + idle,
    waits: sum.waits + waits,
  }));
}

// A server that became read-only, or a node that left its cluster, answers SELECT 1. It refuses this write, which changes
// nothing.
async function ping(connections: Connections): Promise<void> {
  await connections.read((session) => session.change('UPDATE executions SET state = state WHERE 1 = 0'));
  await connections.read((session) => session.rows('SELECT 1 AS one'));
}
