/** Bytes that one call holds: grows by `reserve`, ends by `release`. */
export interface HeldBytes {
  /** Whether that many more bytes fit; they count from then on. */
  reserve(bytes: number): boolean;
  /** Gives everything back, once. */
  release(): void;
}

/** Bounds the bytes held for calls in flight: messages, rendered bodies, responses and unwritten outcomes together. */
export interface ByteBudget {
  /** Holds bytes for a call, or undefined when they don't fit. */
  hold(bytes: number): HeldBytes | undefined;
  /** Whether that many bytes would fit now; none are held. */
  hasRoom(bytes: number): boolean;
  heldBytes(): number;
}

/** Makes a budget of `maxBytes`. */
export const createByteBudget = (maxBytes: number): ByteBudget => {
  let held = 0;
  const hasRoom = (bytes: number): boolean => held + bytes <= maxBytes;
  const reserve = (bytes: number): boolean => {
    if (!hasRoom(bytes)) return false;
    held += bytes;
    return true;
  };
  return {
    hold: (bytes) => {
      if (!reserve(bytes)) return undefined;
      let own = bytes;
      return {
        reserve: (more) => {
          if (!reserve(more)) return false;
          own += more;
          return true;
        },
        release: () => {
          held -= own;
          own = 0;
        },
      };
    },
    hasRoom,
    heldBytes: () => held,
  };
};
