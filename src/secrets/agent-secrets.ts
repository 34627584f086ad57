import { isSealedText, mapAuthTexts, sealedTextName, type AuthText } from '../domain/auth/endpoint-auth.ts';
import type { Agent, ApiSchema, SealedValue, Webhook, WebhookConfig } from '../domain/agent.ts';
import { MASK } from '../domain/redaction/redact.ts';
import { sensitiveLiteralHeaders } from '../domain/redaction/sensitive-names.ts';
import { CallhooksError } from '../errors.ts';
import { UnsealError, type Keyring, type SealPlace } from './keyring.ts';

/** Seals the secrets and sensitive headers of agents for storage, and opens them. */
export interface AgentSecrets {
  /** Returns the secrets of an agent as they are stored, by name. */
  sealSecrets(agentUuid: string, secrets: Readonly<Record<string, string>>): Record<string, SealedValue>;
  /**
   * Returns those secrets of an agent whose names are in `names`.
   * @throws CallhooksError KEY_UNAVAILABLE when this replica lacks the key of one of them
   */
  openSecrets(agent: Agent, names: ReadonlySet<string>): Record<string, string>;
  /**
   * Returns all other secrets of an agent that open here, so that they can be masked. A value that does not open, because its key is missing or its place is wrong, is left out: it must not stop a webhook that does not use it.
   */
  openOtherSecrets(agent: Agent, names: ReadonlySet<string>): Record<string, string>;
  /**
   * Returns the secret of an agent with this name, or undefined when it has none.
   * @throws CallhooksError KEY_UNAVAILABLE when this replica lacks its key
   */
  openSecret(agent: Agent, name: string): string | undefined;
  /**
   * Moves the values of sensitive literal headers, and the secret literal texts of `auth`, out of a checked
   * configuration, which reads {@link MASK} in their place. A value that is the mask already keeps its sealed value from
   * `stored`.
   */
  sealHeaders(
    webhookUuid: string,
    config: WebhookConfig,
    stored: Webhook['sealedHeaders'],
  ): Pick<Webhook, 'config' | 'sealedHeaders'>;
  /**
   * Returns the configuration of a webhook with the values of its sealed headers and texts in it.
   * @throws CallhooksError KEY_UNAVAILABLE when this replica lacks the key of one of them
   */
  openHeaders(webhook: Webhook): WebhookConfig;
  /** Returns the same as {@link openHeaders}, or undefined when a value does not open. */
  tryOpenHeaders(webhook: Webhook): WebhookConfig | undefined;
  /** Reports whether this replica has the keys of all sealed headers and texts of a webhook. */
  canOpenHeaders(webhook: Webhook): boolean;
}

/** The kind of a value that did not open. */
export type UndecryptableValue = 'secret' | 'header';

/**
 * Makes the sealing and opening of agents' secrets with the keys of this process. `onUndecryptable` is called each time that
 * a value does not open.
 */
export function createAgentSecrets(
  ownKeyring: Keyring,
  onUndecryptable: (what: UndecryptableValue) => void = ignore,
): AgentSecrets {
  const keyring = withFailuresReported(ownKeyring, onUndecryptable);
  return {
    sealSecrets: (agentUuid, secrets) =>
      Object.fromEntries(
        Object.entries(secrets).map(([name, value]) => [
          name,
          keyring.seal(value, placeOfSecret(agentUuid, name)),
        ]),
      ),
    openSecrets: ({ agentUuid, sealedSecrets }, names) =>
      Object.fromEntries(
        Object.entries(sealedSecrets)
          .filter(([name]) => names.has(name))
          .map(([name, sealed]) => [name, keyring.open(sealed, placeOfSecret(agentUuid, name))]),
      ),
    openOtherSecrets: ({ agentUuid, sealedSecrets }, names) =>
      Object.fromEntries(
        Object.entries(sealedSecrets).flatMap(([name, sealed]): [string, string][] => {
          if (names.has(name)) return [];
          const value = orUndefined(() => keyring.open(sealed, placeOfSecret(agentUuid, name)));
          return value === undefined ? [] : [[name, value]];
        }),
      ),
    openSecret: ({ agentUuid, sealedSecrets }, name) => {
      const sealed = Object.hasOwn(sealedSecrets, name) ? sealedSecrets[name] : undefined;
      return sealed && keyring.open(sealed, placeOfSecret(agentUuid, name));
    },
    sealHeaders: (webhookUuid, config, stored) => sealHeaders(keyring, webhookUuid, config, stored),
    openHeaders: (webhook) => openHeaders(keyring, webhook),
    tryOpenHeaders: (webhook) => orUndefined(() => openHeaders(keyring, webhook)),
    canOpenHeaders: ({ sealedHeaders }) =>
      Object.values(sealedHeaders).every(({ keyId }) => keyring.has(keyId)),
  };
}

