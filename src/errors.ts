/**
 * Holds the gRPC status code of every reason that callhooks answers with. The names are those of the proto enum
 * `ErrorReason`, without its prefix; src/grpc/status.ts does not compile when the two differ.
 */
export const REASONS = {
  VALIDATION_FAILED: 'INVALID_ARGUMENT',
  AGENT_NOT_FOUND: 'NOT_FOUND',
  WEBHOOK_NOT_FOUND: 'NOT_FOUND',
  EXECUTION_NOT_FOUND: 'NOT_FOUND',
  AGENT_EXISTS: 'ALREADY_EXISTS',
  WEBHOOK_EXISTS: 'ALREADY_EXISTS',
  CONVERSATION_AGENT_MISMATCH: 'FAILED_PRECONDITION',
  CONVERSATION_PURGED: 'FAILED_PRECONDITION',
  WEBHOOK_CHAINING: 'FAILED_PRECONDITION',
  VARIABLE_IN_USE: 'FAILED_PRECONDITION',
  SECRET_IN_USE: 'FAILED_PRECONDITION',
  ETAG_MISMATCH: 'ABORTED',
  EXECUTION_RUNNING: 'ABORTED',
  LIMIT_REACHED: 'RESOURCE_EXHAUSTED',
  DATABASE_UNAVAILABLE: 'UNAVAILABLE',
  OUTCOME_NOT_RECORDED: 'UNAVAILABLE',
  SHUTTING_DOWN: 'UNAVAILABLE',
  KEY_UNAVAILABLE: 'UNAVAILABLE',
  UNAUTHENTICATED: 'UNAUTHENTICATED',
  ROLE_NOT_ALLOWED: 'PERMISSION_DENIED',
  DEADLINE_TOO_SHORT: 'DEADLINE_EXCEEDED',
} as const;

/** The reason why a request was refused: a key of {@link REASONS}. */
export type Reason = keyof typeof REASONS;

/** The name of a gRPC status code that belongs to a reason. */
export type StatusName = (typeof REASONS)[Reason];

/** A rule that a field of the request breaks. */
export interface Violation {
  /** The path from the request message: `webhook_config.assignments[0].source`. It is empty for the whole message. */
  readonly field: string;
  /** The end of the sentence "FIELD …". */
  readonly description: string;
}

/** The content of the `google.rpc` details of a status, as plain data. */
export interface ErrorDetails {
  /** For `BadRequest`: every violation, in the order of the request. */
  readonly violations?: readonly Violation[];
  /** For `ResourceInfo`: the resource that was not found, or exists already. */
  readonly resource?: { readonly type: 'agent' | 'webhook' | 'execution'; readonly name: string };
  /** For `PreconditionFailure`: each condition that is not met. */
  readonly preconditions?: readonly { readonly subject: string; readonly description: string }[];
  /** For `RetryInfo`: how long the client should wait before it repeats the request. */
  readonly retryAfterMs?: number;
}

/**
 * The error for a request that is bad, or that callhooks can't answer now. The client sees its message and details, so
 * they never hold SQL, driver text, secrets or values. A webhook that fails is not an error but an outcome.
 */
export class CallhooksError extends Error {
  readonly reason: Reason;
  readonly details: ErrorDetails;

  constructor(reason: Reason, message: string, details: ErrorDetails = {}, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'CallhooksError';
    this.reason = reason;
    this.details = details;
  }
}

/** Returns the violation of a field, or none when `problem` is undefined. `problem` completes the sentence "FIELD …". */
export function violationsOf(field: string, problem: string | undefined): Violation[] {
  return problem === undefined ? [] : [{ field, description: problem }];
}

/** Returns the error for a request that breaks rules. It lists all violations and names the first one in its message. */
export function validationFailed(violations: readonly Violation[]): CallhooksError {
  const [first] = violations;
  const more = violations.length > 1 ? ` (and ${violations.length - 1} more)` : '';
  const message =
    first === undefined ? 'invalid request' : `${first.field || 'the request'}: ${first.description}${more}`;
  return new CallhooksError('VALIDATION_FAILED', message, { violations });
}

