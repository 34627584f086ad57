import { expect } from 'chai';
import { refuseRemovalInUse } from '../../../../src/commands/admin/names-in-use.ts';
import { changedWebhook, newWebhook } from '../../../../src/commands/admin/build-webhook.ts';
import { agentContext } from '../../../../src/commands/admin/config-context.ts';
import type { Agent, Webhook } from '../../../../src/domain/agent.ts';
import type { CallhooksError } from '../../../../src/errors.ts';
import { createIds } from '../../../../src/ids.ts';
import { createAgentSecrets } from '../../../../src/secrets/agent-secrets.ts';
import { createKeyring } from '../../../../src/secrets/keyring.ts';

const ids = createIds();
const agentSecrets = withKey('here', 1);
/** Belongs to a replica that lacks the key of everything that is stored. */
const otherSecrets = withKey('elsewhere', 2);

const agentUuid = ids.uuid();
const webhook = newWebhook(
  { agentSecrets, ids },
  agentUuid,
  {
    webhookType: 'pre_call',
    config: {
      apiSchema: {
        url: 'https://api.example.com/',
        method: 'POST',
        requestHeaders: { Cookie: 'id={{x}}', 'X-A': 'a' },
      },
      assignments: [],
      responseTimeoutSecs: 10,
      failurePolicy: 'proceed',
      signingSecretNames: [],
    },
    disabled: false,
  },
  1_000,
);
const agent: Agent = {
  agentUuid,
  displayName: '',
  dynamicVariables: { x: 1, y: 2 },
  webhooks: [webhook],
  sealedSecrets: agentSecrets.sealSecrets(agentUuid, { s: 'value' }),
  etag: 'e',
  createdAtMs: 0,
  updatedAtMs: 0,
};

function without(name: string): Agent {
  const { [name]: _, ...dynamicVariables } = agent.dynamicVariables;
  return { ...agent, dynamicVariables };
}

function reasonOf(run: () => unknown): string | undefined {
  try {
    run();
    return undefined;
  } catch (error) {
    return (error as CallhooksError).reason;
  }
}

function withKey(id: string, fill: number) {
  return createAgentSecrets(createKeyring([{ id, bytes: Buffer.alloc(32, fill) }]));
}

describe('administration by a replica that lacks a key', () => {
  it('disables a webhook and keeps its sealed headers as they are', () => {
    const change = { config: webhook.config, disabled: true };
    const changed: Webhook = changedWebhook({ agentSecrets: otherSecrets, ids }, webhook, change, 2_000);
    expect(changed.sealedHeaders).to.deep.equal(webhook.sealedHeaders);
    expect(changed).to.deep.include({ disabled: true, createdAtMs: 1_000, updatedAtMs: 2_000 });
  });

  it('refuses to remove a variable while it lacks the key of a header that may name it', () => {
    expect(reasonOf(() => refuseRemovalInUse(agentSecrets, agent, without('x')))).to.equal('VARIABLE_IN_USE');
    expect(reasonOf(() => refuseRemovalInUse(agentSecrets, agent, without('y')))).to.equal(undefined);
    expect(reasonOf(() => refuseRemovalInUse(otherSecrets, agent, without('y')))).to.equal('KEY_UNAVAILABLE');
  });

  it('changes an agent without reading sealed headers when no name is removed', () => {
    expect(reasonOf(() => refuseRemovalInUse(otherSecrets, agent, { ...agent, displayName: 'b' }))).to.equal(
      undefined,
    );
  });

  it('refuses to read the secret that a webhook is to sign with', () => {
    const look = (of: typeof agentSecrets) =>
      agentContext(
        { agentSecrets: of, checkUrl: () => undefined, checkClientCertificate: () => undefined },
        agent,
      ).secretValue?.('s');
    expect(look(agentSecrets)).to.equal('value');
    expect(reasonOf(() => look(otherSecrets))).to.equal('KEY_UNAVAILABLE');
  });
});
