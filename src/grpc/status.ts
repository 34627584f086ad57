import { Metadata, status } from '@grpc/grpc-js';
import type { Reason, StatusName } from '../errors.ts';
import { CallhooksError, databaseUnavailable, DatabaseError, limitReached, REASONS } from '../errors.ts';
import type { Any } from '../gen/google/protobuf/any.ts';
import { Status } from '../gen/google/rpc/status.ts';
import type { ErrorReason } from '../gen/index.callhooks.v1.ts';
import { cutText, detailsOf, requestInfo } from './error-details.ts';
import { PUSHBACK_HEADER, pushbackOf } from './retry-pushback.ts';

const DETAILS_HEADER = 'grpc-status-details-bin';
/**
 * The message is in the trailers twice: in `grpc-message`, where percent-encoding can make it three times as long, and in
 * the details. With this limit all trailers stay below 8 KiB.
 */
const MAX_MESSAGE_BYTES = 320;

type ValueName = Exclude<keyof typeof ErrorReason, 'UNRECOGNIZED' | 'ERROR_REASON_UNSPECIFIED'>;
type WithoutPrefix<Name> = Name extends `ERROR_REASON_${infer Rest}` ? Rest : never;

/**
 * The name of the status code of each reason. Its type and its use keep {@link REASONS} and the proto enum `ErrorReason`
 * equal: this file does not compile when either of them lacks a name of the other.
 */
const STATUS_NAMES: Readonly<Record<WithoutPrefix<ValueName>, StatusName>> = REASONS;

/** How an RPC ends when its handler failed, in the form that grpc-js takes. */
export interface ErrorStatus {
  readonly code: status;
  readonly details: string;
  readonly metadata: Metadata;
  /** It is absent for `INTERNAL`. */
  readonly reason?: Reason;
  /** The cause, which only the log may show. */
  readonly cause?: unknown;
}

/**
 * Returns the status for an error. It is the only way from an error to the wire. Errors of ours keep their message and
 * details. Any other error becomes "internal error" with the request's id, because drivers put statements and values
 * into their messages.
 */
export function toErrorStatus(error: unknown, requestId: string): ErrorStatus {
  const ours = toCallhooksError(error);
  if (ours === undefined) {
    const internal = rpcStatus(status.INTERNAL, 'internal error', [requestInfo(requestId)]);
    return { ...internal, cause: error };
  }
  const code = status[STATUS_NAMES[ours.reason]];
  const known = rpcStatus(code, cutText(ours.message, MAX_MESSAGE_BYTES), detailsOf(ours));
  const pushbackMs = pushbackOf(ours);
  if (pushbackMs !== undefined) known.metadata.set(PUSHBACK_HEADER, String(pushbackMs));
  return { ...known, reason: ours.reason, ...(ours.cause === undefined ? {} : { cause: ours.cause }) };
}

/** Returns the error that a caller is told, or undefined for a bug of ours. */
export function toCallhooksError(error: unknown): CallhooksError | undefined {
  return error instanceof CallhooksError ? error : fromDatabaseError(error);
}

/**
 * The caller may repeat a statement that the database could not execute now. A statement that is wrong, or has a bad row,
 * is a bug of ours and stays INTERNAL.
 */
function fromDatabaseError(error: unknown): CallhooksError | undefined {
  if (!(error instanceof DatabaseError) || error.kind === 'row' || error.kind === 'bug') return undefined;
  if (error.kind === 'busy') return limitReached('the database is busy with other calls', error);
  return databaseUnavailable(error);
}

function rpcStatus(code: status, message: string, details: Any[]): Omit<ErrorStatus, 'reason' | 'cause'> {
  const metadata = new Metadata();
  metadata.set(DETAILS_HEADER, Buffer.from(Status.encode({ code, message, details }).finish()));
  return { code, details: message, metadata };
}
