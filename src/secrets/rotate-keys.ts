import type { PlacedValue, ResealedValue, SealedStore, StoredPlace } from '../store/encryption-key-store.ts';
import { UnsealError, type Keyring } from './keyring.ts';

/** What a rotation of the keys did. */
export interface KeyRotation {
  /** The first key, which encrypts. */
  readonly keyId: string;
  /** How many values it sealed anew. */
  readonly resealed: number;
  /** How many stored values the first key encrypts now. */
  readonly total: number;
  /** Why a value is still encrypted with another key, as texts for the operator. Empty when none is. */
  readonly problems: readonly string[];
}

const BATCH_VALUES = 100;
const TABLES: readonly StoredPlace['table'][] = ['agent_secrets', 'webhook_headers'];

/**
 * Seals every stored value with the first key that another key has sealed, in batches of 100. Replicas may serve meanwhile,
 * if they have both keys. A value that a request changes at the same moment stays as the request wrote it. Expects keys that
 * were checked: a value of a missing key throws KEY_UNAVAILABLE.
 */
export async function rotateKeys(keyring: Keyring, sealed: SealedStore): Promise<KeyRotation> {
  const [first = ''] = keyring.keyIds;
  const others = [...(await sealed.countByKey()).keys()].filter((keyId) => keyId !== first);
  const damaged: StoredPlace[] = [];
  let resealed = 0;
  for (const table of TABLES) {
    for (const keyId of others) {
      for await (const batch of batchesOf(sealed, table, keyId)) {
        const { values, unopened } = reseal(keyring, batch);
        resealed += await sealed.replaceSealed(values);
        damaged.push(...unopened);
      }
    }
  }
  const counts = await sealed.countByKey();
  const problems = [...damaged.map(describeDamage), ...leftOver(counts, first, damaged.length)];
  return { keyId: first, resealed, total: counts.get(first) ?? 0, problems };
}

async function* batchesOf(
  sealed: SealedStore,
  table: StoredPlace['table'],
  keyId: string,
): AsyncGenerator<readonly PlacedValue[]> {
  let after: StoredPlace | undefined;
  do {
    const batch = await sealed.listByKey(table, keyId, BATCH_VALUES, after);
    if (batch.length > 0) yield batch;
    after = batch.length < BATCH_VALUES ? undefined : batch.at(-1)?.place;
  } while (after !== undefined);
}

function reseal(keyring: Keyring, batch: readonly PlacedValue[]) {
  const values: ResealedValue[] = [];
  const unopened: StoredPlace[] = [];
  for (const { place, value } of batch) {
    try {
      values.push({ place, before: value, after: keyring.seal(keyring.open(value, place), place) });
    } catch (error) {
      // One damaged value must not keep all others under the old key.
      if (!(error instanceof UnsealError)) throw error;
      unopened.push(place);
    }
  }
  return { values, unopened };
}

function describeDamage({ table, rowId, field }: StoredPlace): string {
  const ofWebhook = field.startsWith('auth:') ? `the text ${field.replace(':', '.')}` : `the header ${field}`;
  const what = table === 'agent_secrets' ? `the secret ${field} of agent` : `${ofWebhook} of webhook`;
  return `${what} ${rowId} does not open: it was damaged or moved in the database, so write its value again`;
}

function leftOver(counts: ReadonlyMap<string, number>, first: string, damaged: number): string[] {
  const left = [...counts].filter(([keyId]) => keyId !== first);
  const count = left.reduce((sum, [, each]) => sum + each, 0) - damaged;
  if (count <= 0) return [];
  const keyIds = left.map(([keyId]) => keyId).join(', ');
  return [
    `${count} values were encrypted with ${keyIds} meanwhile: a replica has another first key. ` +
      `Move ${first} first on every replica, and rotate again`,
  ];
}
