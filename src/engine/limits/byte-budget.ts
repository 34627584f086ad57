/** Bytes that one call holds, until each of its holders has let go. */
export interface HeldBytes {
  /** Whether that many more bytes fit; they count from then on. */
  reserve(bytes: number): boolean;
  /** Holds so many bytes instead: what is there turned out to be more, or less, than was held for it. */
  become(bytes: number): void;
  /** One more holder. */
  retain(): HeldBytes;
  /** Lets go, once per holder; the last one gives everything back. */
  release(): void;
}

/** Bounds the bytes held for calls in flight: messages, rendered bodies, responses and unwritten outcomes together. */
export interface ByteBudget {
  /**
   * Holds bytes for a call, or undefined when they don't fit, or would leave less than `keepFree`. `onRelease` is called
   * once, when the last holder has let go.
   */
  hold(bytes: number, keepFree?: number, onRelease?: () => void): HeldBytes | undefined;
  /** Whether that many bytes would fit now; none are held. */
  hasRoom(bytes: number): boolean;
  heldBytes(): number;
  readonly maxBytes: number;
}

/** Makes a budget of `maxBytes`. */
export const createByteBudget = (maxBytes: number): ByteBudget => {
  let held = 0;
  const hasRoom = (bytes: number): boolean => held + bytes <= maxBytes;
  const begin = (bytes: number, onRelease?: () => void): HeldBytes => {
    held += bytes;
    let own = bytes;
    let holders = 1;
    const add = (more: number): void => {
      held += more;
      own += more;
    };
    const self: HeldBytes = {
      reserve: (more) => {
        if (!hasRoom(more)) return false;
        add(more);
        return true;
      },
      become: (bytes) => add(bytes - own),
      retain: () => {
        holders += 1;
        return self;
      },
      release: () => {
        holders -= 1;
        if (holders > 0) return;
        held -= own;
        onRelease?.();
      },
    };
    return self;
  };
  return {
    hold: (bytes, keepFree = 0, onRelease) =>
      hasRoom(bytes + keepFree) ? begin(bytes, onRelease) : undefined,
    hasRoom,
    heldBytes: () => held,
    maxBytes,
  };
};
