import type { EndedState } from '../../domain/execution.ts';

/** Names an execution with the state in which it has ended. */
export interface ToldKey {
  readonly state: EndedState;
  readonly executionUuid: string;
  readonly finishedAtMs: number;
}

/** Remembers which executions were told, so that those that are read again are told once. */
export interface ToldKeys {
  has(key: ToldKey): boolean;
  add(key: ToldKey): void;
  /** Forgets the executions that ended before this time. */
  forgetBefore(ms: number): void;
  /** Notes that the clock has stepped back to this time. */
  rewind(ms: number): void;
  /** Returns the time before which nothing is remembered: it was forgotten, or there was no room. */
  forgottenMs(): number;
}

const MS_PER_SECOND = 1_000;

/** Makes the memory. When it holds more than `maxKeys`, it forgets the seconds that are the longest ago. */
export function createToldKeys(maxKeys: number): ToldKeys {
  // A second that comes late is put at the end, so the first one is not always the oldest. It is still forgotten in time.
  const bySecond = new Map<number, Set<string>>();
  let size = 0;
  let forgottenMs = 0;

  const forget = (second: number): void => {
    size -= bySecond.get(second)?.size ?? 0;
    bySecond.delete(second);
    forgottenMs = Math.max(forgottenMs, (second + 1) * MS_PER_SECOND);
  };
  return {
    has: (key) => bySecond.get(secondOf(key))?.has(textOf(key)) ?? false,
    add: (key) => {
      const second = secondOf(key);
      const keys = bySecond.get(second) ?? new Set();
      bySecond.set(second, keys);
      size -= keys.size;
      size += keys.add(textOf(key)).size;
      while (size > maxKeys && bySecond.size > 1) forget(Math.min(...bySecond.keys()));
    },
    forgetBefore: (ms) => {
      for (const second of bySecond.keys()) if ((second + 1) * MS_PER_SECOND <= ms) forget(second);
    },
    rewind: (ms) => {
      forgottenMs = Math.min(forgottenMs, ms);
    },
    forgottenMs: () => forgottenMs,
  };
}

function secondOf({ finishedAtMs }: ToldKey): number {
  return Math.floor(finishedAtMs / MS_PER_SECOND);
}

function textOf({ executionUuid, state }: ToldKey): string {
  return executionUuid + state;
}
