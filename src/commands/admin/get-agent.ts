import type { Agent } from '../../domain/agent.ts';
import { agentNotFound } from '../refusals.ts';
import type { AdminDeps } from './admin-commands.ts';

/** Names an agent. */
export interface GetAgentRequest {
  readonly agentUuid: string;
}

/**
 * Reads an agent from the database.
 * @throws CallhooksError AGENT_NOT_FOUND
 */
export async function getAgent(
  { agents }: Pick<AdminDeps, 'agents'>,
  { agentUuid }: GetAgentRequest,
): Promise<Agent> {
  const agent = await agents.findAgent(agentUuid);
  if (agent === undefined) throw agentNotFound(agentUuid);
  return agent;
}
