import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { openSqliteLockFile } from './sqlite.ts';

/** A data folder that this process alone uses. */
export interface DataFolder {
  readonly databaseFile: string;
  release(): Promise<void>;
}

/**
 * Makes the folder (mode 0700) where there is none and takes its lock: a second SQLite file held by BEGIN EXCLUSIVE,
 * which the system frees however this process ends. Throws when another process has it.
 */
export const openDataFolder = async (dataDir: string): Promise<DataFolder> => {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const lock = openSqliteLockFile(join(dataDir, 'callhooks.lock.db'));
  const connection: unknown = await lock.client.acquireConnection();
  const release = async (): Promise<void> => {
    await lock.client.releaseConnection(connection);
    await lock.destroy();
  };
  try {
    await lock.raw('BEGIN EXCLUSIVE').connection(connection);
  } catch (error) {
    await release();
    if ((error as { code?: unknown }).code !== 'SQLITE_BUSY') throw error;
    throw new Error(`another callhooks runs on this data folder: ${dataDir}`, { cause: error });
  }
  return { databaseFile: join(dataDir, 'callhooks.db'), release };
};
