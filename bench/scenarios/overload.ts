import { setTimeout as wait } from 'node:timers/promises';
import { START } from '../rig/agent.ts';
import { NEVER, type Figure } from '../rig/figures.ts';
import type { Bucket, RunResult } from '../rig/generator.ts';
import { measure } from '../rig/measured-run.ts';
import type { Rig, Scenario } from '../rig/rig.ts';
import type { Subject } from '../rig/servers.ts';

const BUCKET_MS = 100;
const QUIET = { rate: 0.3, seconds: 15 };
const REPEATED = 10_000;
const ROUNDS = 5;
const CALM_BUCKETS = 10;
/** The deadlines of callers, in most overloads and in the one with hurried callers. */
const PATIENCE_MS = 10_000;
const SHORT_PATIENCE_MS = 1_000;

/** One overload and the time after it. */
interface Overload {
  readonly factor: number;
  readonly patienceMs: number;
  /** The good answers to calls that were due during the overload ÷ the capacity of as many seconds. */
  readonly goodput: number;
  readonly goodP99Ms: number;
  readonly degraded: number;
  /** The seconds from the end of the overload until latency stays normal, or undefined if that was not within the run. */
  readonly recoverySeconds: number | undefined;
  readonly repeats: Repeats;
  /** The conversations that reached the endpoint more than once. */
  readonly sentTwice: number;
  readonly codes: Readonly<Record<string, number>>;
  /** The largest delay with which the generator issued a call. It shares its core with the endpoint. */
  readonly maxLagMs: number;
}

interface Load {
  readonly factor: number;
  readonly seconds: number;
  readonly patienceMs: number;
  readonly capacity: number;
  readonly normalMs: number;
}

interface Repeats {
  ran: number;
  lost: number;
  double: number;
  refused: number;
}

/**
 * Sends starts in an open loop beyond the capacity. Measures good answers, recovery, and the repeats of refused calls.
 */
export const overload: Scenario = {
  name: 'overload',
  run: async (rig) => {
    const { subject } = await rig.stand('sqlite');
    const { isQuick, overloadSeconds } = rig.effort;
    const capacity = await capacityOf(rig, subject);
    const normalMs = await normalLatency(rig, subject, capacity);
    const overloads: Overload[] = [];
    const loads: Load[] = (isQuick ? [2] : [2, 5, 20, 1.3]).map((factor) => ({
      factor,
      seconds: factor === 1.3 ? 2 * overloadSeconds : overloadSeconds,
      patienceMs: PATIENCE_MS,
      capacity,
      normalMs,
    }));
    // The calls of the overload wait in the clients until their deadline. With short deadlines the server's own part of the
    // recovery shows.
    if (!isQuick)
      loads.push({ factor: 20, seconds: overloadSeconds, patienceMs: SHORT_PATIENCE_MS, capacity, normalMs });
    for (const load of loads) overloads.push(await exceed(rig, subject, load));
    return { figures: figuresOf(overloads), details: { capacity, normalMs, overloads } };
  },
};

async function capacityOf(rig: Rig, subject: Subject): Promise<number> {
  const { callers, seconds } = rig.effort;
  const runs = [];
  for (let i = 0; i < 3; i += 1)
    runs.push((await measure(rig.generator, subject, 'start', { callers, seconds })).perSecond);
  return Math.max(...runs);
}

async function normalLatency(rig: Rig, subject: Subject, capacity: number): Promise<number> {
  const phases = [{ rate: capacity * QUIET.rate, seconds: 3 }];
  const { result } = await measure(rig.generator, subject, 'start', { phases });
  return result.latency.p99;
}

async function exceed(rig: Rig, subject: Subject, load: Load): Promise<Overload> {
  const { generator } = rig;
  const { factor, seconds, capacity, patienceMs } = load;
  await generator.reset(true);
  const id = `overload ${factor} ${performance.now()}`;
  const phases = [
    { rate: factor * capacity, seconds },
    { rate: QUIET.rate * capacity, seconds: QUIET.seconds },
  ];
  const result = await generator.run(
    { ...START, target: subject.address, phases, bucketMs: BUCKET_MS, timeoutMs: patienceMs },
    id,
  );
  await wait(1000);
  const repeats = await repeatRefused(rig, subject, id, result);
  const { repeated } = await generator.counts();
  const found = summarize(load, result, repeats, repeated);
  rig.log(
    `${factor} × ${capacity.toFixed(0)}/s, callers wait ${patienceMs / 1000} s: goodput ${found.goodput.toFixed(2)}, p99 ${found.goodP99Ms.toFixed(0)} ms, ` +
      `${found.degraded} degraded, normal after ${found.recoverySeconds ?? '?'} s; repeats: ${JSON.stringify(repeats)}`,
  );
  return found;
}

