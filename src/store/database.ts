import { ConfigError, isDatabaseError } from '../errors.ts';
import { createWrite } from './executions/write-rows.ts';
import { openMysql } from './open-mysql.ts';
import { openSqlite } from './open-sqlite.ts';
import type { MigrateOptions, MigrationEvent, SchemaPlan } from './migrate.ts';
import type { StatementReport } from './sql/connections.ts';
import { compareReleases } from './releases.ts';
import { openSqliteThread } from './thread/sqlite-thread.ts';
import type { AgentStore } from './agent-store.ts';
import type { SealedStore } from './encryption-key-store.ts';
import type { ExecutionStore } from './execution-store.ts';
import type { MinuteStore } from './minute-store.ts';

/** The kind of a database, as the conventions of OpenTelemetry name it (`db.system.name`). */
export type SystemName = 'sqlite' | 'mysql' | 'mariadb';

/** The connections of all pools of a database. */
export interface PoolFigures {
  readonly inUse: number;
  readonly idle: number;
  /** How often somebody waited for a connection, since the start, because all of its pool were in use. */
  readonly waits: number;
}

/** An open database with its stores. */
export interface Database {
  readonly engine: 'sqlite' | 'mysql';
  readonly agents: AgentStore;
  readonly sealed: SealedStore;
  readonly executions: ExecutionStore;
  readonly minutes: MinuteStore;
  /**
   * Resolves when the database answers, and rejects as `away` within 2 s when it does not. A rejection as `busy` says
   * nothing about the database.
   */
  ping(): Promise<void>;
  /** Says which migrations are applied. */
  schemaPlan(): Promise<SchemaPlan>;
  /**
   * Applies the pending migrations, and returns their names. Several processes may call it at once: one does it, and the
   * others wait. `options` hold functions, so SQLite takes none: it has no other process to wait for.
   */
  migrate(options?: MigrateOptions): Promise<readonly string[]>;
  /** Returns the free bytes on the disk of an embedded database, or undefined when the disk is a server's. */
  freeBytes(): Promise<number | undefined>;
  /** Returns a line about the server and the protection of the connection to it, or undefined when there is no server. */
  describeServer(): Promise<string | undefined>;
  /** Returns the kind of the server, or `sqlite`. */
  systemName(): Promise<SystemName>;
  /** Returns how its connections are used. An embedded database has no pool, and so no connections in it. */
  pool(): PoolFigures;
  /** Returns the settings that weaken durability or do not fit, for a warning at start. */
  checkSettings(): Promise<readonly string[]>;
  close(): Promise<void>;
}

/** Where the database is. With `url` it is MySQL or MariaDB, and otherwise SQLite in `dataDir`. */
export interface DatabaseOptions {
  /** `mysql://user:password@host:port/database?ssl-mode=…`. */
  readonly url?: string | undefined;
  /** PEM certificates of the authorities that are trusted at the server of `url`. The default is the public ones. */
  readonly certificates?: string | undefined;
  /** The folder of SQLite. It is made (mode 0700) when it is missing, and one process may use it at a time. */
  readonly dataDir?: string;
  /** How many connections claims and outcomes have, and reads too. Everything else has half of them. The default is 8. */
  readonly poolSize?: number;
  /**
   * How long a statement may take before its connection is destroyed. `hot` is for statements that calls wait for, by
   * default 2 s, and `other` for the rest, by default 5 s.
   */
  readonly statementTimeoutMs?: { readonly hot: number; readonly other: number };
  /** Is called with each statement that has ended. SQLite then runs on the thread of its caller. */
  readonly onStatement?: (report: StatementReport) => void;
}

/** Opens the database without migrating it. Throws when another process uses the data folder. */
export async function openDatabase(options: DatabaseOptions): Promise<Database> {
  const { url, dataDir, onStatement } = options;
  if (url !== undefined) return openMysql({ ...options, url });
  if (dataDir === undefined) throw new TypeError('a database needs a url or a dataDir');
  const database = onStatement ? openSqlite({ dataDir, onStatement }) : await openSqliteThread(dataDir);
  const { writeRows, executions, ...rest } = database;
  return { ...rest, executions: { ...executions, write: createWrite(writeRows) }, pool: () => NO_POOL };
}

const NO_POOL: PoolFigures = { inUse: 0, idle: 0, waits: 0 };

/** How {@link openMigrated} treats pending migrations. */
export interface MigratedOptions extends DatabaseOptions {
  /** Whether they are applied on MySQL too. On SQLite they always are. */
  readonly migrate: boolean;
  /** The version of this release. */
  readonly release: string;
  /** The name of this process, which others see that wait for its migrations. */
  readonly holder?: string;
  /** Is called with each step of a migration. */
  readonly onMigration?: (event: MigrationEvent) => void;
}

/**
 * Opens a database whose schema is the one that this release needs.
 * @throws ConfigError when migrations are pending and must not be applied here, or this release is too old for the schema.
 */
export async function openMigrated(options: MigratedOptions): Promise<Database> {
  const database = await openDatabase(options);
  try {
    refuseNewerSchema(await database.schemaPlan(), options.release);
    if (database.engine === 'sqlite') await database.migrate();
    else if (options.migrate) await database.migrate(migrateOptionsOf(options));
    const { pending } = await database.schemaPlan();
    if (pending.length === 0) return await assertWritable(database);
    const names = pending.map(({ name }) => name).join(', ');
    throw new ConfigError([
      `the database lacks ${pending.length} migrations (${names}): ` +
        'run "callhooks migrate", or set CALLHOOKS_MIGRATE=true',
    ]);
  } catch (error) {
    await database.close();
    throw error;
  }
}

function migrateOptionsOf({ holder, onMigration }: MigratedOptions): MigrateOptions {
  return {
    ...(holder === undefined ? {} : { holder }),
    ...(onMigration === undefined ? {} : { onEvent: onMigration }),
  };
}

// A server that is read-only answers every question of a start, and refuses the first claim.
async function assertWritable(database: Database): Promise<Database> {
  await database.ping().catch((error: unknown) => {
    if (!isDatabaseError(error, 'busy', 'conflict')) throw error;
  });
  return database;
}

/**
 * Refuses a schema that this release no longer works with, before anything is read or changed. A newer schema that still
 * works with this release passes, so that replicas can be rolled forward and back.
 * @throws ConfigError
 */
export function refuseNewerSchema({ oldestRelease: oldest }: SchemaPlan, release: string): void {
  if (oldest === undefined || compareReleases(release, oldest) >= 0) return;
  throw new ConfigError([
    `this is callhooks ${release}, and the database's schema has been migrated by a newer one: start callhooks ` +
      `${oldest} or newer, or restore a backup from before that migration`,
  ]);
}
