import { validationFailed, type CallhooksError } from '../../errors.ts';

/** An insert that waits longer for its turn, in milliseconds, is of no use to its caller, and a repeat is as good as new. */
export const WITHDRAW_AFTER_MS = 500;

/** Makes the refusal of a call whose row the database does not take. `length` is that of its JSON text. */
export function rowRefused(length: number, cause: unknown): CallhooksError {
  const description = `must fit into one row of the database: it does not take these ${length} bytes`;
  const error = validationFailed([{ field: 'dynamic_variables', description }]);
  error.cause = cause;
  return error;
}
