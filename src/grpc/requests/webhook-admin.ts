import type { CreateWebhookRequest } from '../../commands/admin/create-webhook.ts';
import type { DeleteWebhookRequest } from '../../commands/admin/delete-webhook.ts';
import type { GetWebhookRequest } from '../../commands/admin/get-webhook.ts';
import type { ListWebhooksRequest } from '../../commands/admin/list-webhooks.ts';
import type { UpdateWebhookRequest } from '../../commands/admin/update-webhook.ts';
import { parseUpdateMask } from '../../domain/update-mask.ts';
import { validationFailed } from '../../errors.ts';
import * as pb from '../../gen/index.callhooks.v1.ts';
import { WEBHOOK_TYPES } from '../messages/wire-values.ts';
import { webhookTokens } from '../page-tokens.ts';
import * as fields from './fields.ts';
import { createReader } from './reader.ts';
import { toConfigDraft } from './webhook-config.ts';

const REQUIRED = 'is required';

/**
 * Parses the request.
 * @throws CallhooksError VALIDATION_FAILED
 */
export function parseCreateWebhook(message: pb.CreateWebhookRequest): CreateWebhookRequest {
  const reader = createReader();
  const agentUuid = reader.readUuid('agent_uuid', message.agentUuid);
  const webhookType = reader.read('webhook_type', fields.requiredWord(WEBHOOK_TYPES), message.webhookType);
  const config = message.webhookConfig;
  if (config === undefined) reader.add([{ field: 'webhook_config', description: REQUIRED }]);
  if (agentUuid === undefined || webhookType === undefined || config === undefined)
    throw validationFailed(reader.violations);
  return { agentUuid, webhookType, config: toConfigDraft(config), disabled: message.disabled };
}

/**
 * Parses the request.
 * @throws CallhooksError VALIDATION_FAILED
 */
export function parseGetWebhook(message: pb.GetWebhookRequest): GetWebhookRequest {
  const reader = createReader();
  const webhookUuid = reader.readUuid('webhook_uuid', message.webhookUuid);
  const agentUuid = reader.read('agent_uuid', fields.agentUuid, message.agentUuid);
  reader.refuseIfBroken();
  return { webhookUuid: webhookUuid as string, agentUuid };
}

/**
 * Parses the request.
 * @throws CallhooksError VALIDATION_FAILED
 */
export function parseListWebhooks(message: pb.ListWebhooksRequest): ListWebhooksRequest {
  const reader = createReader();
  const agentUuid = reader.read('agent_uuid', fields.agentUuid, message.agentUuid);
  const pageSize = reader.read('page_size', fields.pageSize, message.pageSize);
  const after = reader.read('page_token', fields.pageToken(webhookTokens(agentUuid)), message.pageToken);
  reader.refuseIfBroken();
  return { agentUuid, pageSize: pageSize as number, after };
}

/**
 * Parses the request. Its violations are in the result, because the command may find more of them.
 * @throws CallhooksError VALIDATION_FAILED when `webhook.webhook_uuid` is missing or not a UUID
 */
export function parseUpdateWebhook(message: pb.UpdateWebhookRequest): UpdateWebhookRequest {
  const reader = createReader();
  const webhook = message.webhook ?? pb.Webhook.fromPartial({});
  if (message.webhook === undefined) reader.add([{ field: 'webhook', description: REQUIRED }]);
  const webhookUuid = message.webhook && reader.readUuid('webhook.webhook_uuid', webhook.webhookUuid);
  const agentUuid = reader.read('webhook.agent_uuid', fields.agentUuid, webhook.agentUuid);
  const etag = reader.read('webhook.etag', fields.etag, webhook.etag) ?? '';
  const { mask, violations } = parseUpdateMask(message.updateMask ?? [], 'webhook');
  reader.add(violations);
  if (webhookUuid === undefined) throw validationFailed(reader.violations);
  return {
    webhookUuid,
    agentUuid,
    etag,
    mask,
    config: toConfigDraft(webhook.webhookConfig ?? pb.WebhookConfig.fromPartial({})),
    disabled: webhook.disabled,
    violations: reader.violations,
  };
}

/**
 * Parses the request.
 * @throws CallhooksError VALIDATION_FAILED
 */
export function parseDeleteWebhook(message: pb.DeleteWebhookRequest): DeleteWebhookRequest {
  const reader = createReader();
  const webhookUuid = reader.readUuid('webhook_uuid', message.webhookUuid);
  const agentUuid = reader.read('agent_uuid', fields.agentUuid, message.agentUuid);
  const etag = reader.read('etag', fields.etag, message.etag);
  reader.refuseIfBroken();
  return { webhookUuid: webhookUuid as string, agentUuid, etag: etag as string };
}
