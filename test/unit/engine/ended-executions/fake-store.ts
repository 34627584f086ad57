import type { EndedState, Execution } from '../../../../src/domain/execution.ts';
import type { EndedExecutionsDeps } from '../../../../src/engine/ended-executions/ended-executions.ts';
import { matchesFilter } from '../../../../src/engine/ended-executions/matches-filter.ts';
import type { Clock } from '../../../../src/engine/ended-executions/past-pages.ts';
import type { EndedKey, EndedPlace } from '../../../../src/store/execution-store.ts';

/** Returns an execution that has ended at a time. */
export function anEnded(finishedAtMs: number, change: Partial<Execution> = {}): Execution {
  count += 1;
  return {
    executionUuid: `00000000-0000-4000-8000-${String(count).padStart(12, '0')}`,
    agentUuid: 'agent-1',
    conversationUuid: `conversation-${count}`,
    webhookUuid: 'webhook-1',
    webhookEtag: 'e',
    webhookType: 'pre_call',
    state: 'succeeded',
    failurePolicy: 'proceed',
    decision: 'proceed',
    missingVariables: [],
    missedAssignments: [],
    acceptedAtMs: finishedAtMs - 100,
    finishedAtMs,
    instance: 'replica-1',
    ...change,
  };
}
let count = 0;

/** A database in memory, whose clock a test moves. */
export interface FakeStore {
  readonly store: EndedExecutionsDeps['store'];
  /** Lists the names of the functions that were called. */
  readonly calls: string[];
  nowMs: number;
  /** What each call is rejected with while it is set. */
  failure: Error | undefined;
  /** Commits an execution, in place of the one with the same uuid. */
  commit(...executions: readonly Execution[]): void;
}

/** Makes a database in memory that reads so many keys of a state at once. */
export function createFakeStore(limit = 1_000): FakeStore {
  const rows = new Map<string, Execution>();
  const keys = (fits: (key: EndedKey) => boolean): EndedKey[] =>
    [...rows.values()]
      .map(({ executionUuid, state, finishedAtMs = 0 }) => ({
        ...{ executionUuid, finishedAtMs },
        state: state as EndedState,
      }))
      .filter(fits)
      .toSorted(inOrder);
  const isBehind = (place: EndedPlace) => (key: EndedKey) => inOrder(key, place) > 0;
  const firstOfEachState = (found: readonly EndedKey[]): EndedKey[] =>
    [...Map.groupBy(found, ({ state }) => state).values()]
      .flatMap((some) => some.slice(0, limit))
      .toSorted(inOrder);
  const fake: FakeStore = {
    calls: [],
    nowMs: 1_000_000_000,
    failure: undefined,
    commit: (...executions) => {
      for (const execution of executions) rows.set(execution.executionUuid, execution);
    },
    store: {
      nowMs: () => answer('nowMs', () => fake.nowMs),
      listEndedKeys: (ranges) =>
        answer('listEndedKeys', () => ({
          nowMs: fake.nowMs,
          ranges: ranges.map(({ fromMs, lagMs }) =>
            firstOfEachState(
              keys(({ finishedAtMs }) => finishedAtMs >= fromMs && finishedAtMs < fake.nowMs - lagMs),
            ),
          ),
          limit,
        })),
      countEnded: (after, toMs) =>
        answer(
          'countEnded',
          () =>
            keys(isBehind(after)).filter((key) => key.state === after.state && key.finishedAtMs < toMs)
              .length,
        ),
      findEnded: (uuids) => answer('findEnded', () => uuids.flatMap((uuid) => rows.get(uuid) ?? [])),
      listEnded: (filter, pageSize, after) =>
        answer('listEnded', () => {
          const found = keys(isBehind(after)).filter(({ finishedAtMs }) => finishedAtMs < fake.nowMs);
          const keysRead = found.slice(0, limit);
          const matching = keysRead.flatMap(({ executionUuid }) => {
            const execution = rows.get(executionUuid);
            return execution !== undefined && matchesFilter(execution, filter) ? [execution] : [];
          });
          const items = matching.slice(0, pageSize);
          const end = matching.length > pageSize ? items.at(-1) : keysRead.at(-1);
          const isLast = matching.length <= pageSize && keysRead.length < limit;
          if (isLast || end === undefined) return { items };
          return {
            items,
            next: { finishedAtMs: end.finishedAtMs ?? 0, executionUuid: end.executionUuid },
          };
        }),
    },
  };
  const answer = async <T>(name: string, run: () => T): Promise<T> => {
    fake.calls.push(name);
    if (fake.failure !== undefined) throw fake.failure;
    return run();
  };
  return fake;
}

function inOrder(a: EndedPlace, b: EndedPlace): number {
  return a.finishedAtMs - b.finishedAtMs || a.executionUuid.localeCompare(b.executionUuid);
}

/** A clock that stands still until a test moves it. */
export interface FakeClock extends Clock {
  /** Lets so many milliseconds pass. What waits for them goes on one after the other. */
  pass(ms: number): Promise<void>;
}

/** Makes a clock. The clock of the database goes with it. */
export function createFakeClock(fake: FakeStore): FakeClock {
  let now = 0;
  const waiting = new Set<{ readonly atMs: number; readonly resolve: () => void }>();
  return {
    nowMs: () => now,
    wait: (ms, signal) =>
      new Promise((resolve, reject) => {
        if (signal.aborted) return reject(new Error('aborted'));
        const entry = { atMs: now + ms, resolve };
        waiting.add(entry);
        signal.addEventListener('abort', () => {
          waiting.delete(entry);
          reject(new Error('aborted'));
        });
      }),
    pass: async (ms) => {
      const endMs = now + ms;
      for (;;) {
        await settle();
        const [next] = [...waiting].filter(({ atMs }) => atMs <= endMs).toSorted((a, b) => a.atMs - b.atMs);
        const toMs = next?.atMs ?? endMs;
        fake.nowMs += toMs - now;
        now = toMs;
        if (next === undefined) return;
        waiting.delete(next);
        next.resolve();
      }
    },
  };
}

/** Lets everything go on that waits for nothing but other promises. */
export async function settle(): Promise<void> {
  for (let pass = 0; pass < 60; pass += 1)
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
}
