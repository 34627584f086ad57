import type { ValidAgent, AgentDraft } from '../../domain/validation/validate-agent.ts';
import type { Agent, Webhook } from '../../domain/agent.ts';
import type { AdminDeps } from './admin-commands.ts';
import { agentNotFound, refuseStaleEtag } from '../refusals.ts';
import { changeAgent } from './change-agent.ts';
import { checkAgentUpdate } from './validate-agent-update.ts';
import { refuseRemovalInUse } from './names-in-use.ts';
import { changedWebhook, newWebhook } from './build-webhook.ts';
import type { UpdateMask } from '../../domain/update-mask.ts';
import type { Violation } from '../../errors.ts';

/** New values for the masked fields of an agent, and what becomes of its secrets. */
export interface UpdateAgentRequest {
  /** Undefined: bad, and `violations` tells so. */
  readonly agentUuid: string | undefined;
  /** Empty: no check. */
  readonly etag: string;
  readonly mask: UpdateMask;
  readonly agent: AgentDraft;
  /** Set or replaced, by name. */
  readonly secrets: Readonly<Record<string, string>>;
  readonly removeSecrets: readonly string[];
  readonly violations: readonly Violation[];
}

/**
 * Changes the masked fields of an agent and its secrets, all or nothing.
 * @throws CallhooksError VALIDATION_FAILED, AGENT_NOT_FOUND, ETAG_MISMATCH, VARIABLE_IN_USE, SECRET_IN_USE
 */
export async function updateAgent(deps: AdminDeps, request: UpdateAgentRequest): Promise<Agent> {
  const agent = await changeAgent(deps, 'UpdateAgent', request.agentUuid, (current, nowMs) => {
    const checked = checkAgentUpdate(deps, request, current);
    if (current === undefined) throw agentNotFound(request.agentUuid ?? '');
    refuseStaleEtag(request.etag, current);
    const updated = toUpdated(deps, request, current, checked, nowMs);
    refuseRemovalInUse(deps.agentSecrets, current, updated);
    return updated;
  });
  return agent as Agent;
}

function toUpdated(
  deps: AdminDeps,
  { mask, secrets, removeSecrets }: UpdateAgentRequest,
  current: Agent,
  checked: ValidAgent,
  nowMs: number,
): Agent {
  const kept = Object.entries(current.sealedSecrets).filter(([name]) => !removeSecrets.includes(name));
  return {
    ...current,
    displayName: mask.has('display_name') ? checked.displayName : current.displayName,
    dynamicVariables: mask.has('dynamic_variables') ? checked.dynamicVariables : current.dynamicVariables,
    webhooks: mergeWebhooks(deps, current, checked, nowMs),
    sealedSecrets: {
      ...Object.fromEntries(kept),
      ...deps.agentSecrets.sealSecrets(current.agentUuid, secrets),
    },
    etag: deps.ids.etag(),
    updatedAtMs: nowMs,
  };
}

/** Each one given is made or replaced by its type; a type left out stays. */
function mergeWebhooks(deps: AdminDeps, current: Agent, { webhooks }: ValidAgent, nowMs: number): Webhook[] {
  const given = new Map(webhooks.map((webhook) => [webhook.webhookType, webhook]));
  const stored = current.webhooks.map((webhook) => {
    const change = given.get(webhook.webhookType);
    given.delete(webhook.webhookType);
    return change ? changedWebhook(deps, webhook, change, nowMs) : webhook;
  });
  return [
    ...stored,
    ...[...given.values()].map((webhook) => newWebhook(deps, current.agentUuid, webhook, nowMs)),
  ];
}
