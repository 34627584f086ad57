import { compileRequest, type CompiledRequest } from '../../domain/template/compile-request.ts';
import { fixedValuesToRedact, redactsCallValues } from '../../domain/redaction/values-to-redact.ts';
import { createMasker, type Masker, MASK } from '../../domain/redaction/redact.ts';
import type { Agent, Webhook, WebhookConfig } from '../../domain/agent.ts';
import { usedSecretNames } from '../../domain/name-usage.ts';
import type { Keyring } from '../../secrets/keyring.ts';

/** A webhook that can run: it is compiled, and its secrets are decrypted. It is never stored and never logged. */
export interface RunnableWebhook {
  readonly webhook: Webhook;
  /** Compiled with the true header values. */
  readonly compiled: CompiledRequest;
  /** Scheme, host and port: the key of the per-origin limits. */
  readonly origin: string;
  /** The agent's secrets that this webhook uses, by name. */
  readonly secrets: Readonly<Record<string, string>>;
  /** Masks the secrets, and of what its requests hide by name the values that are the same in every call. */
  readonly mask: Masker;
  /** Says whether its requests hide values of the call as well. */
  readonly redactsCallValues: boolean;
}

/**
 * Decrypts what the webhook needs and compiles it.
 * @throws CallhooksError KEY_UNAVAILABLE when this replica lacks the key of a value that it needs.
 */
export function openWebhook(agent: Agent, webhook: Webhook, keyring: Keyring): RunnableWebhook {
  const config = withTrueHeaders(webhook, keyring);
  const secrets = openSecrets(agent, config, keyring);
  const compiled = compileRequest(config);
  return {
    webhook,
    compiled,
    origin: compiled.url.origin,
    secrets,
    mask: createMasker(Object.values(secrets), fixedValuesToRedact(compiled, secrets)),
    redactsCallValues: redactsCallValues(compiled),
  };
}

/**
 * The configuration with the values of its sealed headers opened.
 * @throws CallhooksError KEY_UNAVAILABLE
 */
export function withTrueHeaders(webhook: Webhook, keyring: Keyring): WebhookConfig {
  const { config, webhookUuid, sealedHeaders } = webhook;
  const openHeader = ([name, value]: [string, string]): [string, string] => {
    const field = name.toLowerCase();
    const sealed = value === MASK ? sealedHeaders[field] : undefined;
    return [
      name,
      sealed ? keyring.open(sealed, { table: 'webhook_headers', rowId: webhookUuid, field }) : value,
    ];
  };
  const requestHeaders = Object.fromEntries(Object.entries(config.apiSchema.requestHeaders).map(openHeader));
  return { ...config, apiSchema: { ...config.apiSchema, requestHeaders } };
}

function openSecrets(agent: Agent, config: WebhookConfig, keyring: Keyring): Record<string, string> {
  const { agentUuid, sealedSecrets } = agent;
  const used = usedSecretNames(config);
  const opened = Object.entries(sealedSecrets)
    .filter(([name]) => used.has(name))
    .map(([field, sealed]): [string, string] => [
      field,
      keyring.open(sealed, { table: 'agent_secrets', rowId: agentUuid, field }),
    ]);
  return Object.fromEntries(opened);
}
