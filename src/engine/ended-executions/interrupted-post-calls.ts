import type { Execution } from '../../domain/execution.ts';
import type { ExecutionStore } from '../../store/execution-store.ts';

/** Follows post-calls that were marked interrupted, because their owner may still correct the mark. */
export interface InterruptedPostCalls {
  /** Follows those of these executions that are such. */
  note(executions: readonly Execution[]): void;
  /** Reports whether an execution is the outcome of one that is followed. */
  isOutcome(execution: Pick<Execution, 'executionUuid' | 'state'>): boolean;
  /** Returns those whose mark was corrected. It reads in every fifth call only, and 100 of them at a time. */
  findCorrected(): Promise<readonly Execution[]>;
}

// A corrected outcome has the time at which the request ended, which lies before the mark. So no read of new ends finds it.
const READ_EVERY = 5;
const MAX_READ = 100;
const MAX_FOLLOWED = 1_000;

/** Makes the follower. It forgets the oldest when it follows more than 1,000. */
export function createInterruptedPostCalls(store: Pick<ExecutionStore, 'findEnded'>): InterruptedPostCalls {
  const followed = new Set<string>();
  let calls = 0;
  return {
    note: (executions) => {
      for (const { executionUuid, state, webhookType } of executions) {
        if (state !== 'interrupted') followed.delete(executionUuid);
        else if (webhookType === 'post_call') followed.add(executionUuid);
      }
      for (const oldest of followed) {
        if (followed.size <= MAX_FOLLOWED) break;
        followed.delete(oldest);
      }
    },
    isOutcome: ({ executionUuid, state }) => state !== 'interrupted' && followed.has(executionUuid),
    findCorrected: async () => {
      calls += 1;
      if (calls % READ_EVERY !== 0 || followed.size === 0) return [];
      const uuids = [...followed].slice(0, MAX_READ);
      const executions = await store.findEnded(uuids);
      // Those that were read now are read again after the others.
      for (const uuid of uuids) {
        followed.delete(uuid);
        followed.add(uuid);
      }
      return executions.filter(({ state }) => state !== 'interrupted');
    },
  };
}
