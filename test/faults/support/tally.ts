import { setTimeout as wait } from 'node:timers/promises';
import { expect } from 'chai';
import * as pb from '../../../src/gen/index.callhooks.v1.ts';
import type { Callers, CallPlan } from './callers.ts';
import type { LoggedCall } from './call-log.ts';
import type { CallResponse, ReplyResponse } from './call-response.ts';
import type { SeenRequest } from './recorder.ts';
import type { Replica } from './replica.ts';

/** Calls sorted by their responses. */
export interface Tally {
  /** Calls that got a reply which is not replayed, with what the webhook brought. */
  readonly good: readonly LoggedCall[];
  /** Calls that were refused as LIMIT_REACHED, with when to repeat them: nothing was recorded. */
  readonly refused: readonly LoggedCall[];
  /** Calls that got DATABASE_UNAVAILABLE, with when to repeat them: nobody knows whether anything was recorded. */
  readonly undecided: readonly LoggedCall[];
  /**
   * Calls that got the record of an abandoned claim: INTERRUPTED, nothing was sent. Only a repeat of an undecided call may get
   * it: the database wrote the claim just after the replica had given it up (docs/execution-states.md).
   */
  readonly abandoned: readonly LoggedCall[];
  /** Calls answered from the record: an earlier attempt, which nobody knew of, was written after all. */
  readonly recorded: readonly LoggedCall[];
  /** All other responses, which must not occur under load, a text each. */
  readonly wrong: readonly string[];
}

/** Sorts calls by their responses. */
export function tally(entries: readonly LoggedCall[]): Tally {
  const good = entries.filter(({ response }) => isGood(response));
  const refused = entries.filter(({ response }) =>
    isRefusal(response, 'RESOURCE_EXHAUSTED', 'LIMIT_REACHED'),
  );
  const undecided = entries.filter(({ response }) =>
    isRefusal(response, 'UNAVAILABLE', 'DATABASE_UNAVAILABLE'),
  );
  const abandoned = entries.filter(({ response }) => isAbandoned(response));
  const recorded = entries.filter(({ response }) => isRecorded(response));
  const known = new Set([...good, ...refused, ...undecided, ...abandoned, ...recorded]);
  const wrong = entries.filter((entry) => !known.has(entry)).map(({ response }) => textOf(response));
  return { good, refused, undecided, abandoned, recorded, wrong };
}

function isGood(response: CallResponse): boolean {
  return response.kind === 'reply' && !response.replayed && !isDegraded(response);
}

// A refusal has its reason (ErrorInfo) and says when to repeat the call (RetryInfo).
function isRefusal(response: CallResponse, code: string, reason: string): boolean {
  if (response.kind === 'reply' || response.code !== code || response.reason !== reason) return false;
  return response.retryAfterMs !== undefined && response.retryAfterMs > 0;
}

function isDegraded(response: ReplyResponse): boolean {
  return (JSON.parse(response.text) as { degraded?: boolean }).degraded === true;
}

function isAbandoned(response: CallResponse): boolean {
  if (response.kind !== 'reply' || !response.replayed) return false;
  const { execution } = JSON.parse(response.text) as { execution?: pb.Execution };
  return (
    execution?.state === pb.ExecutionState.EXECUTION_STATE_INTERRUPTED &&
    execution.failure?.sent === pb.Sent.SENT_NO
  );
}

function isRecorded(response: CallResponse): boolean {
  return response.kind === 'reply' && response.replayed && !isDegraded(response) && !isAbandoned(response);
}

function textOf(response: CallResponse): string {
  if (response.kind === 'error') return `${response.code} ${response.reason} (${response.message})`;
  return `${response.replayed ? 'replayed ' : ''}${response.text}`;
}

/** Expects only good calls and refusals, and at most so many calls that are undecided, or answered from a record. */
export function expectNothingWrong(
  { wrong, undecided, abandoned, recorded }: Tally,
  what: string,
  { mostUndecided = 0, mostAbandoned = 0, mostRecorded = 0 } = {},
): void {
  expect(wrong.slice(0, 5), `${what}: ${wrong.length} calls got something else`).to.deep.equal([]);
  expect(undecided.length, `${what}: calls that got DATABASE_UNAVAILABLE`).to.be.at.most(mostUndecided);
  expect(abandoned.length, `${what}: calls that got the record of an abandoned claim`).to.be.at.most(
    mostAbandoned,
  );
  expect(recorded.length, `${what}: calls that got a record`).to.be.at.most(mostRecorded);
}

const ROUNDS = 12;

/**
 * Repeats refused calls until none is refused any more, at most twelve times. Returns the last response of each, and how often
 * a repeat was refused again.
 */
export async function repeatRefused(
  callers: Callers,
  replica: Replica,
  plan: Pick<CallPlan, 'rpc' | 'agentUuid'>,
  refused: readonly LoggedCall[],
): Promise<{ readonly tally: Tally; readonly refusedAgain: number }> {
  const good: LoggedCall[] = [];
  const undecided: LoggedCall[] = [];
  const abandoned: LoggedCall[] = [];
  const recorded: LoggedCall[] = [];
  const wrong: string[] = [];
  let left = refused;
  let refusedAgain = 0;
  for (let round = 0; round < ROUNDS && left.length > 0; round += 1) {
    await wait(retryAfterOf(left[0] as LoggedCall));
    const conversationUuids = left.map(({ conversationUuid }) => conversationUuid);
    const { entries } = await callers.call(replica, {
      ...plan,
      pace: { atOnce: 32 },
      of: { conversationUuids },
    });
    const made = tally(entries);
    good.push(...made.good);
    undecided.push(...made.undecided);
    abandoned.push(...made.abandoned);
    recorded.push(...made.recorded);
    wrong.push(...made.wrong);
    left = made.refused;
    refusedAgain += left.length;
  }
  return { tally: { good, refused: left, undecided, abandoned, recorded, wrong }, refusedAgain };
}

function retryAfterOf({ response }: LoggedCall): number {
  return response.kind === 'error' ? (response.retryAfterMs ?? 0) : 0;
}

/** Returns a text for each of these calls whose webhook the endpoint did not see exactly once. */
export function notSeenOnce(
  entries: readonly LoggedCall[],
  requests: readonly SeenRequest[],
): readonly string[] {
  const times = new Map<string, number>();
  for (const { type, conversationUuid } of requests) {
    const key = `${type} ${conversationUuid}`;
    times.set(key, (times.get(key) ?? 0) + 1);
  }
  return entries
    .map(({ rpc, conversationUuid }) => `${rpc === 'start' ? 'pre_call' : 'post_call'} ${conversationUuid}`)
    .filter((key) => times.get(key) !== 1)
    .map((key) => `${key}: seen ${times.get(key) ?? 0} times`);
}

/** Returns percentiles of how long calls took, in milliseconds. */
export function latencyOf(entries: readonly LoggedCall[]): { readonly p50: number; readonly p99: number } {
  const sorted = entries
    .map(({ sentAtMs, respondedAtMs }) => respondedAtMs - sentAtMs)
    .toSorted((a, b) => a - b);
  const at = (share: number): number => sorted[Math.floor(share * (sorted.length - 1))] ?? 0;
  return { p50: at(0.5), p99: at(0.99) };
}
