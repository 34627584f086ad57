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
import { createBatcher } from './batch.ts';

/** The durable writes of the engine. Each shares its commit with others of its kind; `bytes` is its rough size. */
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
  const batched = <T, R>(write: (items: readonly T[]) => Promise<readonly R[]>) =>
    createBatcher<Sized<T>, R>({
      write: (items) => write(items.map(({ value }) => value)),
      bytesOf: ({ bytes }) => bytes + ROW_BYTES,
      lanes,
    });
  const starts = batched(store.insertStarts);
  const ends = batched(store.insertEnds);
  const claims = batched(store.claimEnds);
  const outcomes = batched(store.recordOutcomes);
  return {
    insertStart: (value, bytes) => starts({ value, bytes }),
    insertEnd: (value, bytes) => ends({ value, bytes }),
    claimEnd: (value) => claims({ value, bytes: 0 }),
    recordOutcome: (value, bytes) => outcomes({ value, bytes }),
  };
};
