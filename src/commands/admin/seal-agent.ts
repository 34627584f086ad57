import { sensitiveLiteralHeaders } from '../../domain/redaction/sensitive-names.ts';
import { MASK } from '../../domain/redaction/redact.ts';
import type { SealedValue, Webhook, WebhookConfig } from '../../domain/agent.ts';
import type { Keyring } from '../../secrets/keyring.ts';

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
export function sealHeaders(
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
