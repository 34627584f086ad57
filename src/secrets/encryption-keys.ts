/** A key of 256 bits, with the id that stored values name it by. */
export interface EncryptionKey {
  readonly id: string;
  readonly bytes: Buffer;
}

/** The keys and the problems in a text. No problem shows key material. */
interface ParsedKeys {
  readonly keys: readonly EncryptionKey[];
  readonly problems: readonly string[];
}

const KEY_ID = /^[A-Za-z0-9_-]{1,32}$/;
const KEY_BYTES = 32;

/**
 * Reads keys of the form `id:base64-of-32-bytes`, separated by commas or white space. The first key encrypts, and all
 * keys decrypt. Returns every problem.
 */
export function parseEncryptionKeys(text: string): ParsedKeys {
  const entries = text.split(/[\s,]+/).filter((entry) => entry !== '');
  const parsed = entries.map(parseEntry);
  const keys = parsed.flatMap((result) => (typeof result === 'string' ? [] : [result]));
  const problems = parsed.flatMap((result) => (typeof result === 'string' ? [result] : []));
  if (entries.length === 0)
    problems.push('holds no key: write id:base64, 32 bytes from "openssl rand -base64 32"');
  return { keys, problems: [...problems, ...repeatedIds(keys), ...repeatedKeys(keys)] };
}

/** Returns a key as a text that {@link parseEncryptionKeys} reads. */
export function formatEncryptionKey(key: EncryptionKey): string {
  return `${key.id}:${key.bytes.toString('base64')}`;
}

function parseEntry(entry: string, index: number): EncryptionKey | string {
  const nth = `key ${index + 1}`;
  const colon = entry.indexOf(':');
  if (colon < 0) return `${nth} has no id: write id:base64`;
  const id = entry.slice(0, colon);
  // The id is not shown: when somebody forgot it, this text may be a part of the key itself.
  if (!KEY_ID.test(id)) return `${nth} has a bad id: use 1 to 32 of A-Z, a-z, 0-9, - and _`;
  const bytes = Buffer.from(entry.slice(colon + 1), 'base64');
  // Buffer skips characters that are not base64, so the text is compared with the encoding of its bytes.
  if (bytes.toString('base64') !== entry.slice(colon + 1)) return `${nth} (${id}) is not valid base64`;
  if (bytes.length !== KEY_BYTES) return `${nth} (${id}) has ${bytes.length} bytes, but needs ${KEY_BYTES}`;
  return { id, bytes };
}

function repeatedIds(keys: readonly EncryptionKey[]): string[] {
  const repeated = keys.filter((key, at) => keys.findIndex((other) => other.id === key.id) < at);
  return [...new Set(repeated.map((key) => `the id ${key.id} is given twice`))];
}

function repeatedKeys(keys: readonly EncryptionKey[]): string[] {
  return keys.flatMap((key, at) => {
    const earlier = keys.slice(0, at).find((other) => other.id !== key.id && other.bytes.equals(key.bytes));
    return earlier === undefined ? [] : [`the keys ${earlier.id} and ${key.id} are the same`];
  });
}
