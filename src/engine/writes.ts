import type {
  ClaimResult,
  EndClaim,
  ExecutionStore,
  InsertResult,
  NewEnd,
  NewStart,
  Outcome,
  OutcomeResult,
} from '../store/types.ts';
import { createBatcher, type Queue } from './batch.ts';

/**
 * The durable writes of the engine. Each shares its commit with others of its kind; `bytes` is its rough size. Claims of
 * post-calls go after claims and outcomes of pre-calls, for which somebody waits on the phone.
 */
export interface Writes {
  insertStart(start: NewStart, bytes: number): Promise<InsertResult>;
  insertEnd(end: NewEnd, bytes: number): Promise<InsertResult>;
  claimEnd(claim: EndClaim): Promise<ClaimResult>;
  recordOutcome(outcome: Outcome, bytes: number): Promise<OutcomeResult>;
}

interface Sized<T> {
  readonly value: T;
  readonly bytes: number;
}

const ROW_BYTES = 300;

/** Makes the writes; `lanes` is how many commits of one kind may be in flight at once. */
export const createWrites = (store: ExecutionStore, lanes: number): Writes => {
  const batched = <T, R>(
    write: (items: readonly T[]) => Promise<readonly R[]>,
    goesAfter: readonly Queue[] = [],
  ) =>
    createBatcher<Sized<T>, R>({
      write: (items) => write(items.map(({ value }) => value)),
      bytesOf: ({ bytes }) => bytes + ROW_BYTES,
      lanes,
      goesAfter,
    });
  const starts = batched(store.insertStarts);
  const ends = batched(store.insertEnds);
  const outcomes = batched(store.recordOutcomes);
  const claims = batched(store.claimEnds, [starts, outcomes]);
  return {
    insertStart: (value, bytes) => starts.submit({ value, bytes }),
    insertEnd: (value, bytes) => ends.submit({ value, bytes }),
    claimEnd: (value) => claims.submit({ value, bytes: 0 }),
    recordOutcome: (value, bytes) => outcomes.submit({ value, bytes }),
  };
};
