import { expect } from 'chai';
import type { SealedValue } from '../../../../src/domain/agent.ts';
import { MASK } from '../../../../src/domain/redaction/redact.ts';
import { UnsealError } from '../../../../src/secrets/keyring.ts';
import { openWebhook } from '../../../../src/engine/webhook-run/runnable-webhook.ts';
import { agentSecrets, agentWith, webhookWith } from '../../../support/stored-agents.ts';

describe('openWebhook', () => {
  it('opens the secrets that the webhook uses, and none whose name is a part of a used name', () => {
    const webhook = webhookWith({ requestHeaders: { Authorization: 'Bearer {{secret.CRM_TOKEN}}' } });
    const agent = agentWith(webhook, { CRM: 'one secret', CRM_TOKEN: 'the other', TOKEN: 'a third' });
    expect(openWebhook(agent, webhook, agentSecrets).secrets).to.deep.equal({ CRM_TOKEN: 'the other' });
  });

  it('masks all secrets of the agent, and the sensitive headers of its other webhook', () => {
    const webhook = webhookWith({ requestHeaders: {} });
    const sealed = webhookWith({ requestHeaders: { 'X-Token': 'Bearer other-header-1' } });
    const agent = agentWith(webhook, { CRM: 'one secret of it' });
    const { mask } = openWebhook({ ...agent, webhooks: [webhook, sealed] }, webhook, agentSecrets);
    expect(mask('a one secret of it, other-header-1.')).to.equal(`a ${MASK}, ${MASK}.`);
  });

  it('masks a secret in the path, as it is, percent-encoded, and each of its longer segments', () => {
    const webhook = webhookWith({ url: 'https://a.example/hooks/{{secret.HOOK}}' });
    const agent = agentWith(webhook, { HOOK: 'T0/B0123456/last part' });
    const { mask } = openWebhook(agent, webhook, agentSecrets);
    expect(mask('no T0/B0123456/last part, T0/B0123456/last%20part, T0%2FB0123456%2Flast+part')).to.equal(
      `no ${MASK}, ${MASK}, ${MASK}`,
    );
    expect(mask('no channel B0123456 and no hook last%20part in T0')).to.equal(
      `no channel ${MASK} and no hook ${MASK} in T0`,
    );
  });

  it('opens although a secret that it does not use lies in a wrong place', () => {
    const webhook = webhookWith({ requestHeaders: { Authorization: 'Bearer {{secret.A}}' } });
    const agent = agentWith(webhook, { A: 'secret-aaa', B: 'secret-bbb', C: 'secret-ccc' });
    const { A, B, C } = agent.sealedSecrets as Record<'A' | 'B' | 'C', SealedValue>;
    const swapped = { ...agent, sealedSecrets: { A, B: C, C: B } };
    expect(openWebhook(swapped, webhook, agentSecrets).secrets).to.deep.equal({ A: 'secret-aaa' });
    const used = { ...agent, sealedSecrets: { A: B, B: A } };
    expect(() => openWebhook(used, webhook, agentSecrets)).to.throw(UnsealError);
  });
});
