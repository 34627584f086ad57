import type * as pb from '../../../../src/gen/index.callhooks.v1.ts';
import type { CallLog, LoggedCall } from '../call-log.ts';
import type { ReplyResponse } from '../call-response.ts';
import type { Recorder, SeenRequest } from '../recorder.ts';
import type { Replica } from '../replica.ts';
import type { Stall } from '../stalls.ts';
import type { TestAgent } from '../test-agent.ts';

/** Holds the parts that are compared. Each was written by another process. */
export interface Evidence {
  readonly executions: readonly pb.Execution[];
  /** Holds some of them as GetExecution shows them, with their assigned variables. */
  readonly inspected: readonly pb.Execution[];
  readonly agents: readonly TestAgent[];
  readonly recorder: Pick<Recorder, 'requests' | 'stalls'>;
  readonly callLog: Pick<CallLog, 'entries' | 'stalls'>;
  readonly replicas: readonly Pick<Replica, 'name' | 'disturbances'>[];
  readonly expected: Expected;
}

/** Says how calls of a test may be answered, and how much has to have happened in it. */
export interface Expected {
  /** Reasons for which calls may be refused, none where it is absent. Calls that a dead or frozen replica cut off have none. */
  readonly refusedAs?: readonly Refusal[];
  /** Is the largest share of the calls that may get an error of any kind. It is a half where this is absent. */
  readonly refusedShare?: number;
  /** Says how many have to be there at least. It is one of each where this is absent. */
  readonly atLeast?: { readonly executions?: number; readonly requests?: number; readonly replies?: number };
  /** Says how long after its time limit an execution may be marked interrupted. It is 10 s where this is absent. */
  readonly interruptedWithinMs?: number;
}

/** Reasons of refusals that invite a repeat. */
export type Refusal =
  | 'DATABASE_UNAVAILABLE'
  | 'OUTCOME_NOT_RECORDED'
  | 'SHUTTING_DOWN'
  | 'EXECUTION_RUNNING'
  | 'LIMIT_REACHED';

/** Something that happened later than it may, in an interval of epoch milliseconds. */
export interface Lateness {
  readonly what: string;
  readonly fromMs: number;
  readonly toMs: number;
}

/** Returns when the callers or the endpoint got no turn. */
export function stallsOf({ callLog, recorder }: Evidence): readonly Stall[] {
  return [...callLog.stalls, ...recorder.stalls];
}

/** Reports whether the replica that was called was dead, frozen or starting meanwhile. */
export function wasDisturbed(
  { replicas }: Evidence,
  { replica, sentAtMs, respondedAtMs }: LoggedCall,
): boolean {
  const overlaps = ({ fromMs, toMs }: Stall): boolean => fromMs <= respondedAtMs && toMs >= sentAtMs;
  return replicas.some(({ name, disturbances }) => name === replica && disturbances.some(overlaps));
}

/** Groups the calls of one RPC by their conversation. */
export function byConversation(
  entries: readonly LoggedCall[],
  rpc: LoggedCall['rpc'],
): ReadonlyMap<string, readonly LoggedCall[]> {
  return Map.groupBy(
    entries.filter((entry) => entry.rpc === rpc),
    ({ conversationUuid }) => conversationUuid,
  );
}

/** A call that got a reply. */
export type RepliedCall = LoggedCall & { readonly response: ReplyResponse };

/** Returns the calls that got a reply. */
export function repliedCalls(entries: readonly LoggedCall[]): readonly RepliedCall[] {
  return entries.filter((entry): entry is RepliedCall => entry.response.kind === 'reply');
}

/** Names what may have at most one execution and one request: `pre_call of <conversation>`. */
export function keyOf(type: SeenRequest['type'], conversationUuid: string): string {
  return `${type} of ${conversationUuid}`;
}

/** The type of the webhook that an RPC runs. */
export const TYPE_OF = { start: 'pre_call', end: 'post_call' } as const;