function ignore(): void {}

function withFailuresReported(
  keyring: Keyring,
  onUndecryptable: (what: UndecryptableValue) => void,
): Keyring {
  return {
    ...keyring,
    open: (value, place) => {
      try {
        return keyring.open(value, place);
      } catch (error) {
        onUndecryptable(place.table === 'agent_secrets' ? 'secret' : 'header');
        throw error;
      }
    },
  };
}

function orUndefined<T>(open: () => T): T | undefined {
  try {
    return open();
  } catch (error) {
    if (error instanceof CallhooksError || error instanceof UnsealError) return undefined;
    throw error;
  }
}

function sealHeaders(
  keyring: Keyring,
  webhookUuid: string,
  config: WebhookConfig,
  stored: Webhook['sealedHeaders'],
): Pick<Webhook, 'config' | 'sealedHeaders'> {
  const requestHeaders = { ...config.apiSchema.requestHeaders };
  const sealedHeaders: Record<string, SealedValue> = {};
  const seal = (key: string, value: string): string => {
    const kept = value === MASK ? stored[key] : undefined;
    sealedHeaders[key] = kept ?? keyring.seal(value, placeOfHeader(webhookUuid, key));
    return MASK;
  };
  for (const name of sensitiveLiteralHeaders(config))
    requestHeaders[name] = seal(name.toLowerCase(), requestHeaders[name] ?? '');
  const sealText = (text: AuthText): string =>
    isSealedText(text) ? seal(sealedTextName(text), text.text) : text.text;
  return { config: withValues(config, requestHeaders, sealText), sealedHeaders };
}

function openHeaders(keyring: Keyring, { config, webhookUuid, sealedHeaders }: Webhook): WebhookConfig {
  const open = (key: string, value: string): string => {
    const sealed = value === MASK ? sealedHeaders[key] : undefined;
    return sealed === undefined ? value : keyring.open(sealed, placeOfHeader(webhookUuid, key));
  };
  const requestHeaders = Object.entries(config.apiSchema.requestHeaders).map(
    ([name, value]): [string, string] => [name, open(name.toLowerCase(), value)],
  );
  return withValues(config, Object.fromEntries(requestHeaders), (text) =>
    open(sealedTextName(text), text.text),
  );
}

function withValues(
  config: WebhookConfig,
  requestHeaders: ApiSchema['requestHeaders'],
  writeText: (text: AuthText) => string,
): WebhookConfig {
  const { auth, ...schema } = config.apiSchema;
  const written = auth === undefined ? {} : { auth: mapAuthTexts(auth, writeText) };
  return { ...config, apiSchema: { ...schema, requestHeaders, ...written } };
}

function placeOfSecret(agentUuid: string, name: string): SealPlace {
  return { table: 'agent_secrets', rowId: agentUuid, field: name };
}

function placeOfHeader(webhookUuid: string, field: string): SealPlace {
  return { table: 'webhook_headers', rowId: webhookUuid, field };
}