function summarize(load: Load, result: RunResult, repeats: Repeats, sentTwice: number): Overload {
  const timeline = result.timeline ?? [];
  const overloaded = timeline.filter(({ atMs }) => atMs < load.seconds * 1000);
  const good = overloaded.reduce((sum, bucket) => sum + bucket.good, 0);
  return {
    factor: load.factor,
    patienceMs: load.patienceMs,
    goodput: good / load.seconds / load.capacity,
    goodP99Ms: result.goodAfter.p99,
    degraded: result.degraded,
    recoverySeconds: recoveryOf(timeline.slice(overloaded.length), load.normalMs),
    repeats,
    sentTwice,
    codes: { ...result.codes, ...result.failures },
    maxLagMs: result.maxLagMs,
  };
}

/**
 * Returns the seconds until the first of ten calm buckets in a row. In a calm bucket no call failed, and the median is
 * not above the usual.
 */
export function recoveryOf(after: readonly Bucket[], normalMs: number): number | undefined {
  const isCalm = ({ bad, p50 }: Bucket): boolean => bad === 0 && p50 <= normalMs;
  const at = after.findIndex(
    (_, index) =>
      index + CALM_BUCKETS <= after.length && after.slice(index, index + CALM_BUCKETS).every(isCalm),
  );
  return at < 0 ? undefined : (at * BUCKET_MS) / 1000;
}

/** Repeats the refused calls, and once more those that were refused again. */
async function repeatRefused(
  rig: Rig,
  subject: Subject,
  id: string,
  { refused }: RunResult,
): Promise<Repeats> {
  const sum: Repeats = { ran: 0, lost: 0, double: 0, refused: 0 };
  let left = Math.min(refused, REPEATED);
  for (let round = 0, repeat = id; round < ROUNDS && left > 0; round += 1) {
    const next = `${id} again ${round}`;
    const result = await rig.generator.run(
      { ...START, target: subject.address, callers: 32, repeat, limit: REPEATED },
      next,
    );
    const { ran = 0, lost = 0, double = 0, refused: again = 0 } = result.repeats ?? {};
    sum.ran += ran;
    sum.lost += lost;
    sum.double += double;
    left = again;
    repeat = next;
  }
  return { ...sum, refused: left };
}

function figuresOf(overloads: readonly Overload[]): Figure[] {
  const at = (factor: number, patienceMs = PATIENCE_MS): Overload | undefined =>
    overloads.find((one) => one.factor === factor && one.patienceMs === patienceMs);
  const figure = (key: string, value: number | undefined): Figure[] =>
    value === undefined ? [] : [{ key, value }];
  const sumOf = (read: (one: Overload) => number): number =>
    overloads.reduce((sum, one) => sum + read(one), 0);
  const recovery = (factor: number, patienceMs?: number): number | undefined => {
    const found = at(factor, patienceMs);
    return found && (found.recoverySeconds ?? NEVER);
  };
  return [
    ...figure('goodput-2x', at(2)?.goodput),
    ...figure('goodput-5x', at(5)?.goodput),
    ...figure('goodput-p99-2x', at(2)?.goodP99Ms),
    ...figure('goodput-p99-5x', at(5)?.goodP99Ms),
    ...figure('goodput-degraded', (at(2)?.degraded ?? 0) + (at(5)?.degraded ?? 0)),
    ...figure('recovery-20x', recovery(20)),
    ...figure('recovery-20x-hurried', recovery(20, SHORT_PATIENCE_MS)),
    ...figure('recovery-1.3x', recovery(1.3)),
    ...figure(
      'lost-repeats',
      sumOf(({ repeats }) => repeats.lost + repeats.double),
    ),
  ];
}
