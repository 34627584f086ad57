/** Serves a stream at once, or in a later turn of the event loop. */
type ServeInTurn = (stream: MaybeClosed, serve: () => void) => void;

interface MaybeClosed {
  readonly closed: boolean;
}

/** With 100, and 5 ms of each turn, OnCallEnd accepted a tenth fewer calls in bursts of ordinary callers. */
const STREAMS_AT_ONCE = 160;
const COUNTED_WITHIN_MS = 5;
const MS_PER_TURN = 20;

/**
 * Returns a function that serves a stream at once, as long as not more than 160 came within 5 ms. It serves the others in
 * later turns of the event loop, for 20 ms of each, in the order of their arrival, and forgets those that are closed by then.
 *
 * One read of a connection can bring 2,000 streams that are opened and cancelled at once, and serving one costs a tenth of a
 * millisecond. Without this, such a read stopped the event loop for up to 256 ms.
 */
export function createStreamTurns(): ServeInTurn {
  const waiting = new Map<MaybeClosed, () => void>();
  let beganAtMs = 0;
  let servedAtOnce = 0;

  const serveWaiting = (): void => {
    const endsAtMs = performance.now() + MS_PER_TURN;
    for (const [stream, serve] of waiting) {
      waiting.delete(stream);
      if (!stream.closed) serve();
      if (performance.now() >= endsAtMs) break;
    }
    if (waiting.size > 0) setImmediate(serveWaiting);
  };
  return (stream, serve) => {
    const nowMs = performance.now();
    if (nowMs - beganAtMs > COUNTED_WITHIN_MS) {
      beganAtMs = nowMs;
      servedAtOnce = 0;
    }
    servedAtOnce += 1;
    if (servedAtOnce <= STREAMS_AT_ONCE && waiting.size === 0) return serve();
    if (waiting.size === 0) setImmediate(serveWaiting);
    waiting.set(stream, serve);
  };
}
