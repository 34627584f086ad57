import { refuseStaleEtag, webhookNotFound } from '../refusals.ts';
import type { AdminDeps } from './admin-commands.ts';
import { changeAgent } from './change-agent.ts';
import { findAgentOf, webhookOf } from './find-webhook.ts';

/** Names a webhook and, if one is given, the agent that it must belong to. An empty `etag` checks nothing. */
export interface DeleteWebhookRequest {
  readonly webhookUuid: string;
  readonly agentUuid?: string | undefined;
  readonly etag: string;
}

/**
 * Deletes a webhook. Its executions stay.
 * @throws CallhooksError WEBHOOK_NOT_FOUND, ETAG_MISMATCH
 */
export async function deleteWebhook(deps: AdminDeps, request: DeleteWebhookRequest): Promise<void> {
  const { webhookUuid } = request;
  const { agentUuid } = await findAgentOf(deps.agents, request);
  await changeAgent(deps, 'DeleteWebhook', agentUuid, (current, nowMs) => {
    if (current === undefined) throw webhookNotFound(webhookUuid);
    const webhook = webhookOf(current, webhookUuid);
    refuseStaleEtag(request.etag, webhook);
    const webhooks = current.webhooks.filter((other) => other !== webhook);
    return { ...current, webhooks, etag: deps.ids.etag(), updatedAtMs: nowMs };
  });
}
