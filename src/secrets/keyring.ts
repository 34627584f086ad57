import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import type { SealedValue } from '../domain/agent.ts';
import { CallhooksError } from '../errors.ts';
import type { EncryptionKey } from './encryption-keys.ts';

/**
 * Where a sealed value lies in the database. It is bound into the encryption, so a value that was copied to another
 * place does not open there. `rowId`: of a secret the agent_uuid, of a header the webhook_uuid, of a check value its
 * key id. `field`: of a secret its name, of a header its name in lower case, of a check value `check`.
 */
export interface SealPlace {
  readonly table: 'agent_secrets' | 'webhook_headers' | 'key_checks';
  readonly rowId: string;
  readonly field: string;
}

/** Seals values for storage and opens them again. Holds every key that this process has. */
export interface Keyring {
  /** Encrypts with the first key under a fresh nonce: two seals of one text differ. */
  seal(plain: string, place: SealPlace): SealedValue;
  /**
   * Decrypts what {@link Keyring.seal} made for the same place.
   * @throws CallhooksError KEY_UNAVAILABLE when this process lacks the key.
   * @throws UnsealError when the value does not belong to this place, was damaged, or the key is another of that name.
   */
  open(value: SealedValue, place: SealPlace): string;
  /** Whether a value sealed under this key id can be opened here. */
  has(keyId: string): boolean;
  /** The key ids; the first one encrypts. */
  readonly keyIds: readonly string[];
}

const ALGORITHM = 'aes-256-gcm';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/**
 * A stored value did not open although a key of its name is here: it was copied to another place, damaged, or sealed
 * with another key of that name. A fault of the stored data, never of a request, so it reaches clients as INTERNAL.
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
 * Seals with AES-256-GCM (NIST SP 800-38D) under a random 96-bit nonce; the value's place and key id are the associated
 * data. At 2^32 values a key the chance of a repeated nonce is still below 2^-32. Expects at least one key.
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
  // Without a fixed tag length Node accepts shorter tags, which are easier to forge.
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

// The field comes last but one and may hold any character: table, row id and key id hold no bar, so two places never
// read alike.
function associatedData(place: SealPlace, keyId: string): Buffer {
  return Buffer.from(`v1|${place.table}|${place.rowId}|${place.field}|${keyId}`, 'utf8');
}
