import type * as pb from '../../../../src/gen/index.callhooks.v1.ts';
import type { TestAgent } from '../calls.ts';
import type { Entry, Journal } from '../journal.ts';
import type { Recorder, SeenRequest } from '../recorder.ts';
import type { Replica } from '../replicas.ts';
import type { Stall } from '../stalls.ts';

/** What is compared: each side was written by somebody else. */
export interface Evidence {
  readonly executions: readonly pb.Execution[];
  /** Some of them as GetExecution shows them, with what was assigned. */
  readonly looked: readonly pb.Execution[];
  readonly agents: readonly Pick<TestAgent, 'agentUuid' | 'webhooks'>[];
  readonly recorders: readonly Pick<Recorder, 'requests' | 'stalls'>[];
  readonly journal: Pick<Journal, 'entries' | 'stalls'>;
  readonly replicas: readonly Pick<Replica, 'name' | 'disturbances'>[];
  readonly expected: Expected;
}

/** What a scenario may have done to its callers, and how much has to have happened in it. */
export interface Expected {
  /** Reasons with which calls may be refused; absent: none. Calls that a dead or frozen replica cut off have none. */
  readonly refusedAs?: readonly Refusal[];
  /** This share of the calls, at most, was told an error, of whatever kind; absent: a half. */
  readonly refusedShare?: number;
  /** Absent: one of each. */
  readonly atLeast?: { readonly executions?: number; readonly requests?: number; readonly replies?: number };
  /** A mark is on record so long after the time limit; absent: 10 s. */
  readonly interruptedWithinMs?: number;
}

/** Refusals that invite a repeat. */
export type Refusal =
  | 'DATABASE_UNAVAILABLE'
  | 'OUTCOME_NOT_RECORDED'
  | 'SHUTTING_DOWN'
  | 'EXECUTION_RUNNING'
  | 'LIMIT_REACHED';

/** All that the endpoints saw. */
export const seenBy = ({ recorders }: Pick<Evidence, 'recorders'>): readonly SeenRequest[] =>
  recorders.flatMap((recorder) => recorder.requests());

/** When the callers or the endpoints got no turn. */
export const stallsOf = ({ journal, recorders }: Evidence): readonly Stall[] => [
  ...journal.stalls,
  ...recorders.flatMap(({ stalls }) => stalls),
];

/** Whether the replica that was called was dead, frozen or starting meanwhile. */
export const wasDisturbed = ({ replicas }: Evidence, { replica, sentAtMs, toldAtMs }: Entry): boolean => {
  const overlaps = ({ fromMs, toMs }: Stall): boolean => fromMs <= toldAtMs && toMs >= sentAtMs;
  return replicas.some(({ name, disturbances }) => name === replica && disturbances.some(overlaps));
};

/** The entries of each conversation, of starts or of ends. */
export const byConversation = (
  entries: readonly Entry[],
  rpc: Entry['rpc'],
): ReadonlyMap<string, readonly Entry[]> =>
  Map.groupBy(
    entries.filter((entry) => entry.rpc === rpc),
    ({ conversationUuid }) => conversationUuid,
  );

/** An entry that was told a reply. */
export type Reply = Entry & { readonly told: Extract<Entry['told'], { kind: 'reply' }> };

/** Those that were told a reply. */
export const repliesOf = (entries: readonly Entry[]): readonly Reply[] =>
  entries.filter((entry): entry is Reply => entry.told.kind === 'reply');

/** What a call is for: `pre_call of <conversation>`. At most one execution and one request have it. */
export const keyOf = (type: SeenRequest['type'], conversationUuid: string): string =>
  `${type} of ${conversationUuid}`;

/** The type of the webhook that an RPC runs. */
export const TYPE_OF = { start: 'pre_call', end: 'post_call' } as const;
