import type { EndedState, Execution } from '../../domain/execution.ts';
import { ENDED_STATES } from '../../domain/execution.ts';
import { isDatabaseError } from '../../errors.ts';
import type { Page } from '../../store/agent-store.ts';
import type { EndedPlace, ExecutionFilter, ExecutionStore } from '../../store/execution-store.ts';
import { placeOf, type Clock, type ReadPastPage } from './past-pages.ts';
import type { EndedReads } from './read-ended.ts';
import { cutUpdate, isOfState, keyOf, MAX_EXECUTIONS, type EndedUpdate, type Watcher } from './watcher.ts';

/** What reading the past needs. */
export interface ReadPastDeps {
  readonly store: Pick<ExecutionStore, 'countEnded'>;
  readonly reads: Pick<EndedReads, 'readToMs' | 'settledToMs'>;
  readonly clock: Clock;
  readonly readPastPage: ReadPastPage;
  /** Makes a watcher that takes what ends from now on, and keeps it until it is released. */
  readonly join: () => Watcher;
  /** Is told how many executions of the past are left out. */
  readonly onDropped: (count: number) => void;
  readonly signal: AbortSignal;
}

/** The most executions that are told of the past. */
const MAX_PAST = 10_000;
const READ_EVERY_MS = 1_000;
/** A reader hears at least so often how far the past was read. */
const QUIET_MS = 10_000;
const NEAR_MS = 5_000;
const FIRST_UUID = '00000000-0000-0000-0000-000000000000';

/**
 * Tells the executions that ended from `fromMs` on, oldest first, with one read a second, until it has come to the present.
 * It returns the watcher of the present, which has missed nothing meanwhile.
 */
export async function* readPast(
  deps: ReadPastDeps,
  filter: ExecutionFilter,
  fromMs: number,
): AsyncGenerator<EndedUpdate, Watcher> {
  const { reads, clock, signal } = deps;
  const seen = new Map<string, number>();
  let place: EndedPlace = { finishedAtMs: fromMs, executionUuid: FIRST_UUID };
  let left = MAX_PAST;
  let watcher: Watcher | undefined;
  let toldAtMs = clock.nowMs();
  yield { executions: [], dropped: 0, finishedToMs: fromMs };
  for (;;) {
    if (place.finishedAtMs >= reads.settledToMs() - NEAR_MS) watcher ??= deps.join();
    watcher?.restart(place.finishedAtMs, seen);
    const settledMs = reads.settledToMs();
    forgetBefore(settledMs, seen);
    const page = await readPage(deps, filter, Math.min(left, MAX_EXECUTIONS), place);
    // What is not settled is read only when the watcher takes what is committed late.
    const { items, next } = watcher === undefined ? cutAt(settledMs, page) : page;
    left -= items.length;
    for (const execution of items) seen.set(keyOf(execution), execution.finishedAtMs ?? 0);
    place = next ?? placeAfter(items, place);
    const toldToMs = Math.min(place.finishedAtMs, settledMs, watcher?.keptFromMs() ?? Infinity);
    if (items.length > 0 || clock.nowMs() - toldAtMs >= QUIET_MS) {
      toldAtMs = clock.nowMs();
      yield { executions: items, dropped: 0, finishedToMs: Math.max(fromMs, toldToMs) };
    }
    if (left === 0 || next === undefined) break;
    await clock.wait(READ_EVERY_MS, signal);
  }
  watcher ??= deps.join();
  if (left === 0) {
    watcher.restart(place.finishedAtMs, seen);
    const dropped = await countRest(deps, filter, place);
    deps.onDropped(dropped);
    yield { executions: [], dropped, finishedToMs: reads.settledToMs() };
  }
  watcher.release(seen);
  return watcher;
}

// While the database is away or busy, the read is tried again: the reader keeps its stream and misses nothing.
async function readPage(
  { readPastPage, clock, signal }: ReadPastDeps,
  filter: ExecutionFilter,
  pageSize: number,
  after: EndedPlace,
): Promise<Page<Execution, EndedPlace>> {
  for (;;) {
    try {
      const page = await readPastPage({ filter, pageSize, after }, signal);
      const { items, rest } = cutUpdate(page.items);
      const last = items.at(-1);
      return rest.length === 0 || last === undefined ? page : { items, next: placeOf(last) };
    } catch (error) {
      if (!isDatabaseError(error, 'away', 'busy', 'conflict')) throw error;
      await clock.wait(READ_EVERY_MS, signal);
    }
  }
}

async function countRest(
  { store, reads }: ReadPastDeps,
  filter: ExecutionFilter,
  place: EndedPlace,
): Promise<number> {
  let count = 0;
  for (const state of ENDED_STATES.filter((each: EndedState) => isOfState(filter, each)))
    count += await store.countEnded({ ...place, state }, reads.readToMs());
  return count;
}

// The rounds find nothing again that ended before the settled time.
function forgetBefore(settledMs: number, seen: Map<string, number>): void {
  for (const [key, finishedAtMs] of seen) if (finishedAtMs < settledMs) seen.delete(key);
}

// The page goes on at this time where it reaches it, or ends before.
function cutAt(ms: number, { items, next }: Page<Execution, EndedPlace>): Page<Execution, EndedPlace> {
  if (next !== undefined && next.finishedAtMs < ms) return { items, next };
  const before = items.filter(({ finishedAtMs = 0 }) => finishedAtMs < ms);
  return { items: before, next: { finishedAtMs: ms, executionUuid: FIRST_UUID } };
}

function placeAfter(items: readonly Execution[], before: EndedPlace): EndedPlace {
  const last = items.at(-1);
  return last === undefined ? before : placeOf(last);
}
