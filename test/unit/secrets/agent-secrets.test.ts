import { expect } from 'chai';
import type { Webhook } from '../../../src/domain/agent.ts';
import { MASK } from '../../../src/domain/redaction/redact.ts';
import { CallhooksError } from '../../../src/errors.ts';
import { createAgentSecrets } from '../../../src/secrets/agent-secrets.ts';
import { createKeyring, UnsealError } from '../../../src/secrets/keyring.ts';
import { agentSecrets, agentWith, keyring, webhookWith } from '../../support/stored-agents.ts';

const HEADERS = { 'X-Api-Key': 'k-12345678', Authorization: 'Bearer {{secret.TOKEN}}', Accept: '*/*' };
const webhook = webhookWith({ requestHeaders: HEADERS });
/** The webhook as it is stored: its sensitive literal header is sealed. */
const stored: Webhook = { ...webhook, ...agentSecrets.sealHeaders(webhook.webhookUuid, webhook.config, {}) };
const other = createAgentSecrets(createKeyring([{ id: 'other', bytes: Buffer.alloc(32, 2) }]));

describe('the secrets of an agent', () => {
  const agent = agentWith(webhook, { TOKEN: 't', SPARE: 's' });

  it('opens the secrets with the given names', () => {
    expect(agentSecrets.openSecrets(agent, new Set(['TOKEN', 'NONE']))).to.deep.equal({ TOKEN: 't' });
  });

  it('opens one secret, and returns undefined for a name that the agent lacks', () => {
    expect(agentSecrets.openSecret(agent, 'SPARE')).to.equal('s');
    expect(agentSecrets.openSecret(agent, 'constructor')).to.equal(undefined);
  });

  it('opens a secret that was stored under table, agent and name', () => {
    const place = { table: 'agent_secrets', rowId: agent.agentUuid, field: 'TOKEN' } as const;
    const sealedSecrets = { TOKEN: keyring.seal('before', place) };
    expect(agentSecrets.openSecret({ ...agent, sealedSecrets }, 'TOKEN')).to.equal('before');
  });

  it('refuses to open a secret under another name or for another agent', () => {
    const { TOKEN } = agent.sealedSecrets;
    for (const moved of [
      { ...agent, sealedSecrets: { SPARE: TOKEN! } },
      { ...agent, agentUuid: '0192aaaa-0000-7000-8000-00000000000f' },
    ])
      expect(() => agentSecrets.openSecrets(moved, new Set(['TOKEN', 'SPARE']))).to.throw(UnsealError);
  });

  it('refuses to open as KEY_UNAVAILABLE when the key of a secret is missing', () => {
    expect(() => other.openSecrets(agent, new Set(['TOKEN'])))
      .to.throw(CallhooksError)
      .with.property('reason', 'KEY_UNAVAILABLE');
    expect(other.openSecrets(agent, new Set())).to.deep.equal({});
  });
});

describe('the sensitive headers of a webhook', () => {
  it('seals literal values of sensitive headers and leaves the mask in their place', () => {
    expect(stored.config.apiSchema.requestHeaders).to.deep.equal({ ...HEADERS, 'X-Api-Key': MASK });
    expect(Object.keys(stored.sealedHeaders)).to.deep.equal(['x-api-key']);
  });

  it('opens sealed headers to the original configuration', () => {
    expect(agentSecrets.openHeaders(stored)).to.deep.equal(webhook.config);
  });

  it('opens a header that was stored under table, webhook and name in lower case', () => {
    const place = { table: 'webhook_headers', rowId: webhook.webhookUuid, field: 'x-api-key' } as const;
    const before = { ...stored, sealedHeaders: { 'x-api-key': keyring.seal('before', place) } };
    expect(agentSecrets.openHeaders(before).apiSchema.requestHeaders).to.include({ 'X-Api-Key': 'before' });
  });

  it('keeps the sealed value of a header whose new value is the mask, in any case of its name', () => {
    const { config } = webhookWith({ requestHeaders: { 'x-API-key': MASK } });
    const changed = agentSecrets.sealHeaders(webhook.webhookUuid, config, stored.sealedHeaders);
    expect(changed.sealedHeaders).to.deep.equal(stored.sealedHeaders);
  });

  it('refuses to open the headers of another webhook', () => {
    expect(() => agentSecrets.openHeaders({ ...stored, webhookUuid: 'w-2' })).to.throw(UnsealError);
  });

  it('reports whether all keys are here, and refuses to open as KEY_UNAVAILABLE when one is missing', () => {
    expect([agentSecrets.canOpenHeaders(stored), other.canOpenHeaders(stored)]).to.deep.equal([true, false]);
    expect(() => other.openHeaders(stored))
      .to.throw(CallhooksError)
      .with.property('reason', 'KEY_UNAVAILABLE');
  });
});
