/** A key of 256 bits and the name under which stored values refer to it. */
export interface EncryptionKey {
  readonly id: string;
  readonly bytes: Buffer;
}

/** What {@link parseEncryptionKeys} found: every problem is a sentence without key material. */
export interface ParsedKeys {
  readonly keys: readonly EncryptionKey[];
  readonly problems: readonly string[];
}

const KEY_ID = /^[A-Za-z0-9_-]{1,32}$/;
const KEY_BYTES = 32;

/**
 * Reads `id:base64-of-32-bytes`, several separated by commas or white space; the first encrypts, all decrypt. Reports
 * all problems, never the text of a key.
 */
export function parseEncryptionKeys(text: string): ParsedKeys {
  const entries = text.split(/[\s,]+/).filter((entry) => entry !== '');
  const parsed = entries.map(parseEntry);
  const keys = parsed.flatMap((result) => (typeof result === 'string' ? [] : [result]));
  const problems = parsed.flatMap((result) => (typeof result === 'string' ? [result] : []));
  if (entries.length === 0)
    problems.push('holds no key: write id:base64, 32 bytes from "openssl rand -base64 32"');
  return { keys, problems: [...problems, ...doubledIds(keys), ...doubledBytes(keys)] };
}

/** The text that {@link parseEncryptionKeys} reads again. */
export function formatEncryptionKey(key: EncryptionKey): string {
  return `${key.id}:${key.bytes.toString('base64')}`;
}

function parseEntry(entry: string, index: number): EncryptionKey | string {
  const nth = `key ${index + 1}`;
  const colon = entry.indexOf(':');
  if (colon < 0) return `${nth} has no id: write id:base64`;
  const id = entry.slice(0, colon);
  // Not shown: with a forgotten id this could be a part of the key itself.
  if (!KEY_ID.test(id)) return `${nth} has a bad id: 1 to 32 of A-Z, a-z, 0-9, - and _`;
  const bytes = Buffer.from(entry.slice(colon + 1), 'base64');
  // Buffer skips what is no base64, so the text is compared with what the bytes would read as.
  if (bytes.toString('base64') !== entry.slice(colon + 1)) return `${nth} (${id}) is not valid base64`;
  if (bytes.length !== KEY_BYTES) return `${nth} (${id}) has ${bytes.length} bytes, needs ${KEY_BYTES}`;
  return { id, bytes };
}

function doubledIds(keys: readonly EncryptionKey[]): string[] {
  const doubled = keys.filter((key, at) => keys.findIndex((other) => other.id === key.id) < at);
  return [...new Set(doubled.map((key) => `the id ${key.id} is given twice`))];
}

function doubledBytes(keys: readonly EncryptionKey[]): string[] {
  return keys.flatMap((key, at) => {
    const earlier = keys.slice(0, at).find((other) => other.id !== key.id && other.bytes.equals(key.bytes));
    return earlier === undefined ? [] : [`the keys ${earlier.id} and ${key.id} are the same`];
  });
}
