import { setTimeout as wait } from 'node:timers/promises';
import { DatabaseError } from '../../src/errors.ts';
import type { ExecutionStore } from '../../src/store/execution-store.ts';
import type {
  ClaimResult,
  InsertResult,
  NewPostCall,
  NewStart,
  Outcome,
  OutcomeResult,
  PostCallClaim,
  WriteBatch,
  WriteResults,
} from '../../src/store/write-batch.ts';

/** A store with a function for each kind of write. */
export interface StoreByKind extends ExecutionStore {
  insertStarts(starts: readonly NewStart[]): Promise<readonly InsertResult[]>;
  insertPostCalls(postCalls: readonly NewPostCall[]): Promise<readonly InsertResult[]>;
  claimPostCalls(claims: readonly PostCallClaim[]): Promise<readonly ClaimResult['kind'][]>;
  recordOutcomes(outcomes: readonly Outcome[]): Promise<readonly OutcomeResult[]>;
}

const NOTHING: WriteBatch = { outcomes: [], starts: [], postCalls: [], claims: [] };
const MAX_ITEMS = 200;

/** Makes each kind of write a function of its own, in batches of 200. Conflicts are repeated, as the writer does. */
export function byKind(store: ExecutionStore): StoreByKind {
  const write = async <K extends keyof WriteBatch>(
    kind: K,
    items: WriteBatch[K],
  ): Promise<WriteResults[K]> => {
    const results: unknown[] = [];
    for (let from = 0; from < items.length; from += MAX_ITEMS) {
      const batch = { ...NOTHING, [kind]: items.slice(from, from + MAX_ITEMS) };
      results.push(...(await repeatConflicts(() => store.write(batch)))[kind]);
    }
    return results as unknown as WriteResults[K];
  };
  return {
    ...store,
    insertStarts: (starts) => write('starts', starts),
    insertPostCalls: (postCalls) => write('postCalls', postCalls),
    claimPostCalls: async (claims) => (await write('claims', claims)).map(({ kind }) => kind),
    recordOutcomes: (outcomes) => write('outcomes', outcomes),
  };
}

const CONFLICT_TRIES = 6;

async function repeatConflicts<T>(work: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await work();
    } catch (error) {
      const isConflict = error instanceof DatabaseError && ['conflict', 'busy'].includes(error.kind);
      if (!isConflict || tries === CONFLICT_TRIES) throw error;
      await wait(Math.random() * 5 * 2 ** tries);
    }
  }
}
