import { chmodSync, closeSync, existsSync, mkdirSync, openSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { isDatabaseError } from '../../errors.ts';
import { openSqliteLockFile } from './sqlite-file.ts';

/** A data folder that no other process uses. */
export interface DataFolder {
  readonly databaseFile: string;
  release(): void;
}

const LOCK_FILE = 'callhooks.lock.db';
const DATABASE_FILE = 'callhooks.db';

/** Returns the path of the database file in a data folder. */
export function databaseFileIn(dataDir: string): string {
  return join(dataDir, DATABASE_FILE);
}

/**
 * Makes the folder (mode 0700) if there is none, and locks it with BEGIN EXCLUSIVE on a second SQLite file. The system frees
 * the lock however this process ends. New files have mode 0600, whatever the mode of the folder is. Throws when another process has locked it.
 */
export function openDataFolder(dataDir: string): DataFolder {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  for (const name of [LOCK_FILE, DATABASE_FILE]) makePrivate(join(dataDir, name));
  const lock = openSqliteLockFile(join(dataDir, LOCK_FILE));
  try {
    lock.change('BEGIN EXCLUSIVE');
  } catch (error) {
    lock.close();
    if (!isDatabaseError(error, 'busy')) throw error;
    throw new Error(`another callhooks runs on this data folder: ${dataDir}`, { cause: error });
  }
  return { databaseFile: databaseFileIn(dataDir), release: () => lock.close() };
}

const OWNER_ONLY = 0o600;
const EVERYBODY_ELSE = 0o007;

// SQLite would make the file with mode 0644. Its WAL and shared memory get the mode of the file when they are made; those
// of a process that was killed are still there.
function makePrivate(path: string): void {
  closeSync(openSync(path, 'a', OWNER_ONLY));
  for (const file of [path, `${path}-wal`, `${path}-shm`]) if (existsSync(file)) closeToEverybodyElse(file);
}

// The rights of the group stay: an operator may have given them, to a backup for example.
function closeToEverybodyElse(path: string): void {
  const { mode } = statSync(path);
  if ((mode & EVERYBODY_ELSE) === 0) return;
  try {
    chmodSync(path, mode & ~EVERYBODY_ELSE);
  } catch (error) {
    // Only the owner of a file may change its mode. Another user who may write it can still work with it.
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') throw error;
  }
}
