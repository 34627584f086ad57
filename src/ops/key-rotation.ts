import type { Config } from '../config/config.ts';
import { ConfigError } from '../errors.ts';
import type { Logger } from '../logger.ts';
import type { Keyring } from '../secrets/keyring.ts';
import { openKeyring } from '../secrets/open-keyring.ts';
import { rotateKeys, type KeyRotation } from '../secrets/rotate-keys.ts';
import type { SealedStore } from '../store/encryption-key-store.ts';
import { databasePlaceOf, isDatabaseMissing, type OpenDatabase } from './configured-database.ts';

/**
 * Does the work of `callhooks rotate-keys`: checks the keys, encrypts every stored value with the first one, and returns
 * a line about it. The line says so, too, when there was nothing to do. It never makes a database: one that is not there
 * means that the settings name the wrong folder. An empty database without a key file gets one, as at a start of the server.
 * `openDatabase` refuses a database with pending migrations.
 * @throws ConfigError when a key is missing or wrong, or when the first key does not encrypt every value in the end
 */
export async function rotateStoredKeys(config: Config, openDatabase: OpenDatabase): Promise<string> {
  const { dataDir, encryptionKeys: keys } = config;
  if (isDatabaseMissing(config))
    throw new ConfigError([`there is no database in ${dataDir}, so there is nothing to encrypt anew`]);
  const database = await openDatabase(databasePlaceOf(config));
  try {
    const { sealed } = database;
    const rotation = await rotateKeys(await openKeyring({ keys, dataDir, sealed }), sealed);
    if (rotation.problems.length > 0) throw new ConfigError([...rotation.problems, describe(rotation)]);
    return `${describe(rotation)}\n`;
  } finally {
    await database.close();
  }
}

/**
 * Rotates the keys of the embedded database at the start of its server, which has the database to itself. A value that
 * does not open is logged as an error, and the server starts: only the webhooks that use the value fail.
 */
export async function rotateAtStart(keyring: Keyring, sealed: SealedStore, logger: Logger): Promise<void> {
  const { keyId, resealed, problems } = await rotateKeys(keyring, sealed);
  if (resealed > 0) logger.info({ key_id: keyId, values: resealed }, 'encrypted stored values anew');
  for (const problem of problems) logger.error({ problem }, 'a stored value keeps its old key');
}

function describe({ keyId, resealed, total }: KeyRotation): string {
  return resealed === 0
    ? `nothing was encrypted anew: the first key, ${keyId}, encrypts ${total} stored values`
    : `the first key, ${keyId}, encrypts ${total} stored values now, ${resealed} of them anew`;
}
