import { CallhooksError } from '../../errors.ts';
import type { ByteBudget, HeldBytes } from './byte-budget.ts';
import type { Slots } from './request-slots.ts';

/** Says whether a new call may come in, before anything is looked up or recorded. */
export interface Admission {
  /**
   * Holds the bytes of a start's message while it runs.
   * @throws CallhooksError SHUTTING_DOWN, LIMIT_REACHED
   */
  admitStart(bytes: number): HeldBytes;
  /**
   * Holds the bytes of an end's message while it is accepted.
   * @throws CallhooksError SHUTTING_DOWN, LIMIT_REACHED
   */
  admitEnd(bytes: number): HeldBytes;
  /** From now on every new call is refused. */
  shut(): void;
  isShut(): boolean;
}

/** The refusal of a call because a limit is reached: nothing was recorded. */
export const limitReached = (what: string): CallhooksError =>
  new CallhooksError('LIMIT_REACHED', `${what}; nothing was recorded`, { retryAfterMs: 1_000 });

/** What the admission asks. `backlogIsFull` and `diskIsFull` answer from when they were last looked at. */
export interface AdmissionDeps {
  readonly slots: Slots;
  readonly maxPreCalls: number;
  readonly budget: ByteBudget;
  readonly backlogIsFull: () => boolean;
  readonly diskIsFull: () => boolean;
}

/** Makes the admission. */
export const createAdmission = (deps: AdmissionDeps): Admission => {
  let isShut = false;
  const refuseWhenShut = (): void => {
    if (isShut) {
      throw new CallhooksError('SHUTTING_DOWN', 'this replica is shutting down; nothing was accepted', {
        retryAfterMs: 100,
      });
    }
  };
  const hold = (bytes: number): HeldBytes => {
    if (deps.diskIsFull()) throw limitReached("the database's disk is nearly full");
    const held = deps.budget.hold(bytes);
    if (held === undefined) throw limitReached('too many bytes are held for calls in flight');
    return held;
  };
  return {
    admitStart: (bytes) => {
      refuseWhenShut();
      if (deps.slots.inFlight() >= deps.maxPreCalls) throw limitReached('too many pre-calls are in flight');
      return hold(bytes);
    },
    admitEnd: (bytes) => {
      refuseWhenShut();
      if (deps.backlogIsFull()) throw limitReached('too many post-calls wait to be sent');
      return hold(bytes);
    },
    shut: () => {
      isShut = true;
    },
    isShut: () => isShut,
  };
};
