const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
// Sampled, and (Level 2) that the trace id is random. The others must be zero.
const KNOWN_FLAGS = 0x03;

/**
 * The `traceparent` of our own span in the caller's trace (W3C Trace Context), or undefined where the caller's header
 * is absent or malformed. Of a later version the fields of version 00 are read. `newSpanId` makes 16 lower-case hex
 * digits; it is called only where they are needed.
 */
export const childTraceparent = (
  incoming: string | undefined,
  newSpanId: () => string,
): string | undefined => {
  if (incoming === undefined) return undefined;
  const [, version, traceId, parentId, flags, more] = TRACEPARENT.exec(incoming) ?? [];
  if (version === undefined || version === 'ff' || (version === '00' && more !== undefined)) return undefined;
  if (/^0+$/.test(traceId ?? '') || /^0+$/.test(parentId ?? '')) return undefined;
  const known = Number.parseInt(flags ?? '', 16) & KNOWN_FLAGS;
  return `00-${traceId}-${newSpanId()}-0${known}`;
};
