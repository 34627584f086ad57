import type { Config } from '../config/config.ts';
import { DatabaseError, errorCode } from '../errors.ts';
import { wrongKeyIds } from '../secrets/check-keys.ts';
import type { EncryptionKey } from '../secrets/encryption-keys.ts';
import { readKeyFile } from '../secrets/key-file.ts';
import type { Database } from '../store/database.ts';
import { keyReport } from './config-report.ts';
import { databasePlaceOf, isDatabaseMissing, type OpenDatabase } from './configured-database.ts';

/** What is known of the database and its keys. */
export interface DatabaseReport {
  readonly text: string;
  /** Says whether a server would refuse to start, because a key is missing or is another one. */
  readonly lacksKeys: boolean;
}

/**
 * Returns what server the database is on and how many stored values each key encrypts, or why that can't be known now. Changes nothing: an embedded database
 * that does not exist is not made.
 * @throws ConfigError if the key file is damaged, or if everybody can read it.
 */
export async function databaseReport(config: Config, openDatabase: OpenDatabase): Promise<DatabaseReport> {
  const keys = config.encryptionKeys ?? (await readKeyFile(config.dataDir)) ?? [];
  if (isDatabaseMissing(config))
    return withKeys(`there is no database yet: the first start makes it in ${config.dataDir}\n`);
  try {
    return await report(await openDatabase(databasePlaceOf(config)), keys);
  } catch (error) {
    return withKeys(`the database can't be opened now: ${reason(error)}\n`);
  }
}

function withKeys(text: string): DatabaseReport {
  return { text, lacksKeys: false };
}

async function report(database: Database, keys: readonly EncryptionKey[]): Promise<DatabaseReport> {
  try {
    const server = await database.describeServer();
    const { text, lacksKeys } = await reportKeys(database, keys);
    return { text: server === undefined ? text : `the database is ${server}\n${text}`, lacksKeys };
  } finally {
    await database.close();
  }
}

async function reportKeys(database: Database, keys: readonly EncryptionKey[]): Promise<DatabaseReport> {
  const { pending } = await database.schemaPlan();
  if (pending.length > 0)
    return withKeys(`the database lacks ${pending.length} migrations: run "callhooks migrate"\n`);
  const keyIds = keys.map((key) => key.id);
  const wrongIds = await wrongKeyIds(keys, database.sealed);
  const counts = await database.sealed.countByKey();
  const lacksKeys = wrongIds.length > 0 || [...counts.keys()].some((id) => !keyIds.includes(id));
  // This finds a server that is read-only.
  await database.ping();
  return { text: keyReport({ keyIds, wrongIds, counts }), lacksKeys };
}

// A driver's own text may hold the address and the user. Its code does not.
function reason(error: unknown): string {
  if (error instanceof DatabaseError) return error.advice ?? errorCode(error.cause) ?? error.kind;
  return error instanceof Error ? error.message : String(error);
}
