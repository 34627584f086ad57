import type { StoredDecision } from '../../domain/call.ts';
import type { EndedState, ExecutionState, TimeLimitSource } from '../../domain/execution.ts';
import type { FailureCode, Sent } from '../../domain/failures.ts';
import type { FailurePolicy, WebhookType } from '../../domain/agent.ts';

/** A closed set of words that rows store as small numbers. */
export interface Code<Word extends string> {
  /** Returns the number of a word. For `unknown_17` it is 17. */
  toNumber(word: Word): number;
  /**
   * Returns the word of a stored number. A number that a newer release wrote becomes `unknown_17`, which no table of this
   * release has: readers show it as unspecified, and no statement changes such a row.
   */
  toWord(stored: number): Word;
}

// A number is never used again for another word: rows outlive releases.
function createCode<Word extends string>(numbers: Readonly<Record<Word, number>>): Code<Word> {
  const words = new Map(Object.entries<number>(numbers).map(([word, stored]) => [stored, word as Word]));
  return {
    toNumber: (word) => numbers[word] ?? Number(/^unknown_(\d+)$/.exec(word)?.[1]),
    toWord: (stored) => words.get(stored) ?? (`unknown_${stored}` as Word),
  };
}

/** The numbers of `executions.state`. */
export const STATE = {
  accepted: 1,
  sending: 2,
  succeeded: 3,
  failed: 4,
  interrupted: 5,
  no_webhook: 6,
} as const satisfies Record<ExecutionState, number>;

/** The states of an execution that has ended, as clients see them. */
export const ENDED_STATES: readonly EndedState[] = ['succeeded', 'failed', 'interrupted'];

/** The states of a finished execution, as stored. */
export const FINISHED_STATES: readonly number[] = [
  STATE.succeeded,
  STATE.failed,
  STATE.interrupted,
  STATE.no_webhook,
];

/** The numbers of `webhook_type`. */
export const TYPE = { pre_call: 1, post_call: 2 } as const satisfies Record<WebhookType, number>;

/** The numbers of `executions.decision`. */
export const DECISION = {
  proceed: 1,
  proceed_degraded: 2,
  block: 3,
  block_rejected: 4,
} as const satisfies Record<StoredDecision, number>;

/** The numbers of `executions.failure_policy`. */
export const POLICY = { proceed: 1, block: 2 } as const satisfies Record<FailurePolicy, number>;

export const states = createCode<ExecutionState>(STATE);
export const webhookTypes = createCode<WebhookType>(TYPE);
export const failurePolicies = createCode<FailurePolicy>(POLICY);
export const decisions = createCode<StoredDecision>(DECISION);
export const sents = createCode<Sent>({ no: 1, maybe: 2, yes: 3 });
export const timeLimitSources = createCode<TimeLimitSource>({ config: 1, deadline: 2 });
export const failureCodes = createCode<FailureCode>({
  TIMEOUT: 1,
  DNS: 2,
  CONNECT: 3,
  TLS: 4,
  PROTOCOL: 5,
  EGRESS_DENIED: 6,
  HTTP_STATUS: 7,
  REDIRECT: 8,
  RESPONSE_TOO_LARGE: 9,
  INVALID_RESPONSE: 10,
  ASSIGNMENT_MISSING: 11,
  RENDER: 12,
  OVERLOADED: 13,
  EXPIRED: 14,
  WEBHOOK_REMOVED: 15,
  INTERRUPTED: 16,
  SHUTDOWN: 17,
  INTERNAL: 18,
  AUTH: 19,
});

/** Returns the 16 bytes of a UUID text. Throws a TypeError for any other text: ids are checked before they get here. */
export function toBytes(uuid: string): Buffer {
  const hex =
    uuid.slice(0, 8) + uuid.slice(9, 13) + uuid.slice(14, 18) + uuid.slice(19, 23) + uuid.slice(24, 36);
  const bytes = Buffer.from(hex, 'hex');
  if (bytes.length !== 16 || uuid.length !== 36) throw new TypeError('not a UUID');
  return bytes;
}

/** Returns the UUID text (8-4-4-4-12, lower case) of 16 stored bytes. */
export function toUuid(bytes: Uint8Array): string {
  const hex = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
