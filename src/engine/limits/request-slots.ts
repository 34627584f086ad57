/** Which limit left no slot free: the limit of all requests, or the limit of one origin. */
export type SlotRefusal = 'total' | 'origin';

/** The right to have one request under way. `release` gives it back once, however often it is called. */
export interface RequestSlot {
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

  const giveBack = (origin: string): void => {
    total -= 1;
    const left = countOf(origin) - 1;
    if (left === 0) perOrigin.delete(origin);
    else perOrigin.set(origin, left);
  };

  return {
    take: (origin) => {
      if (total >= limits.total) return 'total';
      if (countOf(origin) >= limits.perOrigin) return 'origin';
      total += 1;
      perOrigin.set(origin, countOf(origin) + 1);
      let isTaken = true;
      return {
        release: () => {
          if (!isTaken) return;
          isTaken = false;
          giveBack(origin);
        },
      };
    },
    free: (origin) => Math.min(limits.total - total, limits.perOrigin - countOf(origin)),
    inFlight: () => total,
  };
}
