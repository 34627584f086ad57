import type { Agent, Webhook } from '../../domain/agent.ts';
import type { Violation } from '../../errors.ts';
import type { AgentStore } from '../../store/agent-store.ts';
import { refuseViolations, webhookNotFound } from '../refusals.ts';

/** Names a webhook and, if one is given, the agent that it must belong to. */
interface WebhookName {
  readonly webhookUuid: string;
  readonly agentUuid?: string | undefined;
  /** What parsing found wrong. It is reported in the place of WEBHOOK_NOT_FOUND. */
  readonly violations?: readonly Violation[];
}

/**
 * Returns the agent of a webhook, read from the database.
 * @throws CallhooksError VALIDATION_FAILED or WEBHOOK_NOT_FOUND when the webhook does not exist or is another agent's
 */
export async function findAgentOf(
  agents: Pick<AgentStore, 'findAgentOfWebhook'>,
  { webhookUuid, agentUuid, violations = [] }: WebhookName,
): Promise<Agent> {
  const agent = await agents.findAgentOfWebhook(webhookUuid);
  if (agent !== undefined && (agentUuid === undefined || agentUuid === agent.agentUuid)) return agent;
  refuseViolations(violations);
  throw webhookNotFound(webhookUuid);
}

/**
 * Returns a webhook of an agent.
 * @throws CallhooksError WEBHOOK_NOT_FOUND
 */
export function webhookOf(agent: Agent, webhookUuid: string): Webhook {
  const webhook = agent.webhooks.find((candidate) => candidate.webhookUuid === webhookUuid);
  if (webhook === undefined) throw webhookNotFound(webhookUuid);
  return webhook;
}
