import { ConfigError } from '../errors.ts';
import type { SealedStore } from '../store/encryption-key-store.ts';
import { checkKeys } from './check-keys.ts';
import type { EncryptionKey } from './encryption-keys.ts';
import { createKeyFile, keyFilePath, readKeyFile } from './key-file.ts';
import { createKeyring, type Keyring } from './keyring.ts';

/** The places that the keys may come from. */
interface KeySource {
  /** The keys from the settings. When they are undefined, the key file in `dataDir` is used, and made if needed. */
  readonly keys: readonly EncryptionKey[] | undefined;
  readonly dataDir: string;
  readonly sealed: SealedStore;
}

/**
 * Opens the keyring of this process and checks it against the stored values. A new key file is on disk before this
 * returns, hence before the first value is sealed with its key.
 * @throws ConfigError when keys are missing, wrong or unreadable
 */
export async function openKeyring(source: KeySource): Promise<Keyring> {
  const keys = source.keys ?? (await readKeyFile(source.dataDir)) ?? (await firstKeys(source));
  await checkKeys(keys, source.sealed);
  return createKeyring(keys);
}

async function firstKeys({ dataDir, sealed }: KeySource): Promise<readonly EncryptionKey[]> {
  const counts = await sealed.countByKey();
  const count = [...counts.values()].reduce((sum, each) => sum + each, 0);
  if (count === 0) return createKeyFile(dataDir);
  throw new ConfigError([
    `${count} stored values are encrypted (${[...counts.keys()].join(', ')}), but the key file ` +
      `${keyFilePath(dataDir)} is missing: restore it, or set CALLHOOKS_ENCRYPTION_KEYS to its content`,
  ]);
}
