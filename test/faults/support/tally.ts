import { expect } from 'chai';
import { setTimeout as wait } from 'node:timers/promises';
import type { Callers, CallPlan } from './callers.ts';
import type { Entry, Told } from './journal.ts';
import type { SeenRequest } from './recorder.ts';
import type { Replica } from './replicas.ts';

/** What a number of calls came to. */
export interface Tally {
  /** Answered a first time, with what the webhook brought. */
  readonly good: readonly Entry[];
  /** Told that nothing was recorded, and when to repeat. */
  readonly refused: readonly Entry[];
  /** Told that it is not known whether anything was recorded, and when to repeat. */
  readonly undecided: readonly Entry[];
  /** Everything else, which nobody must be told under load: one text each. */
  readonly wrong: readonly string[];
}

/** Sorts calls by what they were told. */
export function tally(entries: readonly Entry[]): Tally {
  const good = entries.filter(({ told }) => isGood(told));
  const refused = entries.filter(({ told }) => isRefusal(told, 'RESOURCE_EXHAUSTED', 'LIMIT_REACHED'));
  const undecided = entries.filter(({ told }) => isRefusal(told, 'UNAVAILABLE', 'DATABASE_UNAVAILABLE'));
  const known = new Set([...good, ...refused, ...undecided]);
  const wrong = entries.filter((entry) => !known.has(entry)).map(({ told }) => describeEntry(told));
  return { good, refused, undecided, wrong };
}

function isGood(told: Told): boolean {
  return told.kind === 'reply' && !told.replayed && !isDegraded(told);
}

// With its reason (ErrorInfo) and when to repeat the call (RetryInfo).
function isRefusal(told: Told, code: string, reason: string): boolean {
  if (told.kind === 'reply' || told.code !== code || told.reason !== reason) return false;
  return told.retryAfterMs !== undefined && told.retryAfterMs > 0;
}

function isDegraded(told: Extract<Told, { kind: 'reply' }>): boolean {
  return (JSON.parse(told.text) as { degraded?: boolean }).degraded === true;
}

function describeEntry(told: Told): string {
  if (told.kind === 'error') return `${told.code} ${told.reason} (${told.message})`;
  return `${told.replayed ? 'replayed ' : ''}${told.text}`;
}

/** Expects good answers and refusals, and of undecided calls no more than that; shows a few others. */
export function expectNothingWrong({ wrong, undecided }: Tally, what: string, mostUndecided = 0): void {
  expect(wrong.slice(0, 5), `${what}: ${wrong.length} calls were told something else`).to.deep.equal([]);
  expect(undecided.length, `${what}: calls that were told DATABASE_UNAVAILABLE`).to.be.at.most(mostUndecided);
}

const ROUNDS = 12;

/** Repeats what was refused until nothing is, and returns how each conversation was answered in the end. */
export async function repeatRefused(
  callers: Callers,
  replica: Replica,
  plan: Pick<CallPlan, 'rpc' | 'agentUuid'>,
  refused: readonly Entry[],
): Promise<{ readonly tally: Tally; readonly refusedAgain: number }> {
  const good: Entry[] = [];
  const undecided: Entry[] = [];
  const wrong: string[] = [];
  let left = refused;
  let refusedAgain = 0;
  for (let round = 0; round < ROUNDS && left.length > 0; round += 1) {
    await wait(retryAfterOf(left[0] as Entry));
    const conversationUuids = left.map(({ conversationUuid }) => conversationUuid);
    const { entries } = await callers.call(replica, {
      ...plan,
      pace: { atOnce: 32 },
      of: { conversationUuids },
    });
    const made = tally(entries);
    good.push(...made.good);
    undecided.push(...made.undecided);
    wrong.push(...made.wrong);
    left = made.refused;
    refusedAgain += left.length;
  }
  return { tally: { good, refused: left, undecided, wrong }, refusedAgain };
}

function retryAfterOf({ told }: Entry): number {
  return told.kind === 'error' ? (told.retryAfterMs ?? 0) : 0;
}

/** The conversations of these calls whose webhook the endpoint did not see exactly once. */
export function notSeenOnce(entries: readonly Entry[], requests: readonly SeenRequest[]): readonly string[] {
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

/** Percentiles of how long calls took, in milliseconds. */
export function latencyOf(entries: readonly Entry[]): { readonly p50: number; readonly p99: number } {
  const sorted = entries.map(({ sentAtMs, toldAtMs }) => toldAtMs - sentAtMs).toSorted((a, b) => a - b);
  const at = (share: number): number => sorted[Math.floor(share * (sorted.length - 1))] ?? 0;
  return { p50: at(0.5), p99: at(0.99) };
}
