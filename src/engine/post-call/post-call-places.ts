import { MAX_RENDERED_BODY_BYTES } from '../../domain/limits.ts';
import type { ByteBudget, ByteReservation } from '../limits/byte-budget.ts';
import type { RequestSlot, RequestSlots } from '../limits/request-slots.ts';

/** What a post-call needs to begin: a slot of the process and of its origin, and room for its body. */
export interface Place {
  readonly slot: RequestSlot;
  readonly reservation: ByteReservation;
}

/** Gives places to post-calls. */
export interface Places {
  /** Returns how many post-calls could take a place at an origin now. */
  room(origin: string): number;
  /** Takes a place, or returns undefined when there is none. */
  take(origin: string): Place | undefined;
}

/**
 * Makes the places. Room for a body is reserved before the claim: a claimed post-call can't wait any more, and hundreds
 * begin before the first body is known. Half of the budget stays free for callers on the phone.
 */
export function createPlaces(slots: RequestSlots, budget: ByteBudget): Places {
  const keepFree = budget.maxBytes / 2;
  return {
    room: (origin) => (budget.hasRoom(MAX_RENDERED_BODY_BYTES + keepFree) ? slots.free(origin) : 0),
    take: (origin) => {
      const slot = slots.take(origin);
      if (typeof slot === 'string') return undefined;
      const reservation = budget.reserve(MAX_RENDERED_BODY_BYTES, keepFree);
      if (reservation === undefined) slot.release();
      return reservation && { slot, reservation };
    },
  };
}
