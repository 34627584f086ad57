import type { Webhook, WebhookConfig, WebhookType } from '../../domain/agent.ts';
import type { AdminDeps } from './admin-commands.ts';

/** Holds the mutable part of a webhook after its check. */
export interface CheckedWebhook {
  readonly webhookType: WebhookType;
  readonly config: WebhookConfig;
  readonly disabled: boolean;
}

type BuildDeps = Pick<AdminDeps, 'agentSecrets' | 'ids'>;

/** Returns a webhook as it is stored the first time, with the values of its sensitive literal headers sealed. */
export function newWebhook(
  { agentSecrets, ids }: BuildDeps,
  agentUuid: string,
  { webhookType, config, disabled }: CheckedWebhook,
  nowMs: number,
): Webhook {
  const webhookUuid = ids.uuid();
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
  { config, disabled }: Omit<CheckedWebhook, 'webhookType'>,
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
