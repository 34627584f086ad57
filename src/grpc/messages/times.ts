import type { Duration } from '../../gen/google/protobuf/duration.ts';

const NANOS_PER_MS = 1_000_000;
const NANOS_PER_SECOND = 1_000_000_000;

/** Returns a `google.protobuf.Duration`. `ms` is not negative; its fraction is kept down to nanoseconds. */
export function toDuration(ms: number): Duration {
  const wholeSeconds = Math.floor(ms / 1000);
  const nanos = Math.round((ms - wholeSeconds * 1000) * NANOS_PER_MS);
  // Rounding may complete the last second.
  return nanos < NANOS_PER_SECOND
    ? { seconds: BigInt(wholeSeconds), nanos }
    : { seconds: BigInt(wholeSeconds + 1), nanos: 0 };
}

/** Returns a `google.protobuf.Timestamp` in the form that the generated code takes. */
export function toTimestamp(epochMs: number): Date {
  return new Date(epochMs);
}
