import type { Webhook, WebhookConfig, WebhookType } from '../../domain/agent.ts';
import type { AdminDeps } from './admin-commands.ts';

/** The mutable part of a webhook after its check. */
export interface ValidWebhook {
  readonly webhookType: WebhookType;
  readonly config: WebhookConfig;
  readonly disabled: boolean;
}

type BuildDeps = Pick<AdminDeps, 'agentSecrets' | 'ids'>;

/** Returns a webhook as it is stored the first time, with the values of its sensitive literal headers sealed. */
export function newWebhook(
  { agentSecrets, ids }: BuildDeps,
  agentUuid: string,
  { webhookType, config, disabled }: ValidWebhook,
  nowMs: number,
  webhookUuid: string = ids.uuid(),
): Webhook {
  return {
    webhookUuid,
    agentUuid,
    webhookType,
    ...agentSecrets.sealHeaders(webhookUuid, config, {}),
    disabled,
    etag: ids.etag(),
    createdAtMs: nowMs,
    updatedAtMs: nowMs,
  };
}

/**
 * Returns a stored webhook with another configuration. It keeps its identity, and the sealed value of each header whose
 * new value is the mask.
 */
export function changedWebhook(
  { agentSecrets, ids }: BuildDeps,
  stored: Webhook,
  { config, disabled }: Omit<ValidWebhook, 'webhookType'>,
  nowMs: number,
): Webhook {
  return {
    ...stored,
    ...agentSecrets.sealHeaders(stored.webhookUuid, config, stored.sealedHeaders),
    disabled,
    etag: ids.etag(),
    updatedAtMs: nowMs,
  };
}
