import type { Cluster } from './cluster.ts';
import { startDatabaseProxy, type DatabaseProxy } from './database-proxy.ts';
import type { Replica, ReplicaOptions } from './replica.ts';

/** A replica whose connections to the database go through a proxy of its own. */
export interface ProxiedReplica {
  readonly replica: Replica;
  readonly proxy: DatabaseProxy;
}

/** Adds one to a cluster. Close its proxy after the cluster. */
export async function addProxiedReplica(
  cluster: Cluster,
  options: Partial<ReplicaOptions> = {},
): Promise<ProxiedReplica> {
  const url = new URL(cluster.url ?? '');
  const proxy = await startDatabaseProxy(Number(url.port || 3306));
  url.port = String(proxy.port);
  // The proxy reads the statements.
  url.searchParams.set('ssl-mode', 'DISABLED');
  const replica = await cluster.addReplica({ url: url.href, ...options });
  return { replica, proxy };
}
