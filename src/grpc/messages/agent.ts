import type { Agent } from '../../domain/agent.ts';
import type * as pb from '../../gen/index.callhooks.v1.ts';
import { toTimestamp } from './wire-values.ts';
import { webhookMessage } from './webhook.ts';

/** Returns the agent for clients: its pre-call webhook first, and only the names of its secrets, in alphabetical order. */
export function agentMessage(agent: Agent): pb.Agent {
  return {
    agentUuid: agent.agentUuid,
    displayName: agent.displayName,
    dynamicVariables: agent.dynamicVariables,
    webhooks: agent.webhooks.map(webhookMessage).toSorted((a, b) => a.webhookType - b.webhookType),
    secretNames: Object.keys(agent.sealedSecrets).toSorted(),
    etag: agent.etag,
    createdAt: toTimestamp(agent.createdAtMs),
    updatedAt: toTimestamp(agent.updatedAtMs),
  };
}
