import type { Webhook } from '../../domain/agent.ts';
import type { Page } from '../../store/agent-store.ts';
import type { AdminDeps } from './admin-commands.ts';

/** Asks for a page of the webhooks of one agent, or of all, by UUID; `after` is the last UUID of the page before. */
export interface ListWebhooksRequest {
  readonly agentUuid: string | undefined;
  readonly pageSize: number;
  readonly after: string | undefined;
}

/** Returns a page of webhooks in the order of their UUIDs. An unknown agent has none. */
export function listWebhooks(
  { agents }: Pick<AdminDeps, 'agents'>,
  { agentUuid, pageSize, after }: ListWebhooksRequest,
): Promise<Page<Webhook, string>> {
  return agents.listWebhooks(agentUuid, pageSize, after);
}
