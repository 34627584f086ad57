import { ConfigError } from '../errors.ts';
import type { SealedStore } from '../store/encryption-key-store.ts';
import { checkKeys } from './check-keys.ts';
import type { EncryptionKey } from './encryption-keys.ts';
import { createKeyFile, keyFilePath, readKeyFile } from './key-file.ts';
import { createKeyring, type Keyring } from './keyring.ts';

/** Where the keys come from. */
export interface KeySource {
  /** From the settings; absent: the key file in `dataDir`, which is made when needed. */
  readonly keys: readonly EncryptionKey[] | undefined;
  readonly dataDir: string;
  readonly sealed: SealedStore;
}

/**
 * The keyring of this process, checked against the stored values. A key file that had to be made is on disk before
 * this returns, hence before the first value is sealed with it.
 * @throws ConfigError when keys are missing, wrong or unreadable.
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
    `${count} stored values are encrypted (${[...counts.keys()].join(', ')}), but their key file ` +
      `${keyFilePath(dataDir)} is gone: restore it, or set CALLHOOKS_ENCRYPTION_KEYS to what it held`,
  ]);
}
