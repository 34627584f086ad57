import type { Agent, Webhook, WebhookConfig } from '../../domain/agent.ts';
import { applyWebhookMask, type UpdateMask } from '../../domain/update-mask.ts';
import type { WebhookConfigDraft } from '../../domain/webhook-draft.ts';
import type { Violation } from '../../errors.ts';
import type { AdminDeps } from './admin-commands.ts';
import { refuseStaleEtag, webhookNotFound } from '../refusals.ts';
import { changeAgent } from './change-agent.ts';
import { acceptConfig, checkDraft, surroundingsOf } from './validate-config.ts';
import { changedWebhook } from './build-webhook.ts';

/** New values for the masked fields of a webhook. What is undefined was bad, and `violations` tells so. */
export interface UpdateWebhookRequest {
  readonly webhookUuid: string | undefined;
  /** If given, the agent that the webhook must belong to. */
  readonly agentUuid: string | undefined;
  /** Empty: no check. */
  readonly etag: string;
  readonly mask: UpdateMask;
  readonly config: WebhookConfigDraft;
  readonly disabled: boolean;
  readonly violations: readonly Violation[];
}

/**
 * Changes the masked fields of a webhook.
 * @throws CallhooksError VALIDATION_FAILED, WEBHOOK_NOT_FOUND, ETAG_MISMATCH
 */
export async function updateWebhook(deps: AdminDeps, request: UpdateWebhookRequest): Promise<Webhook> {
  const webhookUuid = request.webhookUuid ?? '';
  const isAsked = (webhook: Webhook) => webhook.webhookUuid === webhookUuid;
  const agentUuid = await findAgentUuid(deps, request);
  const agent = await changeAgent(deps, 'UpdateWebhook', agentUuid, (current, nowMs) => {
    const stored = current?.webhooks.find(isAsked);
    const { config, disabled } = checkUpdate(deps, request, current, stored);
    if (current === undefined || stored === undefined) throw webhookNotFound(webhookUuid);
    refuseStaleEtag(request.etag, stored);
    const updated = changedWebhook(deps, stored, { config, disabled }, nowMs);
    const webhooks = current.webhooks.map((webhook) => (webhook === stored ? updated : webhook));
    return { ...current, webhooks, etag: deps.ids.etag(), updatedAtMs: nowMs };
  });
  return agent?.webhooks.find(isAsked) as Webhook;
}

async function findAgentUuid(deps: AdminDeps, request: UpdateWebhookRequest): Promise<string | undefined> {
  if (request.webhookUuid === undefined) return undefined;
  const agent = await deps.agents.findAgentOfWebhook(request.webhookUuid);
  const isRight = request.agentUuid === undefined || request.agentUuid === agent?.agentUuid;
  return isRight ? agent?.agentUuid : undefined;
}

/** Stands for the rest of a webhook that is not there, so that what a request says can be judged all the same. */
const ANY_CONFIG: WebhookConfig = {
  apiSchema: { url: 'https://example.com/', method: 'POST', requestHeaders: {} },
  assignments: [],
  responseTimeoutSecs: 1,
  failurePolicy: null,
  signingSecretNames: [],
};

function checkUpdate(
  deps: AdminDeps,
  request: UpdateWebhookRequest,
  agent: Agent | undefined,
  stored: Webhook | undefined,
): { config: WebhookConfig; disabled: boolean } {
  const { mask } = request;
  const current = stored ?? { config: ANY_CONFIG, disabled: false };
  const { config, disabled } = applyWebhookMask(current, request, mask);
  const checked = checkDraft(config, stored?.webhookType, 'webhook.webhook_config', {
    ...surroundingsOf(deps, stored && agent),
    checked: (field) => mask.has(field),
    stored: stored ?? 'unknown',
  });
  if (stored === undefined && request.violations.length + checked.violations.length === 0) {
    throw webhookNotFound(request.webhookUuid ?? '');
  }
  return { config: acceptConfig(request.violations, checked), disabled };
}
