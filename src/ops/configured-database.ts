import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from '../config/config.ts';
import type { Database, DatabaseOptions } from '../store/database.ts';

/** Opens the database that these settings name. It would make an embedded one that does not exist. */
export type OpenDatabase = (options: DatabasePlace) => Promise<Database>;

/** Where the database is, as `openDatabase` takes it. */
type DatabasePlace = Pick<DatabaseOptions, 'url' | 'certificates'> & { readonly dataDir: string };

/** The settings that name the database. */
type DatabaseSettings = Pick<Config, 'databaseUrl' | 'dataDir'>;

/** Returns where the settings say that the database is. */
export function databasePlaceOf(
  config: Pick<Config, 'databaseUrl' | 'databaseCertificates' | 'dataDir'>,
): DatabasePlace {
  return { url: config.databaseUrl, certificates: config.databaseCertificates, dataDir: config.dataDir };
}

/** Reports whether the settings name an embedded database that does not exist. */
export function isDatabaseMissing({ databaseUrl, dataDir }: DatabaseSettings): boolean {
  return databaseUrl === undefined && !existsSync(join(dataDir, 'callhooks.db'));
}
