import { existsSync } from 'node:fs';
import type { DatabaseOptions } from './database.ts';
import { createMigrator, type Migrator } from './migrate.ts';
import { parseDatabaseUrl } from './sql/database-url.ts';
import { databaseFileIn, openDataFolder } from './sql/data-folder.ts';
import { describeDdl, describeServer } from './sql/describe-server.ts';
import { mysql, openMysqlPool } from './sql/mysql.ts';
import { createMysqlConnections } from './sql/mysql-connections.ts';
import { sqlite } from './sql/sqlite.ts';
import { createSqliteConnections, openSqliteFile } from './sql/sqlite-file.ts';

// A change of a large table may take an hour. The second connection is for the heartbeat of the lock.
/** How the connections of migrations differ from others. */
export const MIGRATION_POOL = {
  poolSize: 2,
  causal: false,
  limitMs: 3_600_000,
  waitsForTables: true,
} as const;

/** The schema of a database, without the rest of it. */
export interface Schema extends Migrator {
  /** Returns a line about the server and the connection to it, or undefined when there is no server. */
  describeServer(): Promise<string | undefined>;
  /** Returns sentences about what a change of the schema does to the other users of this database. */
  describeDdl(): Promise<readonly string[]>;
  close(): Promise<void>;
}

/** Where a schema is, and whether an embedded database is made when it does not exist. */
export interface SchemaOptions extends Pick<DatabaseOptions, 'url' | 'certificates' | 'dataDir'> {
  readonly isReadOnly: boolean;
}

/** Opens the schema of a database, on this thread. Throws when another process uses the data folder. */
export function openSchema(options: SchemaOptions): Schema {
  const { url, dataDir } = options;
  if (url !== undefined) return openMysqlSchema({ ...options, url });
  if (dataDir === undefined) throw new TypeError('a schema needs a url or a dataDir');
  return openSqliteSchema(dataDir, options.isReadOnly);
}

function openMysqlSchema({ url, certificates }: SchemaOptions & { url: string }): Schema {
  const connections = createMysqlConnections(openMysqlPool({ url, certificates, ...MIGRATION_POOL }));
  return {
    ...createMigrator(connections, mysql),
    describeServer: () => describeServer(connections, parseDatabaseUrl(url).sslMode),
    describeDdl: () => describeDdl(connections),
    close: () => connections.close(),
  };
}

function openSqliteSchema(dataDir: string, isReadOnly: boolean): Schema {
  const isMissing = isReadOnly && !existsSync(databaseFileIn(dataDir));
  const folder = isMissing ? undefined : openDataFolder(dataDir);
  // A database that does not exist has the schema of an empty one in memory.
  const file = openSqliteFile(folder?.databaseFile ?? ':memory:');
  const { background } = createSqliteConnections(file);
  return {
    ...createMigrator(background, sqlite),
    describeServer: () => Promise.resolve(undefined),
    describeDdl: () => Promise.resolve([]),
    close: async () => {
      await background.close();
      folder?.release();
    },
  };
}
