const TRACEPARENT = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;

/**
 * The `traceparent` of our own span in the caller's trace (W3C Trace Context), or undefined where the caller's header
 * is absent or malformed. `spanId` is 16 lower-case hex digits.
 */
export const childTraceparent = (incoming: string | undefined, spanId: string): string | undefined => {
  const [, traceId, parentId, flags] = TRACEPARENT.exec(incoming ?? '') ?? [];
  if (traceId === undefined || /^0+$/.test(traceId) || /^0+$/.test(parentId ?? '')) return undefined;
  return `00-${traceId}-${spanId}-${flags}`;
};
