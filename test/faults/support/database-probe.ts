import { randomUUID } from 'node:crypto';
import { errorOf } from '../../support/rpc.ts';
import { until } from '../../support/until.ts';
import type { Replica } from './replica.ts';

/** Says whether a replica has its database. */
export interface ProbeResult {
  /** `available`, or the code and the reason of the refusal. */
  readonly result: string;
  readonly retryAfterMs: number | undefined;
}

/**
 * Starts a call of an agent that does not exist. Without its database a replica does not know that there is none, and
 * nothing of the call is recorded.
 */
export async function probeDatabase({ rpc }: Replica, deadlineMs = 10_000): Promise<ProbeResult> {
  const call = { agentUuid: randomUUID(), conversationUuid: randomUUID() };
  const { code, reason, retryAfterMs } = await errorOf(rpc.calls.onCallStart(call, { deadlineMs }));
  return { result: reason === 'AGENT_NOT_FOUND' ? 'available' : `${code} ${reason}`, retryAfterMs };
}

/** Waits until a replica takes new calls because it has its database. */
export function untilDatabaseAvailable(replica: Replica, timeoutMs = 20_000): Promise<unknown> {
  return until(
    `${replica.name} to have its database`,
    async () => (await probeDatabase(replica)).result === 'available',
    { timeoutMs, everyMs: 50 },
  );
}
