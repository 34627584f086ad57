/** The bytes that are reserved for one call, until each part of the call that uses them has released them. */
export interface ByteReservation {
  /** Reserves that many more bytes. Returns false, and reserves none, when they do not fit. */
  grow(bytes: number): boolean;
  /** Sets the reservation to so many bytes, whether they fit or not: the message turned out larger or smaller. */
  resize(bytes: number): void;
  /** Adds a user of the reservation, which has to release it too. */
  retain(): ByteReservation;
  /** Releases the bytes for one user. The release of the last user gives all of them back. */
  release(): void;
}

/**
 * Bounds the bytes reserved for calls in flight: messages, rendered bodies, responses and unwritten outcomes together.
 */
export interface ByteBudget {
  /**
   * Reserves bytes for a call. Returns undefined when they do not fit, or would leave less than `keepFree`. `onRelease`
   * is called once, when the last user has released them.
   */
  reserve(bytes: number, keepFree?: number, onRelease?: () => void): ByteReservation | undefined;
  /** Reports whether that many bytes would fit now. Reserves none. */
  hasRoom(bytes: number): boolean;
  reservedBytes(): number;
  readonly maxBytes: number;
}

/** Makes a budget of `maxBytes`. */
export function createByteBudget(maxBytes: number): ByteBudget {
  let reserved = 0;
  const hasRoom = (bytes: number): boolean => reserved + bytes <= maxBytes;
  const begin = (bytes: number, onRelease?: () => void): ByteReservation => {
    reserved += bytes;
    let own = bytes;
    let users = 1;
    const add = (more: number): void => {
      reserved += more;
      own += more;
    };
    const self: ByteReservation = {
      grow: (more) => {
        if (!hasRoom(more)) return false;
        add(more);
        return true;
      },
      resize: (bytes) => add(bytes - own),
      retain: () => {
        users += 1;
        return self;
      },
      release: () => {
        users -= 1;
        if (users > 0) return;
        reserved -= own;
        onRelease?.();
      },
    };
    return self;
  };
  return {
    reserve: (bytes, keepFree = 0, onRelease) =>
      hasRoom(bytes + keepFree) ? begin(bytes, onRelease) : undefined,
    hasRoom,
    reservedBytes: () => reserved,
    maxBytes,
  };
}
