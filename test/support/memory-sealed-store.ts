import type { SealedValue } from '../../src/domain/agent.ts';
import type { PlacedValue, SealedStore, StoredPlace } from '../../src/store/encryption-key-store.ts';

/** A {@link SealedStore} in memory with its contents. */
export interface MemorySealedStore extends SealedStore {
  readonly checks: ReadonlyMap<string, SealedValue>;
  readonly values: PlacedValue[];
}

/**
 * Creates a {@link SealedStore} in memory for tests of the keys. test/store tests those of the engines. `counts` are counted
 * besides the values.
 */
export function memorySealedStore(
  counts: Iterable<readonly [string, number]> = [],
  values: PlacedValue[] = [],
): MemorySealedStore {
  const checks = new Map<string, SealedValue>();
  return {
    checks,
    values,
    countByKey: async () =>
      new Map([
        ...counts,
        ...[...Map.groupBy(values, ({ value }) => value.keyId)].map(
          ([keyId, group]) => [keyId, group.length] as const,
        ),
      ]),
    findKeyCheck: async (keyId) => checks.get(keyId),
    insertKeyCheck: async (check) => {
      if (!checks.has(check.keyId)) checks.set(check.keyId, check);
    },
    listByKey: async (table, keyId, limit, after) =>
      values
        .filter(({ place, value }) => place.table === table && value.keyId === keyId)
        .filter(({ place }) => after === undefined || sortKey(place) > sortKey(after))
        .toSorted((a, b) => (sortKey(a.place) < sortKey(b.place) ? -1 : 1))
        .slice(0, limit),
    replaceSealed: async (resealed) => {
      let replaced = 0;
      for (const { place, before, after } of resealed) {
        const at = values.findIndex((each) => sortKey(each.place) === sortKey(place));
        if (values[at]?.value.sealed !== before.sealed) continue;
        values[at] = { place, value: after };
        replaced += 1;
      }
      return replaced;
    },
  };
}

function sortKey({ table, rowId, field }: StoredPlace): string {
  return `${table}|${rowId}|${field}`;
}
