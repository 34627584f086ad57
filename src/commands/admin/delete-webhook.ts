import type { AdminDeps } from './admin-commands.ts';
import { refuseStaleEtag, webhookNotFound } from '../refusals.ts';
import { changeAgent } from './change-agent.ts';

/** Names a webhook and, if wanted, the agent that it must belong to; `etag` empty checks nothing. */
export interface DeleteWebhookRequest {
  readonly webhookUuid: string;
  readonly agentUuid?: string | undefined;
  readonly etag: string;
}

/**
 * Deletes a webhook; its executions stay.
 * @throws CallhooksError WEBHOOK_NOT_FOUND, ETAG_MISMATCH
 */
export async function deleteWebhook(
  deps: AdminDeps,
  { webhookUuid, agentUuid, etag }: DeleteWebhookRequest,
): Promise<void> {
  const found = await deps.agents.findAgentOfWebhook(webhookUuid);
  if (found === undefined || (agentUuid !== undefined && agentUuid !== found.agentUuid)) {
    throw webhookNotFound(webhookUuid);
  }
  await changeAgent(deps, 'DeleteWebhook', found.agentUuid, (current, nowMs) => {
    const webhook = current?.webhooks.find((candidate) => candidate.webhookUuid === webhookUuid);
    if (current === undefined || webhook === undefined) throw webhookNotFound(webhookUuid);
    refuseStaleEtag(etag, webhook);
    const webhooks = current.webhooks.filter((other) => other !== webhook);
    return { ...current, webhooks, etag: deps.ids.etag(), updatedAtMs: nowMs };
  });
}
