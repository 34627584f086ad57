import type { Agent } from '../../domain/agent.ts';
import type { Page } from '../../store/agent-store.ts';
import type { AdminDeps } from './admin-commands.ts';

/** Asks for a page of agents by UUID; `after` is the last UUID of the page before. */
export interface ListAgentsRequest {
  readonly pageSize: number;
  readonly after: string | undefined;
}

/** Returns a page of agents with their webhooks, in the order of their UUIDs. */
export function listAgents(
  { agents }: Pick<AdminDeps, 'agents'>,
  { pageSize, after }: ListAgentsRequest,
): Promise<Page<Agent, string>> {
  return agents.listAgents(pageSize, after);
}
