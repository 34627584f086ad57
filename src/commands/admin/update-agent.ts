import type { ValidAgent, AgentDraft } from '../../domain/validation/validate-agent.ts';
import type { Agent, Webhook } from '../../domain/agent.ts';
import type { AdminDeps } from './admin-commands.ts';
import { agentNotFound, refuseStaleEtag, refuseViolations } from '../refusals.ts';
import { changeAgent } from './change-agent.ts';
import { validateAgentUpdate } from './validate-agent-update.ts';
import { refuseRemovalInUse } from './names-in-use.ts';
import { changedWebhook, newWebhook } from './build-webhook.ts';
import type { UpdateMask } from '../../domain/update-mask.ts';
import type { Violation } from '../../errors.ts';

/** New values for the masked fields of an agent, unchecked, and what becomes of its secrets. */
export interface UpdateAgentRequest {
  readonly agentUuid: string;
  /** An empty etag checks nothing. */
  readonly etag: string;
  readonly mask: UpdateMask;
  readonly agent: AgentDraft;
  /** The secrets to set or replace, by name. */
  readonly secrets: Readonly<Record<string, string>>;
  readonly removeSecrets: readonly string[];
  /** What parsing found wrong. The command reports it with all that it finds. */
  readonly violations: readonly Violation[];
}

/**
 * Changes the masked fields of an agent and its secrets, all or nothing.
 * @throws CallhooksError VALIDATION_FAILED, AGENT_NOT_FOUND, ETAG_MISMATCH, VARIABLE_IN_USE, SECRET_IN_USE
 */
export function updateAgent(deps: AdminDeps, request: UpdateAgentRequest): Promise<Agent> {
  return changeAgent(deps, 'UpdateAgent', request.agentUuid, (current, nowMs) => {
    if (current === undefined) {
      refuseViolations(request.violations);
      throw agentNotFound(request.agentUuid);
    }
    const valid = validateAgentUpdate(deps, request, current);
    refuseStaleEtag(request.etag, current);
    const updated = toUpdated(deps, request, current, valid, nowMs);
    refuseRemovalInUse(deps.agentSecrets, current, updated);
    return updated;
  });
}

function toUpdated(
  deps: AdminDeps,
  { mask, secrets, removeSecrets }: UpdateAgentRequest,
  current: Agent,
  valid: ValidAgent,
  nowMs: number,
): Agent {
  const kept = Object.entries(current.sealedSecrets).filter(([name]) => !removeSecrets.includes(name));
  return {
    ...current,
    displayName: mask.has('display_name') ? valid.displayName : current.displayName,
    dynamicVariables: mask.has('dynamic_variables') ? valid.dynamicVariables : current.dynamicVariables,
    webhooks: mergeWebhooks(deps, current, valid, nowMs),
    sealedSecrets: {
      ...Object.fromEntries(kept),
      ...deps.agentSecrets.sealSecrets(current.agentUuid, secrets),
    },
    etag: deps.ids.etag(),
    updatedAtMs: nowMs,
  };
}

// Each given webhook is made, or replaces the stored one of its type. A type that is left out stays.
function mergeWebhooks(deps: AdminDeps, current: Agent, { webhooks }: ValidAgent, nowMs: number): Webhook[] {
  const given = new Map(webhooks.map((webhook) => [webhook.webhookType, webhook]));
  const stored = current.webhooks.map((webhook) => {
    const change = given.get(webhook.webhookType);
    given.delete(webhook.webhookType);
    return change ? changedWebhook(deps, webhook, change, nowMs) : webhook;
  });
  const added = [...given.values()].map((webhook) => newWebhook(deps, current.agentUuid, webhook, nowMs));
  return [...stored, ...added];
}
