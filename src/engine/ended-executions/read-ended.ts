import type { EndedState, Execution } from '../../domain/execution.ts';
import type { EndedKey, EndedKeys, ExecutionStore } from '../../store/execution-store.ts';
import { createInterruptedPostCalls } from './interrupted-post-calls.ts';
import { createToldKeys, type ToldKey } from './told-keys.ts';

/** What one round of reads has found. */
export interface EndedRound {
  /** The executions that no round before has found, in the order of their ends. */
  readonly executions: readonly Execution[];
  /**
   * Post-calls that were marked interrupted and whose outcome is known now. Their request ended before the mark, perhaps before
   * a watcher began, so the time of their end does not say who wants them.
   */
  readonly corrected: readonly Execution[];
  /** How many more executions have ended that were not read, by their state. */
  readonly unread: ReadonlyMap<EndedState, number>;
  /** When it is set, the clock has stepped back. What is found from now on may have ended as early as this. */
  readonly steppedBackToMs?: number;
}

/** The result of a round that has found nothing. */
export const NOTHING_FOUND: EndedRound = { executions: [], corrected: [], unread: new Map() };

/** Finds the executions that have ended since the round before. */
export interface EndedReads {
  /** Begins at the time of the database's clock. */
  begin(): Promise<void>;
  /**
   * Reads once. After a rejection, the next round finds what this one would have found. What ended before `wantedFromMs` is
   * passed over, but for marks as interrupted and the outcomes that correct them.
   */
  round(wantedFromMs?: number): Promise<EndedRound>;
  /** Returns the time up to which everything was read once, by the database's clock. */
  readToMs(): number;
  /** Returns the time before which everything was read again, after all outcomes had time to be committed. */
  settledToMs(): number;
}

/** What the reads need. */
export interface EndedReadsDeps {
  readonly store: Pick<ExecutionStore, 'listEndedKeys' | 'countEnded' | 'findEnded' | 'nowMs'>;
  /** Returns for how long the database has been available without a break. */
  readonly availableForMs: () => number;
}

/** A stretch of time of which only the first keys of a state were read. */
interface Skipped {
  readonly after: EndedKey;
  readonly toMs: number;
}

// An outcome is committed after the time that it names. So each moment is read when it is so old: at once, when most commits
// are done, when a slow one (a lock, a busy node of a cluster) must be, and when its owner must have written it or was marked.
const LAGS_MS = [0, 1_500, 10_000, 70_000] as const;
const SETTLED = 2;
const OLDEST = 3;
/** After an outage, owners write their outcomes first. Until they had this time, no moment counts as settled. */
const SETTLES_AFTER_MS = 10_000;
/**
 * The older reads go on where their keys ended, so behind a long burst they come later. One that is so late skips the rest: what
 * was committed late in there is not told.
 */
const MAX_BEHIND_MS = 20_000;
/** They take about 4 MB, and are enough for all executions that a round can find in 13 s. */
const MAX_TOLD = 40_000;

/** Makes the reads. They read nothing by themselves. */
export function createEndedReads({ store, availableForMs }: EndedReadsDeps): EndedReads {
  const told = createToldKeys(MAX_TOLD);
  const interrupted = createInterruptedPostCalls(store);
  /** From where each lag reads next. */
  const fromMs: number[] = [];
  let skipped: Skipped[] = [];

  const isSkipped = (key: EndedKey): boolean =>
    skipped.some(
      ({ after, toMs }) => key.state === after.state && isBehind(key, after) && key.finishedAtMs < toMs,
    );
  const isFresh = (key: EndedKey): boolean => !told.has(key) && !isSkipped(key);

  // All of them, also those that are not read in this round.
  const stepBackTo = (nowMs: number): void => {
    for (const [at, lagMs] of LAGS_MS.entries())
      fromMs[at] = Math.min(fromMs[at] ?? 0, nowMs - Math.min(lagMs, LAGS_MS[SETTLED]));
    told.rewind(nowMs - LAGS_MS[SETTLED]);
  };

  // Nothing is remembered before all reads of the round have succeeded.
  const remember = (keys: readonly ToldKey[], read: readonly ReadRange[]): void => {
    for (const key of keys) told.add(key);
    for (const { at, toMs } of read) fromMs[at] = toMs;
    const forgottenMs = told.forgottenMs();
    for (const at of LAGS_MS.keys()) if (at > 0) fromMs[at] = Math.max(fromMs[at] ?? 0, forgottenMs);
    told.forgetBefore(fromMs[OLDEST] ?? 0);
    skipped = skipped.filter(({ toMs }) => toMs > (fromMs[OLDEST] ?? 0));
  };

  const count = async (cut: readonly Skipped[]): Promise<Map<EndedState, number>> => {
    const unread = new Map<EndedState, number>();
    for (const { after, toMs } of cut) unread.set(after.state, await store.countEnded(after, toMs));
    return unread;
  };

  const find = async (keys: readonly EndedKey[]): Promise<readonly Execution[]> =>
    keys.length === 0 ? [] : store.findEnded(keys.map(({ executionUuid }) => executionUuid));

  const reads: EndedReads = {
    begin: async () => {
      const nowMs = await store.nowMs();
      fromMs.push(nowMs, ...LAGS_MS.slice(1).map(() => nowMs - LAGS_MS[SETTLED]));
    },
    round: async (wantedFromMs = 0) => {
      const lags = LAGS_MS.slice(0, availableForMs() < SETTLES_AFTER_MS ? SETTLED : undefined);
      const found = await store.listEndedKeys(lags.map((lagMs, at) => ({ fromMs: fromMs[at] ?? 0, lagMs })));
      if (found.nowMs < reads.readToMs()) {
        stepBackTo(found.nowMs);
        return { ...NOTHING_FOUND, steppedBackToMs: reads.settledToMs() };
      }
      const isWanted = (key: EndedKey): boolean =>
        key.finishedAtMs >= wantedFromMs || key.state === 'interrupted' || interrupted.isOutcome(key);
      const { fresh, wanted, later } = choose(found, isFresh, isWanted);
      const read = lags.map((lagMs, at) => {
        const beganMs = fromMs[at] ?? 0;
        return readRange(found, at, beganMs, Math.max(found.nowMs - lagMs, beganMs), later);
      });
      const cut = read[0]?.cut ?? [];
      const unread = await count(cut);
      const ended = await find(wanted);
      const endedUuids = new Set(ended.map(({ executionUuid }) => executionUuid));
      const outcomes = (await interrupted.findCorrected()).filter(
        (execution) => !endedUuids.has(execution.executionUuid) && !told.has(keyOf(execution)),
      );
      addUnfound(unread, fresh.filter(isWanted), ended);
      skipped.push(...cut);
      const all = [...ended, ...outcomes];
      const corrected = all.filter(interrupted.isOutcome);
      const executions = ended.filter((execution) => !interrupted.isOutcome(execution));
      remember([...fresh, ...all.map(keyOf)], read);
      interrupted.note(all);
      return { executions, corrected, unread };
    },
    readToMs: () => fromMs[0] ?? 0,
    settledToMs: () => fromMs[SETTLED] ?? 0,
  };
  return reads;
}

