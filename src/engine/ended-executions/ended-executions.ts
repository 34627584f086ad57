import { setImmediate as nextPass, setTimeout as wait } from 'node:timers/promises';
import { limitReached, shuttingDown } from '../../errors.ts';
import type { ExecutionFilter, ExecutionStore } from '../../store/execution-store.ts';
import { reportAwayOnce } from '../writes/database-health.ts';
import { createPastPages, type Clock } from './past-pages.ts';
import { createEndedReads, NOTHING_FOUND, type EndedReads, type EndedRound } from './read-ended.ts';
import { readPast } from './read-past.ts';
import { createWatcher, type EndedUpdate, type Watcher } from './watcher.ts';

/** Tells watchers which executions have ended, whichever replica has finished them. */
export interface EndedExecutions {
  /**
   * Tells the executions that match the filter and ended at `fromMs` or later, or from now on. The first update comes at
   * once, then at most one a second. It ends when the signal is aborted. What the reader does not take in time is dropped.
   * @throws CallhooksError LIMIT_REACHED with 100 watchers, SHUTTING_DOWN when the engine stops; DatabaseError at first
   */
  watch(filter: ExecutionFilter, fromMs: number | undefined, signal: AbortSignal): AsyncIterable<EndedUpdate>;
  /** Returns how many watchers there are. */
  watchers(): number;
  /** Returns how many executions were dropped for all watchers so far. */
  dropped(): number;
  /** Ends all watchers as SHUTTING_DOWN, and refuses others. */
  stop(): void;
}

/** What the feed needs. */
export interface EndedExecutionsDeps {
  readonly store: Pick<ExecutionStore, 'listEndedKeys' | 'countEnded' | 'findEnded' | 'listEnded' | 'nowMs'>;
  /** Returns for how long the database has been available without a break. */
  readonly availableForMs: () => number;
  readonly onError: (error: unknown) => void;
  /** It is the clock of the process when it is absent. */
  readonly clock?: Clock;
}

const MAX_WATCHERS = 100;
const ROUND_EVERY_MS = 1_000;
const PAST_READS_A_SECOND = 4;
/** So many watchers take a full round within 5 ms. */
const WATCHERS_A_PASS = 10;
const PROCESS_CLOCK: Clock = {
  nowMs: () => performance.now(),
  wait: (ms, signal) => wait(ms, undefined, { signal }),
};

/** Makes the feed. It reads once a second for all watchers together, and not at all while there are none. */
export function createEndedExecutions(deps: EndedExecutionsDeps): EndedExecutions {
  const { store, clock = PROCESS_CLOCK } = deps;
  const stopping = new AbortController();
  const { signal: stopped } = stopping;
  const readPastPage = createPastPages({ store, clock, perSecond: PAST_READS_A_SECOND, signal: stopped });
  const open = new Set<AbortController>();
  let rounds: Rounds | undefined;
  let dropped = 0;
  const onDropped = (count: number): void => {
    dropped += count;
  };

  async function* updates(
    filter: ExecutionFilter,
    fromMs: number | undefined,
    signal: AbortSignal,
  ): AsyncGenerator<EndedUpdate> {
    const { reads, begun, join, leave } = (rounds ??= createRounds(deps, clock));
    await begun.catch((error: unknown) => {
      // The next watcher begins anew.
      if (rounds?.begun === begun) rounds = undefined;
      throw error;
    });
    // A reader that asks for no more updates takes part no longer all the same when the signal is aborted.
    const joinFrom = (firstMs: number, isHeld: boolean): Watcher => {
      const joined = join(createWatcher(filter, firstMs, { isHeld, onDropped }));
      const end = (): void => {
        joined.close();
        leave(joined);
      };
      signal.addEventListener('abort', end, { once: true });
      if (signal.aborted) end();
      return joined;
    };
    let watcher: Watcher;
    if (fromMs !== undefined && fromMs < reads.readToMs()) {
      const join = (): Watcher => joinFrom(fromMs, true);
      watcher = yield* readPast(
        { store, reads, clock, readPastPage, signal, onDropped, join },
        filter,
        fromMs,
      );
    } else {
      const firstMs = reads.readToMs();
      watcher = joinFrom(firstMs, false);
      yield { executions: [], dropped: 0, finishedToMs: firstMs };
    }
    for (;;) {
      const update = await watcher.next();
      if (update === undefined) return;
      yield update;
    }
  }

  async function* watch(
    filter: ExecutionFilter,
    fromMs: number | undefined,
    signal: AbortSignal,
  ): AsyncGenerator<EndedUpdate> {
    if (stopped.aborted) throw shuttingDown();
    if (open.size >= MAX_WATCHERS) throw limitReached(`${MAX_WATCHERS} watchers are already open`);
    const ending = new AbortController();
    const end = (): void => {
      signal.removeEventListener('abort', end);
      ending.abort();
      open.delete(ending);
      if (open.size > 0) return;
      rounds?.stop();
      rounds = undefined;
    };
    open.add(ending);
    signal.addEventListener('abort', end, { once: true });
    if (signal.aborted) end();
    try {
      yield* updates(filter, fromMs, ending.signal);
    } catch (error) {
      if (!ending.signal.aborted) throw error;
    } finally {
      end();
    }
    if (stopped.aborted) throw shuttingDown();
  }

  return {
    watch,
    watchers: () => open.size,
    dropped: () => dropped,
    stop: () => {
      stopping.abort();
      for (const ending of open) ending.abort();
    },
  };
}

/** The rounds of reads, which go on as long as anybody watches. */
interface Rounds {
  readonly reads: EndedReads;
  /** Resolves when the time of the database is known. */
  readonly begun: Promise<void>;
  join(watcher: Watcher): Watcher;
  leave(watcher: Watcher): void;
  stop(): void;
}

function createRounds({ store, availableForMs, onError }: EndedExecutionsDeps, clock: Clock): Rounds {
  const reads = createEndedReads({ store, availableForMs });
  const watchers = new Set<Watcher>();
  const stopping = new AbortController();
  const { signal } = stopping;
  const runRead = reportAwayOnce(onError);
  const runTell = reportAwayOnce(onError);

  const tell = async (round: EndedRound): Promise<void> => {
    for (const [at, watcher] of [...watchers].entries()) {
      const isTold = watcher.take(round, reads.settledToMs());
      // Each message is made in a pass of the event loop of its own.
      if (isTold || at % WATCHERS_A_PASS === 0) await nextPass();
    }
  };
  const repeat = async (): Promise<void> => {
    while (!signal.aborted) {
      await clock.wait(ROUND_EVERY_MS, signal);
      // A round that fails tells nothing, but watchers still hear that their stream is alive.
      let round = NOTHING_FOUND;
      await runRead(async () => {
        const wantedFromMs = Math.min(...[...watchers].map((watcher) => watcher.wantedFromMs()));
        round = await reads.round(wantedFromMs);
      });
      await runTell(() => tell(round));
    }
  };
  const begun = reads.begin();
  begun.then(repeat).catch(ignore);
  return {
    reads,
    begun,
    join: (watcher) => {
      watchers.add(watcher);
      return watcher;
    },
    leave: (watcher) => void watchers.delete(watcher),
    stop: () => stopping.abort(),
  };
}

// Who began to watch is told why the rounds did not begin. A wait that was ended is no error.
function ignore(): void {}
