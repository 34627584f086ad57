import type { Agent } from '../../domain/agent.ts';
import type { Page } from '../../store/agent-store.ts';
import type { AdminDeps } from './admin-commands.ts';
import { fillPage } from '../collect-page.ts';

/** A page of agents by UUID; `after` is the last UUID of the page before. */
export interface ListAgentsRequest {
  readonly pageSize: number;
  readonly after: string | undefined;
}

/** An agent can have megabytes of configuration. */
const CHUNK_SIZE = 20;

/** Agents with their webhooks in the order of their UUIDs, a page at a time. */
export function listAgents(
  { agents }: Pick<AdminDeps, 'agents'>,
  { pageSize, after }: ListAgentsRequest,
): Promise<Page<Agent, string>> {
  return fillPage(
    {
      read: (limit, start) => agents.listAgents(limit, start),
      keyOf: (agent) => agent.agentUuid,
      chunkSize: CHUNK_SIZE,
    },
    pageSize,
    after,
  );
}
