import { randomUUID } from 'node:crypto';
import { errorOf } from '../../support/rpc.ts';
import { startProxy, type Proxy } from './proxy.ts';
import type { Replica, ReplicaOptions } from './replicas.ts';
import { until } from '../../support/until.ts';
import type { World } from './world.ts';

/** The same database by another port. */
export const urlBy = (url: string | null, port: number): string => {
  const changed = new URL(url ?? '');
  changed.port = String(port);
  return changed.href;
};

/** A replica whose way to the database leads through a proxy of its own. */
export interface ProxiedReplica {
  readonly replica: Replica;
  readonly proxy: Proxy;
}

/** Adds one; close its proxy after the world. */
export const addProxiedReplica = async (
  world: World,
  options: Partial<ReplicaOptions> = {},
): Promise<ProxiedReplica> => {
  const proxy = await startProxy(Number(new URL(world.url ?? '').port || 3306));
  const replica = await world.addReplica({ url: urlBy(world.url, proxy.port), ...options });
  return { replica, proxy };
};

/** How a new call fares: `there`, or the reason of its refusal. It leaves nothing behind. */
export const askForDatabase = async ({ rpc }: Replica, deadlineMs = 10_000): Promise<string> => {
  // Nobody's agent: without the database it is not known that there is none.
  const ids = { agentUuid: randomUUID(), conversationUuid: randomUUID() };
  const error = await errorOf(rpc.calls.onCallStart(ids, { deadlineMs }));
  return error.reason === 'AGENT_NOT_FOUND' ? 'there' : error.reason;
};

/** Waits until a replica takes new calls. */
export const untilThere = (replica: Replica, timeoutMs = 20_000): Promise<unknown> =>
  until(`${replica.name} to have its database`, async () => (await askForDatabase(replica)) === 'there', {
    timeoutMs,
  });
