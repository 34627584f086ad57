const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const NO_TRACE = '0'.repeat(32);
const NO_SPAN = '0'.repeat(16);
// A later version may be longer than the 55 characters of version 00.
const MAX_LENGTH = 256;
// The flags for a sampled trace and (Level 2) for a random trace id. All others must be zero.
const KNOWN_FLAGS = 0x03;

/**
 * Returns a `traceparent` (W3C Trace Context) in the form of version 00 with the flags that are known, or undefined when the
 * text is absent, malformed or longer than 256 characters. A later version is read by the fields of version 00.
 */
export function readTraceparent(text: string | undefined): string | undefined {
  if (text === undefined || text.length > MAX_LENGTH) return undefined;
  const [, version, traceId, parentId, flags, more] = TRACEPARENT.exec(text) ?? [];
  if (version === undefined || version === 'ff' || (version === '00' && more !== undefined)) return undefined;
  if (traceId === NO_TRACE || parentId === NO_SPAN) return undefined;
  return `00-${traceId}-${parentId}-0${Number.parseInt(flags ?? '', 16) & KNOWN_FLAGS}`;
}

/** Returns the trace id, 32 hex digits, of what {@link readTraceparent} returned. */
export function traceIdOf(traceparent: string): string {
  return traceparent.slice(3, 35);
}

/** Returns the span id, 16 hex digits, of what {@link readTraceparent} returned. */
export function spanIdOf(traceparent: string): string {
  return traceparent.slice(36, 52);
}

/** Returns the `traceparent` of another span in the same trace, with the same flags. */
export function withSpanId(traceparent: string, spanId: string): string {
  return `${traceparent.slice(0, 36)}${spanId}${traceparent.slice(52)}`;
}
