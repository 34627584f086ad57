import type { Agent, Webhook, WebhookType } from '../../domain/agent.ts';
import type { CheckClientCertificate } from '../../domain/auth/validate-client-certificate.ts';
import type { JsonObject } from '../../domain/json.ts';
import { validateWebhookConfig } from '../../domain/validation/validate-webhook-config.ts';
import { postCallVariables, preCallVariables, variablesTooLarge } from '../../domain/variables.ts';
import { fillDefaults, NO_CONFIG } from '../../domain/webhook-draft.ts';
import type { RunnableWebhook } from '../../engine/webhook-run/runnable-webhook.ts';
import { violationsOf } from '../../errors.ts';
import type { AgentSecrets } from '../../secrets/agent-secrets.ts';
import type { AgentStore } from '../../store/agent-store.ts';
import { agentNotFound, refuseViolations } from '../refusals.ts';
import { agentContext, storedContext } from './config-context.ts';
import { findAgentOf, webhookOf } from './find-webhook.ts';
import type { TestWebhookRequest } from './test-webhook.ts';

/** The webhook that a test runs: a stored one, or one with a draft in the place of its configuration. */
export interface WebhookUnderTest {
  readonly agent: Agent;
  readonly webhook: Webhook;
  readonly runnable: RunnableWebhook;
  readonly variables: JsonObject;
}

/** What it takes to find the webhook under test. */
export interface FindWebhookDeps {
  readonly agents: Pick<AgentStore, 'findAgent' | 'findAgentOfWebhook'>;
  readonly agentSecrets: AgentSecrets;
  readonly open: (agent: Agent, webhook: Webhook) => RunnableWebhook;
  readonly newUuid: () => string;
  readonly checkUrl: (url: string) => string | undefined;
  readonly checkClientCertificate: CheckClientCertificate;
}

/**
 * Finds the webhook that a request means, and checks it as if it were saved.
 * @throws CallhooksError VALIDATION_FAILED, AGENT_NOT_FOUND, WEBHOOK_NOT_FOUND, KEY_UNAVAILABLE
 */
export async function findWebhookUnderTest(
  deps: FindWebhookDeps,
  request: TestWebhookRequest,
): Promise<WebhookUnderTest> {
  const { agent, stored } = await findStored(deps, request);
  const webhook = withDraft(deps, request, agent, stored);
  const variables = variablesOf(request, agent, webhook);
  return { agent, webhook, runnable: deps.open(agent, webhook), variables };
}

interface Found {
  readonly agent: Agent;
  readonly stored: Webhook;
}

async function findStored({ agents, newUuid }: FindWebhookDeps, request: TestWebhookRequest): Promise<Found> {
  if (request.webhookUuid !== undefined) {
    const agent = await findAgentOf(agents, request);
    return { agent, stored: webhookOf(agent, request.webhookUuid) };
  }
  const { agentUuid, webhookType } = request;
  const agent = await agents.findAgent(agentUuid);
  if (agent === undefined) {
    refuseViolations(request.violations);
    throw agentNotFound(agentUuid);
  }
  const stored = agent.webhooks.find((webhook) => webhook.webhookType === webhookType);
  return { agent, stored: stored ?? emptyWebhook(newUuid(), agentUuid, webhookType) };
}

// It stands where the agent has no webhook of this type. The draft gives it a configuration.
function emptyWebhook(webhookUuid: string, agentUuid: string, webhookType: WebhookType): Webhook {
  return {
    webhookUuid,
    agentUuid,
    webhookType,
    config: fillDefaults(NO_CONFIG, webhookType),
    sealedHeaders: {},
    disabled: false,
    etag: '',
    createdAtMs: 0,
    updatedAtMs: 0,
  };
}

// Masked header values of the draft are those of the stored webhook. Literal ones are used as they are, and not kept.
function withDraft(
  deps: FindWebhookDeps,
  { configDraft, webhookType, violations }: TestWebhookRequest,
  agent: Agent,
  stored: Webhook,
): Webhook {
  const isOtherType = webhookType !== undefined && webhookType !== stored.webhookType;
  const ofType = violationsOf('webhook_type', isOtherType ? OTHER_TYPE : undefined);
  const draft =
    configDraft &&
    validateWebhookConfig(configDraft, {
      path: 'webhook_config',
      webhookType: stored.webhookType,
      ...agentContext(deps, agent),
      ...storedContext(stored),
    });
  refuseViolations([...violations, ...ofType, ...(draft?.violations ?? [])]);
  return draft ? { ...stored, config: draft.config, etag: '' } : stored;
}

const OTHER_TYPE = "must be the webhook's own, if it is set";

// The rules are those of the lifecycle request that the test stands for.
function variablesOf(
  { details: { dynamicVariables } }: TestWebhookRequest,
  agent: Agent,
  { webhookType }: Webhook,
): JsonObject {
  if (webhookType === 'post_call')
    return postCallVariables(agent.dynamicVariables, undefined, dynamicVariables).variables;
  const { variables } = preCallVariables(agent.dynamicVariables, dynamicVariables);
  refuseViolations(violationsOf('dynamic_variables', variablesTooLarge(variables)));
  return variables;
}
