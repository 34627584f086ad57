import { ConfigError } from '../errors.ts';
import { openDatabase, type DatabaseOptions } from './database.ts';
import type { Database } from './types.ts';

/** How {@link openMigrated} deals with pending migrations. */
export interface MigratedOptions extends DatabaseOptions {
  /** Applies them on MySQL too; SQLite always migrates itself. */
  readonly migrate: boolean;
}

/**
 * Opens a database whose schema is the one that this release needs.
 * @throws ConfigError when migrations are pending and not to be applied here.
 */
export const openMigrated = async (options: MigratedOptions): Promise<Database> => {
  const database = await openDatabase(options);
  try {
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
