import { ConfigError } from '../errors.ts';
import { createWrite } from './executions/write-rows.ts';
import { openMysql } from './open-mysql.ts';
import { openSqlite } from './open-sqlite.ts';
import type { StatementReport } from './sql/connections.ts';
import { compareReleases } from './releases.ts';
import { openSqliteThread } from './thread/sqlite-thread.ts';
import type { AgentStore } from './agent-store.ts';
import type { SealedStore } from './encryption-key-store.ts';
import type { ExecutionStore } from './execution-store.ts';

/** An open database with its stores. */
export interface Database {
  readonly engine: 'sqlite' | 'mysql';
  readonly agents: AgentStore;
  readonly sealed: SealedStore;
  readonly executions: ExecutionStore;
  /** Answers when the database does; rejects with kind `away` within 2 s. `busy` says nothing about it. */
  ping(): Promise<void>;
  /** Names of migrations not yet applied. */
  pendingMigrations(): Promise<readonly string[]>;
  /** The oldest release that works with the schema as it is; undefined: there is none yet. */
  oldestRelease(): Promise<string | undefined>;
  /** Applies them. Safe to call from several processes at once. */
  migrate(): Promise<readonly string[]>;
  /** Free bytes on the disk of an embedded database; undefined where the database is a server's business. */
  freeBytes(): Promise<number | undefined>;
  /** What weakens durability or fits badly, for a warning at start. */
  checkSettings(): Promise<readonly string[]>;
  close(): Promise<void>;
}

/** Where the database is. With `url` it is MySQL or MariaDB, else SQLite in `dataDir`. */
export interface DatabaseOptions {
  /** `mysql://user:password@host:port/database`. */
  readonly url?: string | undefined;
  /** Made (mode 0700) where it is missing; used by one process at a time. */
  readonly dataDir?: string;
  /** Connections for claims and outcomes, and as many for reads; half for everything else. Default 8. */
  readonly poolSize?: number;
  /** How long one statement may take before its connection is given up: what calls wait for 2 s, others 5 s. */
  readonly statementTimeoutMs?: { readonly hot: number; readonly other: number };
  /** Hears of each statement that ended. SQLite then works on the thread of its caller. */
  readonly onStatement?: (report: StatementReport) => void;
}

/** Opens the database; it is not migrated yet. Throws when another process uses the data folder. */
export async function openDatabase(options: DatabaseOptions): Promise<Database> {
  const { url, dataDir, onStatement } = options;
  if (url !== undefined) return openMysql({ ...options, url });
  if (dataDir === undefined) throw new TypeError('a database needs a url or a dataDir');
  const database = onStatement ? openSqlite({ dataDir, onStatement }) : await openSqliteThread(dataDir);
  const { writeRows, executions, ...rest } = database;
  return { ...rest, executions: { ...executions, write: createWrite(writeRows) } };
}

/** How {@link openMigrated} deals with pending migrations. */
export interface MigratedOptions extends DatabaseOptions {
  /** Applies them on MySQL too; SQLite always migrates itself. */
  readonly migrate: boolean;
  /** The version of this release. */
  readonly release: string;
}

/**
 * Opens a database whose schema is the one that this release needs.
 * @throws ConfigError when migrations are pending and not to be applied here, or this release is too old for the schema.
 */
export async function openMigrated(options: MigratedOptions): Promise<Database> {
  const database = await openDatabase(options);
  try {
    await refuseNewerSchema(database, options.release);
    if (database.engine === 'sqlite' || options.migrate) await database.migrate();
    const pending = await database.pendingMigrations();
    if (pending.length === 0) return database;
    throw new ConfigError([
      `the database lacks ${pending.length} migrations (${pending.join(', ')}): ` +
        'run "callhooks migrate", or set CALLHOOKS_MIGRATE=true',
    ]);
  } catch (error) {
    await database.close();
    throw error;
  }
}

/**
 * Refuses a schema that this release no longer works with, before anything is read or changed. A newer schema that still
 * works with it is let through, so that replicas can be rolled forth and back.
 * @throws ConfigError
 */
export async function refuseNewerSchema(
  database: Pick<Database, 'oldestRelease'>,
  release: string,
): Promise<void> {
  const oldest = await database.oldestRelease();
  if (oldest === undefined || compareReleases(release, oldest) >= 0) return;
  throw new ConfigError([
    `this is callhooks ${release}, and the database's schema has been migrated by a newer one: start callhooks ` +
      `${oldest} or newer, or restore a backup from before that migration`,
  ]);
}
