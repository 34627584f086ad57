import { randomBytes } from 'node:crypto';
import { chmod, link, open, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ConfigError } from '../errors.ts';
import { formatEncryptionKey, parseEncryptionKeys, type EncryptionKey } from './encryption-keys.ts';

const FILE_NAME = 'encryption.key';
const OWNER_ONLY = 0o600;
const OTHERS = 0o007;

/** The key file of the embedded database, beside it. */
export const keyFilePath = (dataDir: string): string => join(dataDir, FILE_NAME);

/**
 * The keys in the key file, written as `CALLHOOKS_ENCRYPTION_KEYS` is; undefined: there is no file.
 * @throws ConfigError when everybody may read it or it is damaged.
 */
export async function readKeyFile(dataDir: string): Promise<readonly EncryptionKey[] | undefined> {
  const path = keyFilePath(dataDir);
  const info = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw new ConfigError([`the key file ${path} can't be read (${error.code})`]);
  });
  if (info === undefined) return undefined;
  if ((info.mode & OTHERS) !== 0)
    throw new ConfigError([`everybody may read the key file: chmod 600 ${path}`]);
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new ConfigError([`the key file ${path} can't be read (${error.code})`]);
  });
  const { keys, problems } = parseEncryptionKeys(text);
  if (problems.length === 0) return keys;
  throw new ConfigError(problems.map((problem) => `the key file ${path} is damaged: ${problem}`));
}

/**
 * Makes the key file with a fresh key, mode 0600, and returns when file and folder are on disk. It appears whole or
 * not at all. Whoever calls it holds the lock of the embedded database.
 * @throws when there is a key file already.
 */
export async function createKeyFile(dataDir: string): Promise<readonly EncryptionKey[]> {
  const key = { id: `file-${randomBytes(4).toString('hex')}`, bytes: randomBytes(32) };
  const path = keyFilePath(dataDir);
  const draft = `${path}.new`;
  await rm(draft, { force: true });
  await writeDurably(draft, `${formatEncryptionKey(key)}\n`);
  // A link, unlike a rename, refuses to replace a file that has come into being meanwhile.
  await link(draft, path);
  await rm(draft);
  await syncFolder(dataDir);
  return [key];
}

async function writeDurably(path: string, text: string): Promise<void> {
  const file = await open(path, 'wx', OWNER_ONLY);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await chmod(path, OWNER_ONLY);
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
