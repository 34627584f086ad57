import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from '../config/config.ts';
import type { Database } from '../store/database.ts';

/** Opens the database that these settings name. It would make an embedded one that does not exist. */
export type OpenDatabase = (options: { url: string | undefined; dataDir: string }) => Promise<Database>;

/** The settings that name the database. */
type DatabaseSettings = Pick<Config, 'databaseUrl' | 'dataDir'>;

/** Reports whether the settings name an embedded database that does not exist. */
export function isDatabaseMissing({ databaseUrl, dataDir }: DatabaseSettings): boolean {
  return databaseUrl === undefined && !existsSync(join(dataDir, 'callhooks.db'));
}
