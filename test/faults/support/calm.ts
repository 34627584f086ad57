import { randomUUID } from 'node:crypto';
import type { Journal } from './journal.ts';
import type { Replica } from './replicas.ts';
import { until } from '../../support/until.ts';

const NORMAL_MS = 250;
const CALM_CALLS = 10;

/** Waits until single starts are answered as quickly as without load, and returns how long that took, in milliseconds. */
export async function untilCalm(journal: Journal, replica: Replica, agentUuid: string): Promise<number> {
  const isCalm = async (): Promise<boolean> => {
    for (let calm = 0; calm < CALM_CALLS; calm += 1) {
      const sentAtMs = performance.now();
      const call = { rpc: 'start', agentUuid, conversationUuid: randomUUID() } as const;
      const told = await journal.call(replica, call);
      if (told.kind === 'error' || performance.now() - sentAtMs > NORMAL_MS) return false;
    }
    return true;
  };
  const sinceMs = performance.now();
  await until('single calls to be answered as quickly as ever', isCalm, { timeoutMs: 30_000 });
  return Math.round(performance.now() - sinceMs);
}
