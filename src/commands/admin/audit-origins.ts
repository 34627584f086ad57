import { originOfTemplate } from '../../domain/template/url-template.ts';
import type { Agent, Webhook } from '../../domain/agent.ts';
import { usedSecretNames } from '../../domain/name-usage.ts';
import { withTrueHeaders } from '../../engine/webhook-run/runnable-webhook.ts';
import type { AdminDeps } from './admin-deps.ts';

/** One audit line for each webhook whose URL has come to another origin, with the secrets that go there now. */
export function auditOrigins(
  { audit, keyring }: Pick<AdminDeps, 'audit' | 'keyring'>,
  action: string,
  before: Agent | undefined,
  after: Agent | undefined,
): void {
  for (const webhook of after?.webhooks ?? []) {
    const earlier = before?.webhooks.find(({ webhookUuid }) => webhookUuid === webhook.webhookUuid);
    const origin = originOf(webhook);
    if (after === undefined || (earlier !== undefined && originOf(earlier) === origin)) continue;
    const { agentUuid, webhookUuid } = webhook;
    audit({ action, agentUuid, webhookUuid, origin, secretNames: secretNamesOf(keyring, after, webhook) });
  }
}

const originOf = (webhook: Webhook): string => originOfTemplate(webhook.config.apiSchema.url) ?? '';

function secretNamesOf(keyring: AdminDeps['keyring'], agent: Agent, webhook: Webhook): string[] {
  // A sealed header may name secrets too; one whose key is not here can't have been written just now.
  const canOpen = Object.values(webhook.sealedHeaders).every(({ keyId }) => keyring.has(keyId));
  const used = usedSecretNames(canOpen ? withTrueHeaders(webhook, keyring) : webhook.config);
  return Object.keys(agent.sealedSecrets).filter((name) => used.has(name));
}
