import type { TestWebhookRequest } from '../../commands/admin/test-webhook.ts';
import type * as pb from '../../gen/index.callhooks.v1.ts';
import { WEBHOOK_TYPES } from '../messages/enums.ts';
import { readCallDetails } from './call-lifecycle.ts';
import * as fields from './fields.ts';
import { createReader, type Reader } from './reader.ts';
import { toConfigDraft } from './webhook-config.ts';

/** Whatever is wrong is told in `violations`, for the command finds more. */
export function parseTestWebhook(message: pb.TestWebhookRequest): TestWebhookRequest {
  const reader = createReader();
  const named = message.webhookUuid === '' ? readUnsaved(reader, message) : readStored(reader, message);
  const conversationUuid = reader.read('conversation_uuid', fields.optionalUuid, message.conversationUuid);
  const details = readCallDetails(reader, message);
  return {
    ...named,
    configDraft: message.webhookConfig && toConfigDraft(message.webhookConfig),
    conversationUuid,
    details,
    send: message.send,
    violations: reader.violations,
  };
}

type Named = Pick<TestWebhookRequest, 'webhookUuid' | 'agentUuid' | 'webhookType'>;

const readStored = ({ read, readUuid }: Reader, message: pb.TestWebhookRequest): Named => ({
  webhookUuid: readUuid('webhook_uuid', message.webhookUuid),
  agentUuid: read('agent_uuid', fields.optionalUuid, message.agentUuid),
  webhookType: read('webhook_type', fields.optionalWord(WEBHOOK_TYPES), message.webhookType),
});

function readUnsaved({ read, readUuid, add }: Reader, message: pb.TestWebhookRequest): Named {
  const agentUuid = readUuid('agent_uuid', message.agentUuid);
  const webhookType = read('webhook_type', fields.requiredWord(WEBHOOK_TYPES), message.webhookType);
  if (message.webhookConfig === undefined) {
    add([{ field: 'webhook_config', description: 'is required where no webhook_uuid is given' }]);
  }
  return { webhookUuid: undefined, agentUuid, webhookType };
}
