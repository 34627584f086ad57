import type { FailurePolicy, WebhookType } from '../../domain/agent.ts';
import type { HashAlgorithm, SignatureEncoding } from '../../domain/auth/hmac-signature.ts';
import type { ClientAuthMethod } from '../../domain/auth/token-request.ts';
import type { CallDecision, VariableSource } from '../../domain/call.ts';
import type { ExecutionState, MissReason, TimeLimitSource } from '../../domain/execution.ts';
import type { FailureCode, Sent } from '../../domain/failures.ts';
import { FAILURE_CODES } from '../../domain/failures.ts';
import type { Duration } from '../../gen/google/protobuf/duration.ts';
import * as pb from '../../gen/index.callhooks.v1.ts';

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

// Each table leads from the words of one of our enums to their numbers on the wire.

/**
 * Returns the number of a word. It is 0 (unspecified) without a word, and for a word that a newer release wrote into the
 * database.
 */
export function numberOf<N extends number>(
  table: Readonly<Record<string, N>>,
  word: string | null | undefined,
): N | 0 {
  return word === null || word === undefined ? 0 : (table[word] ?? 0);
}

/** Returns the word of a number, or undefined when the table has no such number. */
export function wordOf<Word extends string>(
  table: Readonly<Record<Word, number>>,
  number: number,
): Word | undefined {
  return (Object.keys(table) as Word[]).find((word) => table[word] === number);
}

/** Returns the word of a number for a draft, whose check refuses `unknown` and may refuse `unspecified`. */
export function draftWordOf<Word extends string>(
  table: Readonly<Record<Word, number>>,
  number: number,
): Word | 'unspecified' | 'unknown' {
  return number === 0 ? 'unspecified' : (wordOf(table, number) ?? 'unknown');
}

/** Maps `WebhookType` to the wire. */
export const WEBHOOK_TYPES = {
  pre_call: pb.WebhookType.WEBHOOK_TYPE_PRE_CALL,
  post_call: pb.WebhookType.WEBHOOK_TYPE_POST_CALL,
} as const satisfies Record<WebhookType, pb.WebhookType>;

/** Maps `FailurePolicy` to the wire. */
export const FAILURE_POLICIES = {
  proceed: pb.FailurePolicy.FAILURE_POLICY_PROCEED,
  block: pb.FailurePolicy.FAILURE_POLICY_BLOCK,
} as const satisfies Record<FailurePolicy, pb.FailurePolicy>;

/** Maps `HashAlgorithm` to the wire. */
export const HASH_ALGORITHMS = {
  sha256: pb.HashAlgorithm.HASH_ALGORITHM_SHA256,
  sha1: pb.HashAlgorithm.HASH_ALGORITHM_SHA1,
  sha512: pb.HashAlgorithm.HASH_ALGORITHM_SHA512,
} as const satisfies Record<HashAlgorithm, pb.HashAlgorithm>;

/** Maps `Encoding` to the wire. */
export const ENCODINGS = {
  hex: pb.Encoding.ENCODING_HEX,
  base64: pb.Encoding.ENCODING_BASE64,
} as const satisfies Record<SignatureEncoding, pb.Encoding>;

/** Maps `ClientAuthMethod` to the wire. */
export const CLIENT_AUTH_METHODS = {
  basic: pb.ClientAuthMethod.CLIENT_AUTH_METHOD_BASIC,
  post: pb.ClientAuthMethod.CLIENT_AUTH_METHOD_POST,
} as const satisfies Record<ClientAuthMethod, pb.ClientAuthMethod>;

/** Maps `CallDecision` to the wire. */
export const CALL_DECISIONS = {
  proceed: pb.CallDecision.CALL_DECISION_PROCEED,
  block: pb.CallDecision.CALL_DECISION_BLOCK,
} as const satisfies Record<CallDecision, pb.CallDecision>;

/** The states that clients see: all but `no_webhook`. */
type VisibleState = Exclude<ExecutionState, 'no_webhook'>;

/** Maps `ExecutionState` to the wire. */
export const EXECUTION_STATES = {
  accepted: pb.ExecutionState.EXECUTION_STATE_ACCEPTED,
  sending: pb.ExecutionState.EXECUTION_STATE_SENDING,
  succeeded: pb.ExecutionState.EXECUTION_STATE_SUCCEEDED,
  failed: pb.ExecutionState.EXECUTION_STATE_FAILED,
  interrupted: pb.ExecutionState.EXECUTION_STATE_INTERRUPTED,
} as const satisfies Record<VisibleState, pb.ExecutionState>;

/** Maps `Sent` to the wire. */
export const SENT = {
  no: pb.Sent.SENT_NO,
  maybe: pb.Sent.SENT_MAYBE,
  yes: pb.Sent.SENT_YES,
} as const satisfies Record<Sent, pb.Sent>;

/** Maps `TimeLimitSource` to the wire. */
export const TIME_LIMIT_SOURCES = {
  config: pb.TimeLimitSource.TIME_LIMIT_SOURCE_CONFIG,
  deadline: pb.TimeLimitSource.TIME_LIMIT_SOURCE_DEADLINE,
} as const satisfies Record<TimeLimitSource, pb.TimeLimitSource>;

/** Maps `MissReason` to the wire. */
export const MISS_REASONS = {
  not_found: pb.MissReason.MISS_REASON_NOT_FOUND,
  is_null: pb.MissReason.MISS_REASON_IS_NULL,
  is_empty: pb.MissReason.MISS_REASON_IS_EMPTY,
  too_large: pb.MissReason.MISS_REASON_TOO_LARGE,
  too_deep: pb.MissReason.MISS_REASON_TOO_DEEP,
} as const satisfies Record<MissReason, pb.MissReason>;

/** Maps `VariableSource` to the wire. */
export const VARIABLE_SOURCES = {
  default: pb.VariableSource.VARIABLE_SOURCE_DEFAULT,
  request: pb.VariableSource.VARIABLE_SOURCE_REQUEST,
  assignment: pb.VariableSource.VARIABLE_SOURCE_ASSIGNMENT,
  assignment_default: pb.VariableSource.VARIABLE_SOURCE_ASSIGNMENT_DEFAULT,
} as const satisfies Record<VariableSource, pb.VariableSource>;

/** Maps `FailureCode` to the wire. The names of both are the same. */
export const FAILURE_CODE_NUMBERS = Object.fromEntries(
  FAILURE_CODES.map((code) => [code, pb.FailureCode[`FAILURE_CODE_${code}`]]),
) as Record<FailureCode, pb.FailureCode>;
