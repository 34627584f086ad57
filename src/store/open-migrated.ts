import { ConfigError } from '../errors.ts';
import { openDatabase, type DatabaseOptions } from './database.ts';
import { compareReleases } from './releases.ts';
import type { Database } from './database.ts';

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
export const openMigrated = async (options: MigratedOptions): Promise<Database> => {
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
};

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
