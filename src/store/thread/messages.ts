import {
  CallhooksError,
  ConfigError,
  DatabaseError,
  type DatabaseErrorKind,
  type ErrorDetails,
  type Reason,
} from '../../errors.ts';
import type { RowDatabase } from '../open-sqlite.ts';

/** The parts of a database that have functions of their own. */
export const PARTS = ['agents', 'sealed', 'executions', 'minutes'] as const;

/** One call of a function of the database: `executions.findStart`, or `ping`. */
export interface CallMessage {
  readonly id: number;
  readonly name: string;
  readonly args: readonly unknown[];
}

/** The result of a call, or its error. */
export type AnswerMessage =
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly error: ErrorMessage };

/** The first message of the thread: the names of the functions that it has, or why it has none. */
export type ReadyMessage = { readonly names: readonly string[] } | { readonly error: ErrorMessage };

/** An error in a form that can be cloned for the other thread. */
export interface ErrorMessage {
  readonly name: string;
  readonly message: string;
  readonly stack?: string | undefined;
  readonly code?: string;
  /** The system call that failed, for an error of the system. */
  readonly syscall?: string;
  readonly kind?: DatabaseErrorKind;
  readonly reason?: Reason;
  readonly details?: ErrorDetails;
  readonly problems?: readonly string[];
  readonly cause?: ErrorMessage | undefined;
}

type Functions = Readonly<Record<string, (...args: readonly unknown[]) => Promise<unknown>>>;

/** Returns the functions of a database by the names that messages use. */
export function functionsOf(database: RowDatabase): Functions {
  const all = database as unknown as Record<string, unknown>;
  const nested = PARTS.flatMap((part) =>
    Object.entries(all[part] as Functions).map(([name, run]) => [`${part}.${name}`, run] as const),
  );
  const own = Object.entries(all).filter(([, value]) => typeof value === 'function');
  return Object.fromEntries([...nested, ...(own as [string, Functions[string]][])]);
}

/** Returns the fields of an error, so that they can be cloned. */
export function toErrorMessage(error: unknown): ErrorMessage {
  if (!(error instanceof Error)) return { name: 'Error', message: String(error) };
  const { name, message, stack } = error;
  const { code, syscall } = error as { code?: unknown; syscall?: unknown };
  return {
    ...{ name, message, stack },
    ...(typeof code === 'string' && { code }),
    ...(typeof syscall === 'string' && { syscall }),
    ...(error instanceof DatabaseError && { kind: error.kind }),
    ...(error instanceof CallhooksError && { reason: error.reason, details: error.details }),
    ...(error instanceof ConfigError && { problems: error.problems }),
    ...(error.cause !== undefined && { cause: toErrorMessage(error.cause) }),
  };
}

/** Makes an error of its own class again. */
export function toError(message: ErrorMessage): Error {
  const cause = message.cause && toError(message.cause);
  const error = newError(message, cause);
  if (message.stack !== undefined) error.stack = message.stack;
  return error;
}

function newError(
  { message, code, syscall, kind, reason, details, problems }: ErrorMessage,
  cause?: Error,
): Error {
  if (kind !== undefined) return new DatabaseError(kind, cause);
  if (reason !== undefined) return new CallhooksError(reason, message, details, { cause });
  if (problems !== undefined) return new ConfigError(problems);
  return Object.assign(new Error(message, cause && { cause }), {
    ...(code !== undefined && { code }),
    ...(syscall !== undefined && { syscall }),
  });
}
