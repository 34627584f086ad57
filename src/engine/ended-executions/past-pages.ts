import { setImmediate as nextPass } from 'node:timers/promises';
import type { Execution } from '../../domain/execution.ts';
import type { Page } from '../../store/agent-store.ts';
import type { EndedPlace, ExecutionFilter, ExecutionStore } from '../../store/execution-store.ts';
import { matchesFilter } from './matches-filter.ts';

/** Waits and tells the time. Tests hand in one of their own. */
export interface Clock {
  /** Returns milliseconds that only go forward. */
  nowMs(): number;
  /** Resolves after so many milliseconds, and rejects as soon as the signal is aborted. */
  wait(ms: number, signal: AbortSignal): Promise<void>;
}

/** A page of ended executions that somebody wants, as `listEnded` of the store takes it. */
interface WantedPage {
  readonly filter: ExecutionFilter;
  readonly pageSize: number;
  readonly after: EndedPlace;
}

type EndedPage = Page<Execution, EndedPlace>;

/** Reads a page when it is its turn. It rejects as soon as the signal is aborted, and as `listEnded` of the store does. */
export type ReadPastPage = (wanted: WantedPage, signal: AbortSignal) => Promise<EndedPage>;

/** What reading pages needs. */
export interface PastPagesDeps {
  readonly store: Pick<ExecutionStore, 'listEnded'>;
  readonly clock: Clock;
  /** How many pages are read in a second, of all who want one. */
  readonly perSecond: number;
  /** Aborted when no page is wanted any more. */
  readonly signal: AbortSignal;
}

interface Waiting extends WantedPage {
  readonly resolve: (page: EndedPage) => void;
  readonly reject: (error: unknown) => void;
}

const ALL: ExecutionFilter = { states: [], failureCodes: [] };
/** When so many more wait, one page is read for all who want a part of it: clients resume together when a replica was away. */
const SHARED_FROM = 4;
const SHARED_PAGE = 1_000;
/** The page of so many is cut within 5 ms. */
const CUTS_A_PASS = 10;

/** Makes the reader of pages. It reads one at a time, in the order in which they were asked for. */
export function createPastPages({ store, clock, perSecond, signal }: PastPagesDeps): ReadPastPage {
  const waiting = new Set<Waiting>();
  const gapMs = 1_000 / perSecond;
  let nextMs = 0;
  let isReading = false;

  const serveAll = async (first: Waiting, others: readonly Waiting[]): Promise<void> => {
    const whole = await store.listEnded(ALL, SHARED_PAGE, first.after);
    const served = [first, ...others.filter(({ after }) => isWithin(after, first.after, whole.next))];
    for (const [at, each] of served.entries()) {
      waiting.delete(each);
      const page = cutPage(whole, each);
      each.resolve(page);
      if (page.items.length > 0 || at % CUTS_A_PASS === 0) await nextPass();
    }
  };
  const serve = async (first: Waiting, others: readonly Waiting[]): Promise<void> => {
    waiting.delete(first);
    try {
      if (others.length >= SHARED_FROM) await serveAll(first, others);
      else first.resolve(await store.listEnded(first.filter, first.pageSize, first.after));
    } catch (error) {
      first.reject(error);
    }
  };
  const serveInTurn = async (): Promise<void> => {
    while (waiting.size > 0) {
      const nowMs = clock.nowMs();
      if (nextMs > nowMs) await clock.wait(nextMs - nowMs, signal);
      const [first, ...others] = waiting;
      if (first === undefined) return;
      nextMs = clock.nowMs() + gapMs;
      await serve(first, others);
    }
  };
  const begin = (): void => {
    if (isReading) return;
    isReading = true;
    // It ends early only when the signal is aborted. Each who waits is told so by a signal of their own.
    const end = (): void => {
      isReading = false;
    };
    serveInTurn().then(end, end);
  };

  return (wanted, ownSignal) =>
    new Promise((resolve, reject) => {
      const leave = (): void => {
        waiting.delete(request);
        reject(new DOMException('nobody waits for this page', 'AbortError'));
      };
      const done = (): void => ownSignal.removeEventListener('abort', leave);
      const request: Waiting = {
        ...wanted,
        resolve: (page) => {
          done();
          resolve(page);
        },
        reject: (error) => {
          done();
          reject(error);
        },
      };
      if (ownSignal.aborted) return leave();
      ownSignal.addEventListener('abort', leave, { once: true });
      waiting.add(request);
      begin();
    });
}

/** Returns the part of a page of all executions that somebody wants whose place lies within it. */
function cutPage({ items, next }: EndedPage, { filter, pageSize, after }: WantedPage): EndedPage {
  const wanted = items.filter(
    (execution) => isBehind(placeOf(execution), after) && matchesFilter(execution, filter),
  );
  const page = wanted.slice(0, pageSize);
  const last = page.at(-1);
  if (wanted.length > pageSize && last !== undefined) return { items: page, next: placeOf(last) };
  return { items: page, ...(next === undefined ? {} : { next }) };
}

/** Returns the place of an ended execution. */
export function placeOf({ finishedAtMs = 0, executionUuid }: Execution): EndedPlace {
  return { finishedAtMs, executionUuid };
}

function isWithin(place: EndedPlace, first: EndedPlace, next: EndedPlace | undefined): boolean {
  return !isBehind(first, place) && (next === undefined || isBehind(next, place));
}

function isBehind(place: EndedPlace, before: EndedPlace): boolean {
  if (place.finishedAtMs !== before.finishedAtMs) return place.finishedAtMs > before.finishedAtMs;
  return place.executionUuid > before.executionUuid;
}
