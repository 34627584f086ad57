import { randomUUID } from 'node:crypto';
import { until } from '../../support/until.ts';
import type { CallLog } from './call-log.ts';
import type { Replica } from './replica.ts';

const NORMAL_MS = 250;
const SINGLE_CALLS = 10;

/**
 * Waits until a replica answers ten single starts one after the other, each as quickly as without load (250 ms). Returns how
 * long that took, in milliseconds; rejects after 30 s.
 */
export async function untilRecovered(callLog: CallLog, replica: Replica, agentUuid: string): Promise<number> {
  const hasRecovered = async (): Promise<boolean> => {
    for (let made = 0; made < SINGLE_CALLS; made += 1) {
      const sentAtMs = performance.now();
      const call = { rpc: 'start', agentUuid, conversationUuid: randomUUID() } as const;
      const response = await callLog.call(replica, call);
      if (response.kind === 'error' || performance.now() - sentAtMs > NORMAL_MS) return false;
    }
    return true;
  };
  const sinceMs = performance.now();
  await until('single calls to be answered as quickly as without load', hasRecovered, { timeoutMs: 30_000 });
  return Math.round(performance.now() - sinceMs);
}
