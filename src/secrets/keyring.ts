import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import type { SealedValue } from '../domain/agent.ts';
import { CallhooksError } from '../errors.ts';
import type { EncryptionKey } from './encryption-keys.ts';

/**
 * The place of a sealed value in the database, or at clients. The encryption binds the value to its place, so that a value
 * does not open after it was copied to another place.
 */
export interface SealPlace {
  readonly table: 'agent_secrets' | 'webhook_headers' | 'key_checks' | 'clients';
  /** The agent_uuid of a secret, the webhook_uuid of a header, the key id of a check value, or a purpose at clients. */
  readonly rowId: string;
  /** The name of a secret, the name of a header in lower case, `auth:` with the path of a text of `auth`, `check`, or `text`. */
  readonly field: string;
}

/** Seals values for storage and opens them again, with every key that this process has. */
export interface Keyring {
  /** Encrypts a text with the first key. Each time it uses a new nonce, so two results for one text differ. */
  seal(plain: string, place: SealPlace): SealedValue;
  /**
   * Decrypts a value that {@link Keyring.seal} made for the same place.
   * @throws CallhooksError KEY_UNAVAILABLE when this process lacks the key
   * @throws UnsealError when the value belongs to another place, was damaged, or was sealed with another key of this id
   */
  open(value: SealedValue, place: SealPlace): string;
  /** Reports whether this process has the key with this id. */
  has(keyId: string): boolean;
  /** The ids of all keys. The first key encrypts. */
  readonly keyIds: readonly string[];
}

const ALGORITHM = 'aes-256-gcm';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/**
 * Says that a stored value did not open although a key of its id is here: it was copied to another place, damaged, or
 * sealed with another key of this id. The stored data is at fault and not the request, so clients get INTERNAL.
 */
export class UnsealError extends Error {
  constructor(place: SealPlace, keyId: string, options?: { cause?: unknown }) {
    super(
      `the value ${place.table}|${place.rowId}|${place.field} does not open with the key ${keyId}`,
      options,
    );
    this.name = 'UnsealError';
  }
}

/**
 * Makes a keyring of at least one key. It seals with AES-256-GCM (NIST SP 800-38D) under a random 96-bit nonce, with the
 * value's place and key id as associated data. When one key has sealed 2^32 values, the chance of a repeated nonce is
 * still below 2^-32.
 */
export function createKeyring(keys: readonly EncryptionKey[]): Keyring {
  const [first] = keys;
  if (first === undefined) throw new Error('a keyring needs a key');
  const byId = new Map(keys.map((key) => [key.id, key.bytes]));
  return {
    keyIds: keys.map((key) => key.id),
    has: (keyId) => byId.has(keyId),
    seal: (plain, place) => ({ keyId: first.id, sealed: encrypt(first, plain, place).toString('base64') }),
    open: (value, place) => {
      const bytes = byId.get(value.keyId);
      if (bytes === undefined) throw keyUnavailable();
      return decrypt({ id: value.keyId, bytes }, Buffer.from(value.sealed, 'base64'), place);
    },
  };
}

function keyUnavailable(): CallhooksError {
  const message = 'this replica lacks the key of a secret that is needed; another replica may have it';
  return new CallhooksError('KEY_UNAVAILABLE', message, { retryAfterMs: 1000 });
}

function encrypt(key: EncryptionKey, plain: string, place: SealPlace): Buffer {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(ALGORITHM, key.bytes, nonce).setAAD(associatedData(place, key.id));
  return Buffer.concat([nonce, cipher.update(plain, 'utf8'), cipher.final(), cipher.getAuthTag()]);
}

function decrypt(key: EncryptionKey, sealed: Buffer, place: SealPlace): string {
  if (sealed.length < NONCE_BYTES + TAG_BYTES) throw new UnsealError(place, key.id);
  const end = sealed.length - TAG_BYTES;
  // Without a fixed tag length, Node.js accepts shorter tags, which are easier to forge.
  const decipher = createDecipheriv(ALGORITHM, key.bytes, sealed.subarray(0, NONCE_BYTES), {
    authTagLength: TAG_BYTES,
  });
  decipher.setAAD(associatedData(place, key.id)).setAuthTag(sealed.subarray(end));
  try {
    return Buffer.concat([decipher.update(sealed.subarray(NONCE_BYTES, end)), decipher.final()]).toString(
      'utf8',
    );
  } catch (cause) {
    throw new UnsealError(place, key.id, { cause });
  }
}

// Two places never have the same text: the field may hold any character, but table, row id and key id hold no bar.
function associatedData(place: SealPlace, keyId: string): Buffer {
  return Buffer.from(`v1|${place.table}|${place.rowId}|${place.field}|${keyId}`, 'utf8');
}
