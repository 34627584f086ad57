import { validateAgent, type AgentDraft, type ValidAgent } from '../../domain/validation/validate-agent.ts';
import { validateSecrets } from '../../domain/validation/validate-secrets.ts';
import type { Agent } from '../../domain/agent.ts';
import { validationFailed, type Violation } from '../../errors.ts';
import type { AdminDeps } from './admin-commands.ts';
import { checkDraft, storedOf, surroundingsOf, type WebhookSurroundings } from './validate-config.ts';
import type { UpdateAgentRequest } from './update-agent.ts';

type Checked = ReturnType<typeof validateAgent>;

/**
 * Checks what an update says of an agent, and what depends on it. Of an unknown agent only what is wrong in any case is
 * told.
 * @throws CallhooksError VALIDATION_FAILED with every violation, KEY_UNAVAILABLE
 */
export function checkAgentUpdate(
  deps: AdminDeps,
  request: UpdateAgentRequest,
  current: Agent | undefined,
): ValidAgent {
  const ofSecrets = validateSecrets({
    secrets: request.secrets,
    removeSecrets: request.removeSecrets,
    storedNames: new Set(Object.keys(current?.sealedSecrets ?? {})),
    signingNames: signingNamesThatStay(request, current),
  });
  const { agent, violations } =
    current === undefined
      ? checkWithoutAgent(deps, request)
      : checkWithAgent(deps, request, current, ofSecrets.names);
  const all = [...request.violations, ...violations, ...ofSecrets.violations];
  if (all.length > 0) throw validationFailed(all);
  return agent;
}

/** Of a webhook that the request gives, its own check looks at what it signs with. */
function signingNamesThatStay({ mask, agent }: UpdateAgentRequest, current: Agent | undefined): Set<string> {
  const isReplaced = (type: string) =>
    mask.has('webhooks') && agent.webhooks.some((given) => given.webhookType === type);
  const staying = current?.webhooks.filter(({ webhookType }) => !isReplaced(webhookType)) ?? [];
  return new Set(staying.flatMap(({ config }) => config.signingSecretNames));
}

function checkWithAgent(
  deps: AdminDeps,
  { mask, agent, secrets }: UpdateAgentRequest,
  current: Agent,
  secretNames: ReadonlySet<string>,
): Checked {
  const stored = surroundingsOf(deps, current);
  return validateAgent(mergeDraft(mask, agent, current), {
    secretNames,
    secretValue: (name) => (Object.hasOwn(secrets, name) ? secrets[name] : stored.secretValue?.(name)),
    checkUrl: deps.checkUrl,
    stored: (type) => storedOf(current.webhooks.find(({ webhookType }) => webhookType === type)),
    checked: (field) => mask.has(field),
  });
}

function mergeDraft(mask: UpdateAgentRequest['mask'], wanted: AgentDraft, current: Agent): AgentDraft {
  return {
    displayName: wanted.displayName,
    dynamicVariables: mask.has('dynamic_variables') ? wanted.dynamicVariables : current.dynamicVariables,
    webhooks: mask.has('webhooks') ? wanted.webhooks : [],
  };
}

/** No more than one of each type can be right; the rest of a long list is not looked at. */
const MAX_LOOKED = 8;

/** Webhooks are judged one by one then, for the names that they use can't be looked up. */
function checkWithoutAgent(deps: AdminDeps, { mask, agent }: UpdateAgentRequest): Checked {
  const checked = validateAgent(agent, {
    secretNames: new Set(),
    checked: (field) => field !== 'webhooks' && mask.has(field),
  });
  const surroundings: WebhookSurroundings = { ...surroundingsOf(deps, undefined), stored: 'unknown' };
  const ofWebhooks = mask.has('webhooks')
    ? agent.webhooks
        .slice(0, MAX_LOOKED)
        .flatMap((webhook, index) => draftViolations(webhook, index, surroundings))
    : [];
  return { agent: checked.agent, violations: [...checked.violations, ...ofWebhooks] };
}

function draftViolations(
  { webhookType, config }: AgentDraft['webhooks'][number],
  index: number,
  surroundings: WebhookSurroundings,
): readonly Violation[] {
  const path = `agent.webhooks[${index}]`;
  const isKnown = webhookType === 'pre_call' || webhookType === 'post_call';
  const ofType = isKnown ? [] : [{ field: `${path}.webhook_type`, description: 'must be a known type' }];
  const type = isKnown ? webhookType : undefined;
  return [...ofType, ...checkDraft(config, type, `${path}.webhook_config`, surroundings).violations];
}
