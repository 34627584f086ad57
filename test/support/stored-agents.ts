import type { Agent, ApiSchema, Webhook } from '../../src/domain/agent.ts';
import { createAgentSecrets } from '../../src/secrets/agent-secrets.ts';
import { createKeyring } from '../../src/secrets/keyring.ts';

const AGENT = '0192aaaa-0000-7000-8000-000000000001';
const WEBHOOK = '0192aaaa-0000-7000-8000-000000000002';

/** Seals the secrets of {@link agentWith}. */
export const keyring = createKeyring([{ id: 'k', bytes: Buffer.alloc(32, 1) }]);
/** Seals and opens with {@link keyring}. */
export const agentSecrets = createAgentSecrets(keyring);

/** Makes a pre-call webhook as a store reads it; parts of the request template can be replaced. */
export function webhookWith(apiSchema: Partial<ApiSchema>, etag = 'etag-1'): Webhook {
  return {
    webhookUuid: WEBHOOK,
    agentUuid: AGENT,
    webhookType: 'pre_call',
    config: {
      apiSchema: { url: 'https://api.example.com/{{plan}}', method: 'GET', requestHeaders: {}, ...apiSchema },
      assignments: [],
      responseTimeoutSecs: 5,
      failurePolicy: 'proceed',
      signingSecretNames: [],
    },
    sealedHeaders: {},
    disabled: false,
    etag,
    createdAtMs: 0,
    updatedAtMs: 0,
  };
}

/** Makes the agent of a webhook as a store reads it, with these secrets sealed. */
export function agentWith(webhook: Webhook, secrets: Record<string, string>): Agent {
  return {
    agentUuid: AGENT,
    displayName: '',
    dynamicVariables: { plan: 'x' },
    webhooks: [webhook],
    sealedSecrets: agentSecrets.sealSecrets(AGENT, secrets),
    etag: 'agent-1',
    createdAtMs: 0,
    updatedAtMs: 0,
  };
}
