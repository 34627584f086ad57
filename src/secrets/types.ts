import type { SealedValue } from '../domain/agent.ts';

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
