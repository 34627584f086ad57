import { Metadata, status } from '@grpc/grpc-js';
import type { Reason } from '../errors.ts';
import { CallhooksError, DatabaseError } from '../errors.ts';
import type { Any } from '../gen/google/protobuf/any.ts';
import { Status } from '../gen/google/rpc/status.ts';
import { cutText, detailsOf, requestInfo } from './error-details.ts';
import { codeOf } from './reasons.ts';

const DETAILS_HEADER = 'grpc-status-details-bin';
/** It goes twice into the trailers, once percent-encoded (three times as long), which all stay below 8 KiB. */
const MAX_MESSAGE_BYTES = 320;
const RETRY_AFTER_MS = 1000;

/** How an RPC ends when its handler failed, ready for grpc-js. */
export interface ErrorStatus {
  readonly code: status;
  readonly details: string;
  readonly metadata: Metadata;
  /** Absent: `INTERNAL`, or the caller's own deadline. */
  readonly reason?: Reason;
  /** What only the log may say. */
  readonly cause?: unknown;
}

/**
 * The one way from an error to the wire. Errors of ours keep their message and details; of every other error nothing
 * passes but "internal error" and the request's id, because drivers put statements and values into their messages.
 */
export const toErrorStatus = (error: unknown, requestId: string): ErrorStatus => {
  const ours = error instanceof CallhooksError ? error : ofDatabase(error);
  if (ours === undefined) {
    const internal = rpcStatus(status.INTERNAL, 'internal error', [requestInfo(requestId)]);
    return { ...internal, cause: error };
  }
  const known = rpcStatus(codeOf(ours.reason), cutText(ours.message, MAX_MESSAGE_BYTES), detailsOf(ours));
  return { ...known, reason: ours.reason, ...(ours.cause === undefined ? {} : { cause: ours.cause }) };
};

/** A statement that the database could not take now may be repeated by the caller; a wrong one is a bug of ours. */
const ofDatabase = (error: unknown): CallhooksError | undefined => {
  if (!(error instanceof DatabaseError) || error.kind === 'row' || error.kind === 'bug') return undefined;
  if (error.kind === 'busy') {
    const message = 'the database is busy with other calls; nothing was recorded';
    return new CallhooksError('LIMIT_REACHED', message, { retryAfterMs: RETRY_AFTER_MS }, { cause: error });
  }
  return new CallhooksError(
    'DATABASE_UNAVAILABLE',
    'the database is unavailable; whether the request took effect is not known, and repeating it is safe',
    { retryAfterMs: RETRY_AFTER_MS },
    { cause: error },
  );
};

const rpcStatus = (code: status, message: string, details: Any[]): Omit<ErrorStatus, 'reason' | 'cause'> => {
  const metadata = new Metadata();
  metadata.set(DETAILS_HEADER, Buffer.from(Status.encode({ code, message, details }).finish()));
  return { code, details: message, metadata };
};
