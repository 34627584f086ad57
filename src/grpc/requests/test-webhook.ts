import type { TestWebhookRequest } from '../../commands/admin/test-webhook.ts';
import { validationFailed } from '../../errors.ts';
import type * as pb from '../../gen/index.callhooks.v1.ts';
import { WEBHOOK_TYPES } from '../messages/wire-values.ts';
import { readCallDetails } from './call-lifecycle.ts';
import * as fields from './fields.ts';
import { createReader, type Reader } from './reader.ts';
import { toConfigDraft } from './webhook-config.ts';

/**
 * Parses the request. Its violations are in the result, because the command may find more of them.
 * @throws CallhooksError VALIDATION_FAILED when the request neither names a webhook nor describes one
 */
export function parseTestWebhook(message: pb.TestWebhookRequest): TestWebhookRequest {
  const reader = createReader();
  const webhook = message.webhookUuid === '' ? readUnsaved(reader, message) : readStored(reader, message);
  const conversationUuid = reader.read(
    'conversation_uuid',
    fields.conversationUuid,
    message.conversationUuid,
  );
  const details = readCallDetails(reader, message);
  if (webhook === undefined) throw validationFailed(reader.violations);
  return { ...webhook, conversationUuid, details, send: message.send, violations: reader.violations };
}

function readStored({ read, readUuid }: Reader, message: pb.TestWebhookRequest) {
  const webhookUuid = readUuid('webhook_uuid', message.webhookUuid);
  const agentUuid = read('agent_uuid', fields.agentUuid, message.agentUuid);
  const webhookType = read('webhook_type', fields.optionalWord(WEBHOOK_TYPES), message.webhookType);
  const configDraft = message.webhookConfig && toConfigDraft(message.webhookConfig);
  return webhookUuid === undefined ? undefined : { webhookUuid, agentUuid, webhookType, configDraft };
}

function readUnsaved({ read, readUuid, add }: Reader, message: pb.TestWebhookRequest) {
  const agentUuid = readUuid('agent_uuid', message.agentUuid);
  const webhookType = read('webhook_type', fields.requiredWord(WEBHOOK_TYPES), message.webhookType);
  const config = message.webhookConfig;
  if (config === undefined)
    add([{ field: 'webhook_config', description: 'is required when webhook_uuid is empty' }]);
  if (agentUuid === undefined || webhookType === undefined || config === undefined) return undefined;
  return { webhookUuid: undefined, agentUuid, webhookType, configDraft: toConfigDraft(config) };
}