interface ReadRange {
  readonly at: number;
  /** From where this lag reads next. */
  readonly toMs: number;
  readonly cut: readonly Skipped[];
}

/** Which keys of a round are dealt with now. */
interface Choice {
  /** All that are told, counted or passed over in this round. */
  readonly fresh: readonly EndedKey[];
  /** Those whose rows are read, in the order of their ends. */
  readonly wanted: readonly EndedKey[];
  /** Those of the older ranges that a later round reads. */
  readonly later: ReadonlySet<string>;
}

// The newest range goes first. Otherwise executions that ended before a feed began could take the place of all new ones, as
// they did behind a burst.
function choose(
  { ranges, limit }: EndedKeys,
  isFresh: (key: EndedKey) => boolean,
  isWanted: (key: EndedKey) => boolean,
): Choice {
  const newest = onceEach((ranges[0] ?? []).filter(isFresh));
  const newestIds = new Set(newest.map(idOf));
  const older = onceEach(ranges.slice(1).flat().filter(isFresh)).filter((key) => !newestIds.has(idOf(key)));
  const ofNewest = newest.filter(isWanted).slice(0, limit);
  const ofOlder = older.filter(isWanted);
  const room = limit - ofNewest.length;
  const later = new Set(ofOlder.slice(room).map(idOf));
  return {
    fresh: [...newest, ...older.filter((key) => !later.has(idOf(key)))],
    wanted: [...ofNewest, ...ofOlder.slice(0, room)].toSorted((a, b) => a.finishedAtMs - b.finishedAtMs),
    later,
  };
}

// The newest range is read once however much is in it, so that watchers stay at the present. The others go on where their
// keys ended, or at the first one that is left for later.
function readRange(
  found: EndedKeys,
  at: number,
  fromMs: number,
  toMs: number,
  later: ReadonlySet<string>,
): ReadRange {
  const ofState = Map.groupBy(found.ranges[at] ?? [], ({ state }) => state);
  const last = [...ofState.values()]
    .filter((keys) => keys.length >= found.limit)
    .flatMap((keys) => keys.at(-1) ?? []);
  if (at === 0) return { at, toMs, cut: last.map((after) => ({ after, toMs })) };
  const ends = last.map(({ finishedAtMs }) => Math.max(finishedAtMs, fromMs + 1));
  const left = (found.ranges[at] ?? []).find((key) => later.has(idOf(key)))?.finishedAtMs ?? Infinity;
  return { at, toMs: Math.max(Math.min(toMs, left, ...ends), toMs - MAX_BEHIND_MS), cut: [] };
}

// The ranges may overlap for a moment.
function onceEach(keys: readonly EndedKey[]): EndedKey[] {
  const byId = new Map(keys.map((key) => [idOf(key), key]));
  return [...byId.values()].toSorted((a, b) => a.finishedAtMs - b.finishedAtMs);
}

function addUnfound(
  unread: Map<EndedState, number>,
  fresh: readonly EndedKey[],
  executions: readonly Execution[],
): void {
  const found = new Set(executions.map(({ executionUuid }) => executionUuid));
  for (const { executionUuid, state } of fresh)
    if (!found.has(executionUuid)) unread.set(state, (unread.get(state) ?? 0) + 1);
}

function isBehind(key: EndedKey, after: EndedKey): boolean {
  if (key.finishedAtMs !== after.finishedAtMs) return key.finishedAtMs > after.finishedAtMs;
  return key.executionUuid > after.executionUuid;
}

function keyOf({ executionUuid, state, finishedAtMs = 0 }: Execution): ToldKey {
  return { executionUuid, state: state as EndedState, finishedAtMs };
}

function idOf({ executionUuid, state }: ToldKey): string {
  return executionUuid + state;
}
