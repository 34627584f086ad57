import type { Agent, Webhook, WebhookConfig, WebhookType } from '../../domain/agent.ts';
import type { JsonObject } from '../../domain/json.ts';
import { postCallVariables, preCallVariables, variablesTooLarge } from '../../domain/variables.ts';
import type { RunnableWebhook } from '../../engine/webhook-run/runnable-webhook.ts';
import { type CallhooksError, validationFailed, type Violation } from '../../errors.ts';
import type { AgentSecrets } from '../../secrets/agent-secrets.ts';
import type { AgentStore } from '../../store/agent-store.ts';
import { agentNotFound, webhookNotFound } from '../refusals.ts';
import { checkDraft, surroundingsOf } from './validate-config.ts';
import type { TestWebhookRequest } from './test-webhook.ts';

/** What is tried: a stored webhook, or a draft in its place. */
export interface Trial {
  readonly agent: Agent;
  readonly webhook: Webhook;
  readonly runnable: RunnableWebhook;
  readonly variables: JsonObject;
}

/** What finding it needs. */
export interface FindTrialDeps {
  readonly agents: Pick<AgentStore, 'findAgent' | 'findAgentOfWebhook'>;
  readonly agentSecrets: AgentSecrets;
  readonly open: (agent: Agent, webhook: Webhook) => RunnableWebhook;
  readonly newUuid: () => string;
  readonly checkUrl: (url: string) => string | undefined;
}

/**
 * Finds what a request means, checked as it would be when it is stored.
 * @throws CallhooksError VALIDATION_FAILED, AGENT_NOT_FOUND, WEBHOOK_NOT_FOUND, KEY_UNAVAILABLE
 */
export async function findTrial(deps: FindTrialDeps, request: TestWebhookRequest): Promise<Trial> {
  const agent = await findAgent(deps, request);
  const stored = agent?.webhooks.find((webhook) => isMeant(webhook, request));
  const webhookType = stored?.webhookType ?? request.webhookType;
  const checked = checkDraft(request.configDraft, webhookType, 'webhook_config', {
    ...surroundingsOf(deps, agent),
    stored: stored ?? (request.webhookUuid === undefined ? undefined : 'unknown'),
  });
  const violations = [...request.violations, ...otherType(request, stored), ...checked.violations];
  if (violations.length > 0) throw validationFailed(violations);
  if (agent === undefined || (request.webhookUuid !== undefined && stored === undefined))
    throw notFound(request, agent);
  const webhook =
    checked.config && webhookType ? draftOf(deps, agent, webhookType, checked.config, stored) : stored;
  if (webhook === undefined) throw notFound(request, agent);
  return {
    agent,
    webhook,
    runnable: deps.open(agent, webhook),
    variables: variablesOf(request, agent, webhook),
  };
}

// Under the rules of the lifecycle request that the test stands for.
function variablesOf(
  { details: { dynamicVariables } }: TestWebhookRequest,
  agent: Agent,
  { webhookType }: Webhook,
): JsonObject {
  if (webhookType === 'post_call')
    return postCallVariables(agent.dynamicVariables, undefined, dynamicVariables).variables;
  const { variables } = preCallVariables(agent.dynamicVariables, dynamicVariables);
  const description = variablesTooLarge(variables);
  if (description !== undefined) throw validationFailed([{ field: 'dynamic_variables', description }]);
  return variables;
}

function otherType({ webhookType }: TestWebhookRequest, stored: Webhook | undefined): Violation[] {
  return stored === undefined || webhookType === undefined || webhookType === stored.webhookType
    ? []
    : [{ field: 'webhook_type', description: "must be the webhook's own, if it is set" }];
}

function findAgent(deps: FindTrialDeps, request: TestWebhookRequest): Promise<Agent | undefined> {
  const { agentUuid, webhookUuid } = request;
  if (agentUuid !== undefined) return deps.agents.findAgent(agentUuid);
  return webhookUuid === undefined ? Promise.resolve(undefined) : deps.agents.findAgentOfWebhook(webhookUuid);
}

function isMeant(webhook: Webhook, { webhookUuid, webhookType }: TestWebhookRequest): boolean {
  return webhookUuid === undefined
    ? webhook.webhookType === webhookType
    : webhook.webhookUuid === webhookUuid;
}

function notFound(
  { agentUuid, webhookUuid, webhookType }: TestWebhookRequest,
  agent?: Agent,
): CallhooksError {
  if (webhookUuid !== undefined) return webhookNotFound(webhookUuid);
  return agent === undefined
    ? agentNotFound(agentUuid ?? '')
    : webhookNotFound(`of type ${webhookType ?? ''}`);
}

// Its masked header values are those of the stored webhook; literal ones are used as they are and kept nowhere.
function draftOf(
  deps: FindTrialDeps,
  agent: Agent,
  webhookType: WebhookType,
  config: WebhookConfig,
  stored: Webhook | undefined,
): Webhook {
  return {
    webhookUuid: stored?.webhookUuid ?? deps.newUuid(),
    agentUuid: agent.agentUuid,
    webhookType,
    config,
    sealedHeaders: stored?.sealedHeaders ?? {},
    disabled: false,
    etag: '',
    createdAtMs: 0,
    updatedAtMs: 0,
  };
}
