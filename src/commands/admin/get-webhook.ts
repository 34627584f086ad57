import type { Webhook } from '../../domain/agent.ts';
import type { AdminDeps } from './admin-commands.ts';
import { findAgentOf, webhookOf } from './find-webhook.ts';

/** Names a webhook and, if one is given, the agent that it must belong to. */
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
  request: GetWebhookRequest,
): Promise<Webhook> {
  return webhookOf(await findAgentOf(agents, request), request.webhookUuid);
}
