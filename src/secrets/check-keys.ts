import type { SealedValue } from '../domain/agent.ts';
import { ConfigError } from '../errors.ts';
import type { SealedStore } from '../store/encryption-key-store.ts';
import { createKeyring, UnsealError, type Keyring, type SealPlace } from './keyring.ts';
import type { EncryptionKey } from './encryption-keys.ts';

const CHECK_TEXT = 'callhooks key check';

/**
 * Checks that these keys open the stored values. Stores a check value for each key that has none yet, so that another
 * replica with a different key under the same id refuses to start.
 * @throws ConfigError that names every missing and every wrong key
 */
export async function checkKeys(keys: readonly EncryptionKey[], sealed: SealedStore): Promise<void> {
  const problems = await missingKeys(createKeyring(keys), sealed);
  for (const key of keys) {
    if (!(await isRightKey(createKeyring([key]), key.id, sealed)))
      problems.push(
        `the key ${key.id} is not the one that this database was used with: two different keys have this id`,
      );
  }
  if (problems.length > 0) throw new ConfigError(problems);
}

/**
 * Returns the ids of the keys that do not open the check value which the database has of them: another key was used under
 * this id. Stores nothing.
 */
export async function wrongKeyIds(keys: readonly EncryptionKey[], sealed: SealedStore): Promise<string[]> {
  const wrong: string[] = [];
  for (const key of keys) {
    const stored = await sealed.findKeyCheck(key.id);
    if (stored !== undefined && !opens(createKeyring([key]), stored)) wrong.push(key.id);
  }
  return wrong;
}

async function missingKeys(keyring: Keyring, sealed: SealedStore): Promise<string[]> {
  const counts = [...(await sealed.countByKey())];
  return counts
    .filter(([keyId, count]) => count > 0 && !keyring.has(keyId))
    .map(([keyId, count]) => `the key ${keyId} is missing, and ${count} stored values are encrypted with it`);
}

async function isRightKey(keyring: Keyring, keyId: string, sealed: SealedStore): Promise<boolean> {
  const stored = await sealed.findKeyCheck(keyId);
  if (stored !== undefined) return opens(keyring, stored);
  await sealed.insertKeyCheck(keyring.seal(CHECK_TEXT, placeOf(keyId)));
  // Another replica may have stored its check value first, with another key.
  const winner = await sealed.findKeyCheck(keyId);
  return winner !== undefined && opens(keyring, winner);
}

function opens(keyring: Keyring, check: SealedValue): boolean {
  try {
    return keyring.open(check, placeOf(check.keyId)) === CHECK_TEXT;
  } catch (error) {
    if (error instanceof UnsealError) return false;
    throw error;
  }
}

function placeOf(keyId: string): SealPlace {
  return { table: 'key_checks', rowId: keyId, field: 'check' };
}
