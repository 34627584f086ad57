import { agentNotFound, refuseStaleEtag } from '../refusals.ts';
import type { AdminDeps } from './admin-commands.ts';
import { changeAgent } from './change-agent.ts';

/** Names an agent. An empty `etag` checks nothing. */
export interface DeleteAgentRequest {
  readonly agentUuid: string;
  readonly etag: string;
}

/**
 * Deletes an agent with its webhooks and secrets. Its executions stay.
 * @throws CallhooksError AGENT_NOT_FOUND, ETAG_MISMATCH
 */
export async function deleteAgent(deps: AdminDeps, { agentUuid, etag }: DeleteAgentRequest): Promise<void> {
  await changeAgent(deps, 'DeleteAgent', agentUuid, (current) => {
    if (current === undefined) throw agentNotFound(agentUuid);
    refuseStaleEtag(etag, current);
    return undefined;
  });
}
