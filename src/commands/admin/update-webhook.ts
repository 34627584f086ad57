import type { Agent, Webhook } from '../../domain/agent.ts';
import { applyWebhookMask, type UpdateMask } from '../../domain/update-mask.ts';
import { validateWebhookConfig } from '../../domain/validation/validate-webhook-config.ts';
import type { WebhookConfigDraft } from '../../domain/webhook-draft.ts';
import type { Violation } from '../../errors.ts';
import { refuseStaleEtag, refuseViolations, webhookNotFound } from '../refusals.ts';
import type { AdminDeps } from './admin-commands.ts';
import { changedWebhook, type ValidWebhook } from './build-webhook.ts';
import { changeAgent } from './change-agent.ts';
import { agentContext, storedContext } from './config-context.ts';
import { findAgentOf, webhookOf } from './find-webhook.ts';

/** New values for the masked fields of a webhook, unchecked. */
export interface UpdateWebhookRequest {
  readonly webhookUuid: string;
  /** If given, the agent that the webhook must belong to. */
  readonly agentUuid: string | undefined;
  /** An empty etag checks nothing. */
  readonly etag: string;
  readonly mask: UpdateMask;
  readonly config: WebhookConfigDraft;
  readonly disabled: boolean;
  /** What parsing found wrong. The command reports it with all that it finds. */
  readonly violations: readonly Violation[];
}

/**
 * Changes the masked fields of a webhook.
 * @throws CallhooksError VALIDATION_FAILED, WEBHOOK_NOT_FOUND, ETAG_MISMATCH
 */
export async function updateWebhook(deps: AdminDeps, request: UpdateWebhookRequest): Promise<Webhook> {
  const { webhookUuid } = request;
  const { agentUuid } = await findAgentOf(deps.agents, request);
  const agent = await changeAgent(deps, 'UpdateWebhook', agentUuid, (current, nowMs) => {
    if (current === undefined) throw webhookNotFound(webhookUuid);
    const stored = webhookOf(current, webhookUuid);
    const valid = validUpdate(deps, request, current, stored);
    refuseStaleEtag(request.etag, stored);
    const updated = changedWebhook(deps, stored, valid, nowMs);
    const webhooks = current.webhooks.map((webhook) => (webhook === stored ? updated : webhook));
    return { ...current, webhooks, etag: deps.ids.etag(), updatedAtMs: nowMs };
  });
  return webhookOf(agent, webhookUuid);
}

function validUpdate(
  deps: AdminDeps,
  request: UpdateWebhookRequest,
  agent: Agent,
  stored: Webhook,
): ValidWebhook {
  const { mask } = request;
  const { webhookType } = stored;
  const wanted = applyWebhookMask(stored, request, mask);
  const { config, violations } = validateWebhookConfig(wanted.config, {
    path: 'webhook.webhook_config',
    webhookType,
    ...agentContext(deps, agent),
    ...storedContext(stored),
    isChanged: (field) => mask.has(field),
  });
  refuseViolations([...request.violations, ...violations]);
  return { webhookType, config, disabled: wanted.disabled };
}
