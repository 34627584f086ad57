/** Finds values of rows in a driver's message: they are in quotes after these words. */
const QUOTED_VALUE = /\b(entry|value|value:) '(?:[^'\\]|\\.|'')*'/gi;
const MAX_CAUSES = 5;

/**
 * Returns the loggable part of an error: its type, message, stack and causes. A driver's other fields (statements, values)
 * and the values that its message quotes are left out.
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
