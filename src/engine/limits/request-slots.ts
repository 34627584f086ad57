/** Which limit left no slot free: the limit of all requests, or the limit of one origin. */
export type SlotRefusal = 'total' | 'origin';

/** The right to have one request under way to an origin. */
export interface RequestSlot {
  /** Moves the slot to another origin. Returns false, and moves nothing, if that origin has none left. */
  moveTo(origin: string): boolean;
  /** Gives the slot back once, however often it is called. */
  release(): void;
}

/** Counts the requests in flight, in all and per origin, so that one slow endpoint leaves room for the others. */
export interface RequestSlots {
  /** Takes a slot, or returns the limit that is reached. */
  take(origin: string): RequestSlot | SlotRefusal;
  /** Returns how many slots an origin could take now. */
  free(origin: string): number;
  inFlight(): number;
}

/** Makes request slots with a limit in all and one per origin. */
export function createRequestSlots(limits: { total: number; perOrigin: number }): RequestSlots {
  const perOrigin = new Map<string, number>();
  let total = 0;
  const countOf = (origin: string): number => perOrigin.get(origin) ?? 0;

  const leave = (origin: string): void => {
    const left = countOf(origin) - 1;
    if (left === 0) perOrigin.delete(origin);
    else perOrigin.set(origin, left);
  };

  const enter = (origin: string): void => {
    perOrigin.set(origin, countOf(origin) + 1);
  };

  return {
    take: (origin) => {
      if (total >= limits.total) return 'total';
      if (countOf(origin) >= limits.perOrigin) return 'origin';
      total += 1;
      enter(origin);
      let current: string | undefined = origin;
      return {
        moveTo: (next) => {
          if (current === undefined || countOf(next) >= limits.perOrigin) return false;
          leave(current);
          enter(next);
          current = next;
          return true;
        },
        release: () => {
          if (current === undefined) return;
          leave(current);
          current = undefined;
          total -= 1;
        },
      };
    },
    free: (origin) => Math.min(limits.total - total, limits.perOrigin - countOf(origin)),
    inFlight: () => total,
  };
}
