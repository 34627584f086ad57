import type { Config } from '../config/config.ts';
import { DatabaseError, errorCode } from '../errors.ts';
import { wrongKeyIds } from '../secrets/check-keys.ts';
import type { EncryptionKey } from '../secrets/encryption-keys.ts';
import { readKeyFile } from '../secrets/key-file.ts';
import type { Database } from '../store/database.ts';
import { keyReport } from './config-report.ts';
import { isDatabaseMissing, type OpenDatabase } from './configured-database.ts';

/**
 * Returns how many stored values each key encrypts, or why that can't be known now. Changes nothing: an embedded database
 * that does not exist is not made.
 * @throws ConfigError if the key file is damaged, or if everybody can read it.
 */
export async function databaseReport(config: Config, openDatabase: OpenDatabase): Promise<string> {
  const keys = config.encryptionKeys ?? (await readKeyFile(config.dataDir)) ?? [];
  if (isDatabaseMissing(config))
    return `there is no database yet: the first start makes it in ${config.dataDir}\n`;
  try {
    return await report(await openDatabase({ url: config.databaseUrl, dataDir: config.dataDir }), keys);
  } catch (error) {
    return `the database can't be opened now: ${reason(error)}\n`;
  }
}

async function report(database: Database, keys: readonly EncryptionKey[]): Promise<string> {
  try {
    const pending = await database.pendingMigrations();
    if (pending.length > 0)
      return `the database lacks ${pending.length} migrations: run "callhooks migrate"\n`;
    return keyReport({
      keyIds: keys.map((key) => key.id),
      wrongIds: await wrongKeyIds(keys, database.sealed),
      counts: await database.sealed.countByKey(),
    });
  } finally {
    await database.close();
  }
}

// A driver's own text may hold the address and the user. Its code does not.
function reason(error: unknown): string {
  if (error instanceof DatabaseError) return errorCode(error.cause) ?? error.kind;
  return error instanceof Error ? error.message : String(error);
}
