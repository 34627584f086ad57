import { expect } from 'chai';
import type { Agent, Webhook } from '../../src/domain/types.ts';
import { openWebhook } from '../../src/engine/webhook-run/runnable-webhook.ts';
import { createKeyring } from '../../src/secrets/keyring.ts';

const AGENT = '0192aaaa-0000-7000-8000-000000000001';
const WEBHOOK = '0192aaaa-0000-7000-8000-000000000002';
const keyring = createKeyring([{ id: 'k', bytes: Buffer.alloc(32, 1) }]);

const webhookWith = (requestHeaders: Record<string, string>): Webhook => ({
  webhookUuid: WEBHOOK,
  agentUuid: AGENT,
  webhookType: 'pre_call',
  config: {
    apiSchema: { url: 'https://api.example.com/{{plan}}', method: 'GET', requestHeaders },
    assignments: [],
    responseTimeoutSecs: 5,
    failurePolicy: 'proceed',
    signingSecretNames: [],
  },
  sealedHeaders: {},
  disabled: false,
  etag: 'etag-1',
  createdAtMs: 0,
  updatedAtMs: 0,
});

const agentWith = (webhook: Webhook, secrets: Record<string, string>): Agent => ({
  agentUuid: AGENT,
  displayName: '',
  dynamicVariables: { plan: 'x' },
  webhooks: [webhook],
  sealedSecrets: Object.fromEntries(
    Object.entries(secrets).map(([field, value]) => [
      field,
      keyring.seal(value, { table: 'agent_secrets', rowId: AGENT, field }),
    ]),
  ),
  etag: 'agent-1',
  createdAtMs: 0,
  updatedAtMs: 0,
});

describe('openWebhook', () => {
  it('opens the secrets that the webhook uses, and none whose name is a part of theirs', () => {
    const webhook = webhookWith({ Authorization: 'Bearer {{secret.CRM_TOKEN}}' });
    const agent = agentWith(webhook, { CRM: 'one secret', CRM_TOKEN: 'the other', TOKEN: 'a third' });
    expect(openWebhook(agent, webhook, keyring).secrets).to.deep.equal({ CRM_TOKEN: 'the other' });
  });
});
