import type * as pb from '../../../src/gen/index.callhooks.v1.ts';
import { stateName } from '../../support/execution-words.ts';
import type { RpcError } from '../../support/rpc.ts';

/** Is the response to a call: a reply or an error. */
export type CallResponse = ReplyResponse | ErrorResponse;

/** A reply. Its text leaves `replayed` out, so that the texts of equal replies are equal. */
export interface ReplyResponse {
  readonly kind: 'reply';
  readonly text: string;
  readonly replayed: boolean;
  readonly executionUuid: string | undefined;
  readonly state: pb.ExecutionState | undefined;
}

/** An error with its details. */
export interface ErrorResponse {
  readonly kind: 'error';
  readonly code: string;
  readonly reason: string;
  readonly message: string;
  readonly retryAfterMs: number | undefined;
}

/** Returns the response that a reply is. */
export function replyResponse({
  replayed,
  ...reply
}: pb.OnCallStartResponse | pb.OnCallEndResponse): ReplyResponse {
  const { executionUuid, state } = reply.execution ?? {};
  return { kind: 'reply', executionUuid, state, text: textOf(reply), replayed };
}

/** Returns the response that an error is. */
export function errorResponse({ code, reason, message, retryAfterMs }: RpcError): ErrorResponse {
  return { kind: 'error', code, reason, message, retryAfterMs };
}

/** Describes a response in a word or two: `SUCCEEDED`, `replayed ACCEPTED`, `SHUTTING_DOWN`, `UNAVAILABLE`. */
export function describeResponse(response: CallResponse): string {
  if (response.kind === 'error') return response.reason || response.code;
  return `${response.replayed ? 'replayed ' : ''}${stateName(response.state)}`;
}

// JSON knows no bigint, and a Duration holds one.
function textOf(reply: object): string {
  return JSON.stringify(reply, (_, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value));
}
