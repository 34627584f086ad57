import type { WebhookType } from '../domain/agent.ts';
import type { FailureCode } from '../domain/failures.ts';
import type { ExecutionStore } from '../store/execution-store.ts';

/** Is called with how many executions were finished without an owner that reports them. */
export type OnUnowned = (webhookType: WebhookType, code: FailureCode, count: number) => void;

/** Returns the store, which reports the executions that it finishes without an owner. */
export function withUnownedCounted(store: ExecutionStore, onUnowned: OnUnowned): ExecutionStore {
  return {
    ...store,
    interruptAllSending: async () => {
      const interrupted = await store.interruptAllSending();
      for (const webhookType of ['pre_call', 'post_call'] as const)
        onUnowned(webhookType, 'INTERRUPTED', interrupted[webhookType]);
      return interrupted;
    },
    abandonStart: async (executionUuid) => {
      const count = await store.abandonStart(executionUuid);
      onUnowned('pre_call', 'INTERRUPTED', count);
      return count;
    },
    failUnsent: async (executionUuids, failure, olderThanMs) => {
      const count = await store.failUnsent(executionUuids, failure, olderThanMs);
      onUnowned('post_call', failure.code, count);
      return count;
    },
  };
}
