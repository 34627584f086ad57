/** Of a driver's message, what stands in quotes after these words is a value from a row. */
const QUOTED_VALUE = /\b(entry|value|value:) '(?:[^'\\]|\\.|'')*'/gi;
const MAX_CAUSES = 5;

/**
 * An error as it is logged: type, message, place and causes, but none of a driver's other fields (statements, values),
 * and values quoted by a driver's message are left out.
 */
export function describeError(error: unknown, depth = 0): object {
  if (!(error instanceof Error)) return { type: typeof error };
  const { code, errno, reason, kind } = error as Error &
    Record<'code' | 'errno' | 'reason' | 'kind', unknown>;
  return {
    type: error.name,
    message: error.message.replace(QUOTED_VALUE, "$1 '…'"),
    code,
    errno,
    reason,
    kind,
    stack: error.stack
      ?.split('\n')
      .filter((line) => /^\s+at /.test(line))
      .join('\n'),
    ...(error.cause === undefined || depth >= MAX_CAUSES
      ? {}
      : { cause: describeError(error.cause, depth + 1) }),
  };
}
