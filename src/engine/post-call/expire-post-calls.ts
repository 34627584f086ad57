import { failureOf } from '../../domain/failures.ts';
import type { ExecutionStore, PendingPostCall, PendingWebhook } from '../../store/execution-store.ts';
import type { OnFaultPoint } from '../fault-points.ts';

/** Fails pending post-calls that no replica could begin in time. */
export interface Expiry {
  /** Reads the database's clock, by which post-calls expire. */
  readClock(): Promise<void>;
  /** Returns the post-calls that may still be sent, and fails the others as EXPIRED. */
  withoutExpired(postCalls: readonly PendingPostCall[]): Promise<readonly PendingPostCall[]>;
  /** Fails the expired post-calls of these webhooks, for half a second at most. */
  failExpired(webhooks: readonly PendingWebhook[]): Promise<void>;
}

/** What failing expired post-calls needs. */
export interface ExpiryDeps {
  readonly store: Pick<ExecutionStore, 'listPendingPostCalls' | 'failUnsent' | 'nowMs'>;
  /** A post-call that has been pending for longer fails as EXPIRED. With 0 none does. */
  readonly startByMs: number;
  readonly isStopped: () => boolean;
  readonly onFaultPoint: OnFaultPoint;
  /** Is called with the error of one webhook. Throws when it concerns all of them. */
  readonly onError: (error: unknown) => void;
}

const ROWS_A_STEP = 100;
const STEPS_A_WEBHOOK = 20;
const FAIL_FOR_MS = 500;

/** Makes the expiry. */
export function createExpiry({ store, startByMs, isStopped, onFaultPoint, onError }: ExpiryDeps): Expiry {
  // The database's clock less the monotonic one.
  let clockMs = -Infinity;

  const isExpired = (acceptedAtMs: number): boolean =>
    startByMs > 0 && clockMs + performance.now() - acceptedAtMs > startByMs;

  const withoutExpired = async (
    postCalls: readonly PendingPostCall[],
  ): Promise<readonly PendingPostCall[]> => {
    const expired = postCalls.filter(({ acceptedAtMs }) => isExpired(acceptedAtMs));
    if (expired.length > 0) {
      const uuids = expired.map(({ executionUuid }) => executionUuid);
      await store.failUnsent(uuids, failureOf('EXPIRED'), startByMs);
    }
    for (const { conversationUuid } of expired) onFaultPoint('post_call.expired', conversationUuid);
    return postCalls.filter(({ acceptedAtMs }) => !isExpired(acceptedAtMs));
  };

  const failExpiredOf = async (webhookUuid: string): Promise<void> => {
    for (let step = 0; step < STEPS_A_WEBHOOK && !isStopped(); step += 1) {
      const postCalls = await store.listPendingPostCalls(webhookUuid, ROWS_A_STEP);
      const fresh = await withoutExpired(postCalls);
      if (fresh.length > 0 || postCalls.length < ROWS_A_STEP) return;
    }
  };

  return {
    readClock: async () => {
      clockMs = (await store.nowMs()) - performance.now();
    },
    withoutExpired,
    // After a restored backup very many may be expired: the next poll goes on.
    failExpired: async (webhooks) => {
      const giveUpAtMs = performance.now() + FAIL_FOR_MS;
      for (const { webhookUuid, oldestAcceptedAtMs } of webhooks) {
        if (performance.now() > giveUpAtMs) return;
        if (isExpired(oldestAcceptedAtMs)) await failExpiredOf(webhookUuid).catch(onError);
      }
    },
  };
}
