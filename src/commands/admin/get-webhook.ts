import type { Webhook } from '../../domain/agent.ts';
import type { AdminDeps } from './admin-commands.ts';
import { webhookNotFound } from '../refusals.ts';

/** Names a webhook and, if wanted, the agent that it must belong to. */
export interface GetWebhookRequest {
  readonly webhookUuid: string;
  readonly agentUuid?: string | undefined;
}

/**
 * Reads a webhook from the database.
 * @throws CallhooksError WEBHOOK_NOT_FOUND
 */
export async function getWebhook(
  { agents }: Pick<AdminDeps, 'agents'>,
  { webhookUuid, agentUuid }: GetWebhookRequest,
): Promise<Webhook> {
  const agent = await agents.findAgentOfWebhook(webhookUuid);
  const webhook = agent?.webhooks.find((candidate) => candidate.webhookUuid === webhookUuid);
  const isRightAgent = agentUuid === undefined || agentUuid === agent?.agentUuid;
  if (webhook === undefined || !isRightAgent) throw webhookNotFound(webhookUuid);
  return webhook;
}
