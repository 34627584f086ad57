import { randomBytes } from 'node:crypto';
import { chmod, link, open, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ConfigError } from '../errors.ts';
import { formatEncryptionKey, parseEncryptionKeys, type EncryptionKey } from './encryption-keys.ts';

const FILE_NAME = 'encryption.key';
const OWNER_ONLY = 0o600;
const EVERYBODY_ELSE = 0o007;

/** Returns the path of the key file of the embedded database, which is in the same folder. */
export function keyFilePath(dataDir: string): string {
  return join(dataDir, FILE_NAME);
}

/**
 * Reads the key file, which has the form of `CALLHOOKS_ENCRYPTION_KEYS`. Returns undefined when there is no file.
 * @throws ConfigError when every user of the machine may read or write it, or when it is damaged
 */
export async function readKeyFile(dataDir: string): Promise<readonly EncryptionKey[] | undefined> {
  const path = keyFilePath(dataDir);
  const info = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw new ConfigError([`the key file ${path} can't be read (${error.code})`]);
  });
  if (info === undefined) return undefined;
  if ((info.mode & EVERYBODY_ELSE) !== 0)
    throw new ConfigError([`every user of this machine may read the key file: chmod 600 ${path}`]);
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new ConfigError([`the key file ${path} can't be read (${error.code})`]);
  });
  const { keys, problems } = parseEncryptionKeys(text);
  if (problems.length === 0) return keys;
  throw new ConfigError(problems.map((problem) => `the key file ${path} is damaged: ${problem}`));
}

/**
 * Makes the key file with a new key and mode 0600, and returns when the file and its folder are on disk. The file appears
 * whole or not at all. The caller holds the lock of the embedded database.
 * @throws when there is a key file already
 */
export async function createKeyFile(dataDir: string): Promise<readonly EncryptionKey[]> {
  const key = { id: `file-${randomBytes(4).toString('hex')}`, bytes: randomBytes(32) };
  const path = keyFilePath(dataDir);
  const draft = `${path}.new`;
  await rm(draft, { force: true });
  await writeDurably(draft, `${formatEncryptionKey(key)}\n`);
  // A link, unlike a rename, does not replace a file that another process has made in the meantime.
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
