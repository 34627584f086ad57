import { sensitiveLiteralHeaders } from '../../domain/sensitive-names.ts';
import { MASK } from '../../domain/redaction/redact.ts';
import type { SealedValue, Webhook, WebhookConfig, WebhookType } from '../../domain/agent.ts';
import type { Keyring } from '../../secrets/types.ts';
import type { AdminDeps } from './admin-deps.ts';

/** A webhook's mutable part after its check. */
export interface CheckedWebhook {
  readonly webhookType: WebhookType;
  readonly config: WebhookConfig;
  readonly disabled: boolean;
}

type SealDeps = Pick<AdminDeps, 'keyring' | 'ids'>;

/** A webhook as it is stored the first time. */
export function newWebhook(
  { keyring, ids }: SealDeps,
  agentUuid: string,
  { webhookType, config, disabled }: CheckedWebhook,
  nowMs: number,
): Webhook {
  const webhookUuid = ids.uuid();
  return {
    webhookUuid,
    agentUuid,
    webhookType,
    ...sealHeaders(keyring, webhookUuid, config, {}),
    disabled,
    etag: ids.etag(),
    createdAtMs: nowMs,
    updatedAtMs: nowMs,
  };
}

/** A stored webhook with another configuration: it keeps its identity, and the values that read as a mask. */
export const changedWebhook = (
  { keyring, ids }: SealDeps,
  stored: Webhook,
  { config, disabled }: Omit<CheckedWebhook, 'webhookType'>,
  nowMs: number,
): Webhook => ({
  ...stored,
  ...sealHeaders(keyring, stored.webhookUuid, config, stored.sealedHeaders),
  disabled,
  etag: ids.etag(),
  updatedAtMs: nowMs,
});

/** Secrets of an agent as they are stored. */
export const sealSecrets = (
  keyring: Keyring,
  agentUuid: string,
  secrets: Readonly<Record<string, string>>,
): Record<string, SealedValue> =>
  Object.fromEntries(
    Object.entries(secrets).map(([name, value]) => [
      name,
      keyring.seal(value, { table: 'agent_secrets', rowId: agentUuid, field: name }),
    ]),
  );

/** Takes the values of sensitive literal headers out of a checked configuration. */
function sealHeaders(
  keyring: Keyring,
  webhookUuid: string,
  config: WebhookConfig,
  stored: Webhook['sealedHeaders'],
): Pick<Webhook, 'config' | 'sealedHeaders'> {
  const requestHeaders = { ...config.apiSchema.requestHeaders };
  const sealedHeaders: Record<string, SealedValue> = {};
  for (const name of sensitiveLiteralHeaders(config)) {
    const field = name.toLowerCase();
    const value = requestHeaders[name] ?? '';
    const kept = value === MASK ? stored[field] : undefined;
    sealedHeaders[field] =
      kept ?? keyring.seal(value, { table: 'webhook_headers', rowId: webhookUuid, field });
    requestHeaders[name] = MASK;
  }
  return { config: { ...config, apiSchema: { ...config.apiSchema, requestHeaders } }, sealedHeaders };
}
