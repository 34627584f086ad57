import type {
  ClaimResult,
  EndClaim,
  ExecutionStore,
  InsertResult,
  NewEnd,
  NewStart,
  Outcome,
  OutcomeResult,
} from '../../store/types.ts';
import { createBatcher, type Queue } from './write-batcher.ts';

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

/** How the rows of one kind are written, and told apart where somebody holds some of them. */
interface Kind<T, R> {
  readonly write: (items: readonly T[]) => Promise<readonly R[]>;
  readonly keyOf: (item: T) => string;
  readonly findHeld: (keys: readonly string[]) => Promise<readonly string[]>;
  readonly goesAfter?: readonly Queue[];
}

/** Makes the writes; `lanes` is how many commits of one kind may be in flight at once. */
export const createWrites = (store: ExecutionStore, lanes: number): Writes => {
  const batched = <T, R>({ write, keyOf, ...rest }: Kind<T, R>) =>
    createBatcher<Sized<T>, R>({
      ...rest,
      write: (items) => write(items.map(({ value }) => value)),
      bytesOf: ({ bytes }) => bytes + ROW_BYTES,
      keyOf: ({ value }) => keyOf(value),
      lanes,
    });
  const conversationOf = ({ conversationUuid }: NewStart | NewEnd): string => conversationUuid;
  const uuidOf = ({ executionUuid }: EndClaim | Outcome): string => executionUuid;
  const starts = batched({
    write: store.insertStarts,
    keyOf: conversationOf,
    findHeld: (keys) => store.findUncommitted('pre_call', keys),
  });
  const ends = batched({
    write: store.insertEnds,
    keyOf: conversationOf,
    findHeld: (keys) => store.findUncommitted('post_call', keys),
  });
  const outcomes = batched({ write: store.recordOutcomes, keyOf: uuidOf, findHeld: store.findLocked });
  const claims = batched({
    write: store.claimEnds,
    keyOf: uuidOf,
    findHeld: store.findLocked,
    goesAfter: [starts, outcomes],
  });
  return {
    insertStart: (value, bytes) => starts.submit({ value, bytes }),
    insertEnd: (value, bytes) => ends.submit({ value, bytes }),
    claimEnd: (value) => claims.submit({ value, bytes: 0 }),
    recordOutcome: (value, bytes) => outcomes.submit({ value, bytes }),
  };
};
