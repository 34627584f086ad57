import { expect } from 'chai';
import { openWebhook } from '../../../../src/engine/webhook-run/runnable-webhook.ts';
import { agentSecrets, agentWith, webhookWith } from '../../../support/stored-agents.ts';

describe('openWebhook', () => {
  it('opens the secrets that the webhook uses, and none whose name is a part of a used name', () => {
    const webhook = webhookWith({ requestHeaders: { Authorization: 'Bearer {{secret.CRM_TOKEN}}' } });
    const agent = agentWith(webhook, { CRM: 'one secret', CRM_TOKEN: 'the other', TOKEN: 'a third' });
    expect(openWebhook(agent, webhook, agentSecrets).secrets).to.deep.equal({ CRM_TOKEN: 'the other' });
  });
});
