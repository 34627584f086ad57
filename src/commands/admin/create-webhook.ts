import type { Agent, Webhook, WebhookConfig, WebhookType } from '../../domain/agent.ts';
import { validateWebhookConfig } from '../../domain/validation/validate-webhook-config.ts';
import type { WebhookConfigDraft } from '../../domain/webhook-draft.ts';
import { CallhooksError } from '../../errors.ts';
import { agentNotFound, refuseViolations } from '../refusals.ts';
import type { AdminDeps } from './admin-commands.ts';
import { newWebhook } from './build-webhook.ts';
import { changeAgent } from './change-agent.ts';
import { agentContext } from './config-context.ts';
import { webhookOf } from './find-webhook.ts';

/** A webhook to create. `config` is unchecked. */
export interface CreateWebhookRequest {
  readonly agentUuid: string;
  readonly webhookType: WebhookType;
  readonly config: WebhookConfigDraft;
  readonly disabled: boolean;
}

/**
 * Gives an agent its webhook of a type.
 * @throws CallhooksError AGENT_NOT_FOUND, VALIDATION_FAILED, WEBHOOK_EXISTS
 */
export async function createWebhook(deps: AdminDeps, request: CreateWebhookRequest): Promise<Webhook> {
  const { agentUuid, webhookType, disabled } = request;
  const webhookUuid = deps.ids.uuid();
  const agent = await changeAgent(deps, 'CreateWebhook', agentUuid, (current, nowMs) => {
    if (current === undefined) throw agentNotFound(agentUuid);
    const config = validConfig(deps, request, current);
    refuseSecond(current, webhookType);
    const webhook = newWebhook(deps, agentUuid, { webhookType, config, disabled }, nowMs, webhookUuid);
    const webhooks = [...current.webhooks, webhook];
    return { ...current, webhooks, etag: deps.ids.etag(), updatedAtMs: nowMs };
  });
  return webhookOf(agent, webhookUuid);
}

function validConfig(
  deps: AdminDeps,
  { webhookType, config: draft }: CreateWebhookRequest,
  agent: Agent,
): WebhookConfig {
  const { config, violations } = validateWebhookConfig(draft, {
    path: 'webhook_config',
    webhookType,
    ...agentContext(deps, agent),
  });
  refuseViolations(violations);
  return config;
}

function refuseSecond(agent: Agent, webhookType: WebhookType): void {
  const taken = agent.webhooks.find((webhook) => webhook.webhookType === webhookType);
  if (taken === undefined) return;
  const kind = webhookType === 'pre_call' ? 'pre-call' : 'post-call';
  throw new CallhooksError('WEBHOOK_EXISTS', `the agent has a ${kind} webhook already`, {
    resource: { type: 'webhook', name: taken.webhookUuid },
  });
}
