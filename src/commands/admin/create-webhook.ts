import type { Agent, Webhook, WebhookType } from '../../domain/agent.ts';
import type { WebhookConfigDraft } from '../../domain/webhook-draft.ts';
import { CallhooksError, type Violation } from '../../errors.ts';
import type { AdminDeps } from './admin-commands.ts';
import { agentNotFound } from '../refusals.ts';
import { changeAgent } from './change-agent.ts';
import { acceptConfig, checkDraft, surroundingsOf } from './validate-config.ts';
import { newWebhook, type CheckedWebhook } from './build-webhook.ts';

/** A webhook to create. What is undefined was bad, and `violations` tells so. */
export interface CreateWebhookRequest {
  readonly agentUuid: string | undefined;
  readonly webhookType: WebhookType | undefined;
  readonly config: WebhookConfigDraft | undefined;
  readonly disabled: boolean;
  readonly violations: readonly Violation[];
}

/**
 * Gives an agent its webhook of a type.
 * @throws CallhooksError VALIDATION_FAILED, AGENT_NOT_FOUND, WEBHOOK_EXISTS
 */
export async function createWebhook(deps: AdminDeps, request: CreateWebhookRequest): Promise<Webhook> {
  let webhookUuid: string | undefined;
  const agent = await changeAgent(deps, 'CreateWebhook', request.agentUuid, (current, nowMs) => {
    const checked = checkRequest(deps, request, current);
    if (current === undefined) throw agentNotFound(request.agentUuid ?? '');
    refuseSecond(current, checked.webhookType);
    const webhook = newWebhook(deps, current.agentUuid, checked, nowMs);
    webhookUuid = webhook.webhookUuid;
    return {
      ...current,
      webhooks: [...current.webhooks, webhook],
      etag: deps.ids.etag(),
      updatedAtMs: nowMs,
    };
  });
  return agent?.webhooks.find((webhook) => webhook.webhookUuid === webhookUuid) as Webhook;
}

function checkRequest(
  deps: AdminDeps,
  { webhookType, config: draft, disabled, violations }: CreateWebhookRequest,
  agent: Agent | undefined,
): CheckedWebhook {
  const checked = checkDraft(draft, webhookType, 'webhook_config', surroundingsOf(deps, agent));
  const config = acceptConfig(violations, checked);
  return { webhookType: webhookType as WebhookType, config, disabled };
}

function refuseSecond(agent: Agent, webhookType: WebhookType): void {
  const taken = agent.webhooks.find((webhook) => webhook.webhookType === webhookType);
  if (taken === undefined) return;
  const kind = webhookType === 'pre_call' ? 'pre-call' : 'post-call';
  throw new CallhooksError('WEBHOOK_EXISTS', `the agent has a ${kind} webhook already`, {
    resource: { type: 'webhook', name: taken.webhookUuid },
  });
}
