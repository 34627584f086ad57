import type { CreateAgentRequest } from '../../commands/admin/create-agent.ts';
import type { DeleteAgentRequest } from '../../commands/admin/delete-agent.ts';
import type { GetAgentRequest } from '../../commands/admin/get-agent.ts';
import type { ListAgentsRequest } from '../../commands/admin/list-agents.ts';
import type { UpdateAgentRequest } from '../../commands/admin/update-agent.ts';
import type { AgentDraft } from '../../domain/validation/validate-agent.ts';
import type { JsonObject } from '../../domain/json.ts';
import { parseUpdateMask, type UpdateMask } from '../../domain/update-mask.ts';
import { validationFailed } from '../../errors.ts';
import * as pb from '../../gen/index.callhooks.v1.ts';
import { draftWordOf, WEBHOOK_TYPES } from '../messages/wire-values.ts';
import { agentTokens } from '../page-tokens.ts';
import * as fields from './fields.ts';
import { createReader, type Reader } from './reader.ts';
import { toConfigDraft } from './webhook-config.ts';

/** Parses the request. Its violations are in the result, because the command may find more of them. */
export function parseCreateAgent(message: pb.CreateAgentRequest): CreateAgentRequest {
  const reader = createReader();
  const agent = readAgent(reader, message.agent);
  const agentUuid = reader.read('agent.agent_uuid', fields.agentUuid, agent.agentUuid);
  return {
    agentUuid,
    agent: toAgentDraft(agent),
    secrets: message.secrets,
    violations: reader.violations,
  };
}

/**
 * Parses the request.
 * @throws CallhooksError VALIDATION_FAILED
 */
export function parseGetAgent(message: pb.GetAgentRequest): GetAgentRequest {
  const reader = createReader();
  const agentUuid = reader.readUuid('agent_uuid', message.agentUuid);
  reader.refuseIfBroken();
  return { agentUuid: agentUuid as string };
}

/**
 * Parses the request.
 * @throws CallhooksError VALIDATION_FAILED
 */
export function parseListAgents(message: pb.ListAgentsRequest): ListAgentsRequest {
  const reader = createReader();
  const pageSize = reader.read('page_size', fields.pageSize, message.pageSize);
  const after = reader.read('page_token', fields.pageToken(agentTokens()), message.pageToken);
  reader.refuseIfBroken();
  return { pageSize: pageSize as number, after };
}

/**
 * Parses the request. Its violations are in the result, because the command may find more of them.
 * @throws CallhooksError VALIDATION_FAILED when `agent.agent_uuid` is missing or not a UUID
 */
export function parseUpdateAgent(message: pb.UpdateAgentRequest): UpdateAgentRequest {
  const reader = createReader();
  const agent = readAgent(reader, message.agent);
  const agentUuid = message.agent && reader.readUuid('agent.agent_uuid', agent.agentUuid);
  const etag = reader.read('agent.etag', fields.etag, agent.etag) ?? '';
  const mask = readAgentMask(reader, message);
  if (agentUuid === undefined) throw validationFailed(reader.violations);
  return {
    agentUuid,
    etag,
    mask,
    agent: toAgentDraft(agent),
    secrets: message.secrets,
    removeSecrets: message.removeSecrets,
    violations: reader.violations,
  };
}

/**
 * Parses the request.
 * @throws CallhooksError VALIDATION_FAILED
 */
export function parseDeleteAgent(message: pb.DeleteAgentRequest): DeleteAgentRequest {
  const reader = createReader();
  const agentUuid = reader.readUuid('agent_uuid', message.agentUuid);
  const etag = reader.read('etag', fields.etag, message.etag);
  reader.refuseIfBroken();
  return { agentUuid: agentUuid as string, etag: etag as string };
}

function readAgent(reader: Reader, agent: pb.Agent | undefined): pb.Agent {
  if (agent === undefined) reader.add([{ field: 'agent', description: 'is required' }]);
  return agent ?? pb.Agent.fromPartial({});
}

/** Returns an agent as a draft, without checking it. */
export function toAgentDraft(agent: pb.Agent): AgentDraft {
  return {
    displayName: agent.displayName,
    dynamicVariables: (agent.dynamicVariables ?? {}) as JsonObject,
    webhooks: agent.webhooks.map((webhook) => ({
      webhookType: draftWordOf(WEBHOOK_TYPES, webhook.webhookType),
      config: webhook.webhookConfig && toConfigDraft(webhook.webhookConfig),
      disabled: webhook.disabled,
    })),
  };
}

/** Reads the mask. It may be left out when the request only changes secrets. */
function readAgentMask(reader: Reader, message: pb.UpdateAgentRequest): UpdateMask {
  const paths = message.updateMask ?? [];
  const changesSecrets = message.removeSecrets.length > 0 || Object.keys(message.secrets).length > 0;
  if (paths.length === 0 && changesSecrets) return new Set();
  const { mask, violations } = parseUpdateMask(paths, 'agent');
  reader.add(violations);
  return mask;
}
