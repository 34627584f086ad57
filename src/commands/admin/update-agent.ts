import type { Agent, Webhook, WebhookConfig } from '../../domain/agent.ts';
import { certificateSecretViolations } from '../../domain/auth/validate-client-certificate.ts';
import type { UpdateMask } from '../../domain/update-mask.ts';
import { validateAgent, type AgentDraft, type ValidAgent } from '../../domain/validation/validate-agent.ts';
import { validateSecrets } from '../../domain/validation/validate-secrets.ts';
import type { Violation } from '../../errors.ts';
import { agentNotFound, refuseStaleEtag, refuseViolations } from '../refusals.ts';
import type { AdminDeps } from './admin-commands.ts';
import { changedWebhook, newWebhook } from './build-webhook.ts';
import { changeAgent } from './change-agent.ts';
import { agentContext, storedContext } from './config-context.ts';
import { refuseRemovalInUse } from './names-in-use.ts';

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
 * @throws CallhooksError VALIDATION_FAILED, AGENT_NOT_FOUND, ETAG_MISMATCH, VARIABLE_IN_USE, SECRET_IN_USE,
 *   KEY_UNAVAILABLE
 */
export function updateAgent(deps: AdminDeps, request: UpdateAgentRequest): Promise<Agent> {
  return changeAgent(deps, 'UpdateAgent', request.agentUuid, (current, nowMs) => {
    if (current === undefined) {
      refuseViolations(request.violations);
      throw agentNotFound(request.agentUuid);
    }
    const valid = validUpdate(deps, request, current);
    refuseStaleEtag(request.etag, current);
    const updated = toUpdated(deps, request, current, valid, nowMs);
    refuseRemovalInUse(deps.agentSecrets, current, updated);
    return updated;
  });
}

// A save checks what its mask changes, and what depends on that.
function validUpdate(deps: AdminDeps, request: UpdateAgentRequest, current: Agent): ValidAgent {
  const { mask, secrets, removeSecrets } = request;
  const staying = configsThatStay(request, current);
  const ofSecrets = validateSecrets({
    secrets,
    removeSecrets,
    storedNames: new Set(Object.keys(current.sealedSecrets)),
    signingNames: new Set(staying.flatMap(({ signingSecretNames }) => signingSecretNames)),
  });
  const { checkUrl, checkClientCertificate, secretValue: storedValue } = agentContext(deps, current);
  const secretValue = (name: string): string | undefined =>
    Object.hasOwn(secrets, name) ? secrets[name] : storedValue?.(name);
  const { agent, violations } = validateAgent(mergeDraft(mask, request.agent, current), {
    secretNames: ofSecrets.names,
    secretValue,
    checkUrl,
    checkClientCertificate,
    stored: (type) => {
      const replaced = current.webhooks.find(({ webhookType }) => webhookType === type);
      return replaced && storedContext(replaced);
    },
    isChanged: (field) => mask.has(field),
  });
  const ofCertificates = certificateSecretViolations(staying, secrets, secretValue, checkClientCertificate);
  refuseViolations([...request.violations, ...violations, ...ofSecrets.violations, ...ofCertificates]);
  return agent;
}

// The secrets that a given webhook uses are checked with that webhook.
function configsThatStay({ mask, agent }: UpdateAgentRequest, current: Agent): readonly WebhookConfig[] {
  const isReplaced = (type: string) =>
    mask.has('webhooks') && agent.webhooks.some((given) => given.webhookType === type);
  return current.webhooks.filter(({ webhookType }) => !isReplaced(webhookType)).map(({ config }) => config);
}

function mergeDraft(mask: UpdateMask, wanted: AgentDraft, current: Agent): AgentDraft {
  return {
    displayName: wanted.displayName,
    dynamicVariables: mask.has('dynamic_variables') ? wanted.dynamicVariables : current.dynamicVariables,
    webhooks: mask.has('webhooks') ? wanted.webhooks : [],
  };
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
