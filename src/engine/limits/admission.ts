import { limitReached, shuttingDown, tooManyBytes } from '../../errors.ts';
import type { ByteBudget, ByteReservation } from './byte-budget.ts';

/** Decides whether a new call may come in, before anything is read or recorded. */
export interface Admission {
  /**
   * Takes a place for a start (or a test of a webhook) and reserves the bytes of its message. The place is given back with
   * the bytes, so a start keeps it from its admission until it is answered and recorded, with or without a slot.
   * @throws CallhooksError SHUTTING_DOWN, LIMIT_REACHED
   */
  admitStart(bytes: number): ByteReservation;
  /**
   * Reserves the bytes of an `OnCallEnd` message while its post-call is accepted.
   * @throws CallhooksError SHUTTING_DOWN, LIMIT_REACHED
   */
  admitPostCall(bytes: number): ByteReservation;
  /** Returns the milliseconds since the last call came in, admitted or not; Infinity before the first. */
  idleMs(): number;
  /** Refuses new calls for as long as the database's disk is nearly full. */
  setDiskFull(isFull: boolean): void;
  /** Refuses every new call from now on. */
  shut(): void;
}

/** What the admission asks. `tooManyPending` answers from the last count. */
export interface AdmissionDeps {
  /** How many places for starts and tests there are. */
  readonly maxPreCalls: number;
  readonly budget: ByteBudget;
  readonly tooManyPending: () => boolean;
}

/** Makes the admission. */
export function createAdmission(deps: AdmissionDeps): Admission {
  let isShut = false;
  let isDiskFull = false;
  let startsInFlight = 0;
  let lastCallAtMs = -Infinity;
  const refuseWhenShut = (): void => {
    if (isShut) throw shuttingDown();
  };
  const reserve = (bytes: number, onRelease?: () => void): ByteReservation => {
    if (isDiskFull) throw limitReached("the database's disk is nearly full");
    const reservation = deps.budget.reserve(bytes, 0, onRelease);
    if (reservation === undefined) throw tooManyBytes();
    return reservation;
  };
  return {
    admitStart: (bytes) => {
      lastCallAtMs = performance.now();
      refuseWhenShut();
      if (startsInFlight >= deps.maxPreCalls) throw limitReached('too many pre-calls are in flight');
      const reservation = reserve(bytes, () => (startsInFlight -= 1));
      startsInFlight += 1;
      return reservation;
    },
    admitPostCall: (bytes) => {
      lastCallAtMs = performance.now();
      refuseWhenShut();
      if (deps.tooManyPending()) throw limitReached('too many post-calls are pending');
      return reserve(bytes);
    },
    idleMs: () => performance.now() - lastCallAtMs,
    setDiskFull: (isFull) => {
      isDiskFull = isFull;
    },
    shut: () => {
      isShut = true;
    },
  };
}
