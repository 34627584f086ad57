import type { SealedValue } from '../../src/domain/agent.ts';
import type { SealedStore } from '../../src/store/encryption-key-store.ts';

/** Creates a {@link SealedStore} in memory for tests of the keys. test/store tests those of the engines. */
export function memorySealedStore(
  counts: Iterable<readonly [string, number]> = [],
): SealedStore & { readonly checks: ReadonlyMap<string, SealedValue> } {
  const checks = new Map<string, SealedValue>();
  return {
    checks,
    countByKey: async () => new Map(counts),
    findKeyCheck: async (keyId) => checks.get(keyId),
    insertKeyCheck: async (check) => {
      if (!checks.has(check.keyId)) checks.set(check.keyId, check);
    },
  };
}
