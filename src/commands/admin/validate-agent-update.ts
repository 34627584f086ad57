import type { Agent } from '../../domain/agent.ts';
import { validateAgent, type AgentDraft, type ValidAgent } from '../../domain/validation/validate-agent.ts';
import { validateSecrets } from '../../domain/validation/validate-secrets.ts';
import { refuseViolations } from '../refusals.ts';
import type { AdminDeps } from './admin-commands.ts';
import { agentContext, storedContext } from './config-context.ts';
import type { UpdateAgentRequest } from './update-agent.ts';

/**
 * Checks an update of an agent, and what depends on it.
 * @throws CallhooksError VALIDATION_FAILED with every violation, KEY_UNAVAILABLE
 */
export function validateAgentUpdate(
  deps: AdminDeps,
  request: UpdateAgentRequest,
  current: Agent,
): ValidAgent {
  const { mask, secrets, removeSecrets } = request;
  const ofSecrets = validateSecrets({
    secrets,
    removeSecrets,
    storedNames: new Set(Object.keys(current.sealedSecrets)),
    signingNames: signingNamesThatStay(request, current),
  });
  const { checkUrl, secretValue: storedValue } = agentContext(deps, current);
  const { agent, violations } = validateAgent(mergeDraft(mask, request.agent, current), {
    secretNames: ofSecrets.names,
    secretValue: (name) => (Object.hasOwn(secrets, name) ? secrets[name] : storedValue?.(name)),
    checkUrl,
    stored: (type) => {
      const replaced = current.webhooks.find(({ webhookType }) => webhookType === type);
      return replaced && storedContext(replaced);
    },
    checked: (field) => mask.has(field),
  });
  refuseViolations([...request.violations, ...violations, ...ofSecrets.violations]);
  return agent;
}

// The check of a webhook that the request gives looks at the secrets that it signs with.
function signingNamesThatStay({ mask, agent }: UpdateAgentRequest, current: Agent): Set<string> {
  const isReplaced = (type: string) =>
    mask.has('webhooks') && agent.webhooks.some((given) => given.webhookType === type);
  const staying = current.webhooks.filter(({ webhookType }) => !isReplaced(webhookType));
  return new Set(staying.flatMap(({ config }) => config.signingSecretNames));
}

function mergeDraft(mask: UpdateAgentRequest['mask'], wanted: AgentDraft, current: Agent): AgentDraft {
  return {
    displayName: wanted.displayName,
    dynamicVariables: mask.has('dynamic_variables') ? wanted.dynamicVariables : current.dynamicVariables,
    webhooks: mask.has('webhooks') ? wanted.webhooks : [],
  };
}