/** Returns the refusal of a request because a limit is reached. `limit` is the beginning of its message. */
export function limitReached(limit: string, cause?: unknown): CallhooksError {
  const message = `${limit}; nothing was recorded`;
  return new CallhooksError('LIMIT_REACHED', message, { retryAfterMs: 1_000 }, { cause });
}

/** Returns the refusal of a call whose bytes do not fit into `CALLHOOKS_MAX_BUFFERED_BYTES`. */
export function tooManyBytes(): CallhooksError {
  return limitReached('too many bytes are reserved for calls in flight');
}

/** Returns the error for a request whose effect is not known because the database did not confirm it. */
export function databaseUnavailable(cause?: unknown): CallhooksError {
  const message =
    'the database is unavailable; whether the request took effect is not known, and repeating it is safe';
  return new CallhooksError('DATABASE_UNAVAILABLE', message, { retryAfterMs: 1_000 }, { cause });
}

/** Returns the refusal of a request that arrives while this replica shuts down. */
export function shuttingDown(): CallhooksError {
  const message = 'this replica is shutting down; nothing was accepted';
  return new CallhooksError('SHUTTING_DOWN', message, { retryAfterMs: 100 });
}

/**
 * How a database statement failed.
 * - `away`: the connection is lost or the server can't serve. Whether the statement took effect is not known.
 * - `conflict`: the database rolled the whole statement back, and it may be repeated.
 * - `busy`: there was no free connection, or the file was locked. The statement did nothing, and this says nothing about
 *   the health of the database.
 * - `full`: the disk has no room.
 * - `row`: the database refuses one of the statement's rows.
 * - `bug`: any other error.
 */
export type DatabaseErrorKind = 'away' | 'conflict' | 'busy' | 'full' | 'row' | 'bug';

/** A database driver's error, which only `store/` translates. Its cause is for the log and never reaches a client. */
export class DatabaseError extends Error {
  readonly kind: DatabaseErrorKind;
  /** A sentence about what the operator can do, if the error tells. It may be printed. */
  readonly advice: string | undefined;

  constructor(kind: DatabaseErrorKind, cause?: unknown, advice?: string) {
    super(advice === undefined ? `database: ${kind}` : `database: ${kind}: ${advice}`, { cause });
    this.name = 'DatabaseError';
    this.kind = kind;
    this.advice = advice;
  }
}

/** Reports whether an error is the database's, and of one of these kinds. */
export function isDatabaseError(
  error: unknown,
  ...kinds: readonly DatabaseErrorKind[]
): error is DatabaseError {
  return error instanceof DatabaseError && kinds.includes(error.kind);
}

/** Work that was rolled back because of others is tried this many times. */
export const MAX_CONFLICT_TRIES = 6;
/**
 * Work that was rolled back because of others, or that found the database busy, is not repeated after this time. One lock
 * wait takes 1 s, so work that has met a locked row is not repeated as it is. The writer then looks for that row, so that
 * the others of its batch need not wait for it.
 */
export const MAX_CONFLICT_MS = 900;
/**
 * A connection that was lost shows that within this time of a statement's begin. A statement that has waited for longer in
 * vain shows that the database is away.
 */
export const LOST_WITHIN_MS = 500;

/** Returns the code that Node.js or a library gave an error (`ECONNREFUSED`), if there is one. */
export function errorCode(error: unknown): string | undefined {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' && code !== '' ? code : undefined;
}

/**
 * Says why a process can't start until an operator changes its settings, its keys or its schema. It lists every problem
 * as a sentence that may be printed, without secrets.
 */
export class ConfigError extends Error {
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join('; '));
    this.name = 'ConfigError';
    this.problems = problems;
  }
}
