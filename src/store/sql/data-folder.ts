import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { isDatabaseError } from '../../errors.ts';
import { openSqliteLockFile } from './sqlite-file.ts';

/** A data folder that no other process uses. */
export interface DataFolder {
  readonly databaseFile: string;
  release(): void;
}

/**
 * Makes the folder (mode 0700) if there is none, and locks it with BEGIN EXCLUSIVE on a second SQLite file. The system frees
 * the lock however this process ends. Throws when another process has locked it.
 */
export function openDataFolder(dataDir: string): DataFolder {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const lock = openSqliteLockFile(join(dataDir, 'callhooks.lock.db'));
  try {
    lock.change('BEGIN EXCLUSIVE');
  } catch (error) {
    lock.close();
    if (!isDatabaseError(error, 'busy')) throw error;
    throw new Error(`another callhooks runs on this data folder: ${dataDir}`, { cause: error });
  }
  return { databaseFile: join(dataDir, 'callhooks.db'), release: () => lock.close() };
}
