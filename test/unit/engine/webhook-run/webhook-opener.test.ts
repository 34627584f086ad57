import { expect } from 'chai';
import type { Agent, Assignment } from '../../../../src/domain/agent.ts';
import type { JsonObject } from '../../../../src/domain/json.ts';
import { createWebhookOpener } from '../../../../src/engine/webhook-run/webhook-opener.ts';
import { createAgentSecrets } from '../../../../src/secrets/agent-secrets.ts';
import type { Keyring } from '../../../../src/secrets/keyring.ts';
import { agentSecrets, agentWith, keyring, webhookWith } from '../../../support/stored-agents.ts';

const SCHEMA = { requestHeaders: { Authorization: '{{secret.TOKEN}}' } };
function stored(): Agent {
  return agentWith(webhookWith(SCHEMA), { TOKEN: 'the secret' });
}
/** Returns the agent with the same sealed values, after its webhook was written. */
function written(agent: Agent, etag: string, url: string): Agent {
  return {
    ...agent,
    webhooks: [webhookWith({ ...SCHEMA, url }, etag)],
  };
}
/** Returns the agent as another read of its rows makes it. */
function readAgain(agent: Agent): Agent {
  return structuredClone(agent);
}

function countingOpener(maxBytes?: number) {
  let opened = 0;
  const counting: Keyring = {
    ...keyring,
    open: (value, place) => {
      opened += 1;
      return keyring.open(value, place);
    },
  };
  const open = createWebhookOpener(createAgentSecrets(counting), maxBytes);
  return {
    open: (agent: Agent) => open(agent, agent.webhooks[0] as Agent['webhooks'][0]),
    opened: () => opened,
  };
}

describe('createWebhookOpener', () => {
  it('opens a webhook once when its agent is read several times', () => {
    const { open, opened } = countingOpener();
    const agent = stored();
    const first = open(agent);
    expect(open(agent)).to.equal(first);
    expect(open(readAgain(agent)).compiled).to.equal(first.compiled);
    expect(opened()).to.equal(1);
  });

  it('opens it anew when its etag has changed', () => {
    const { open } = countingOpener();
    const agent = stored();
    open(agent);
    expect(open(written(agent, 'etag-2', 'https://b.example/')).origin).to.equal('https://b.example');
  });

  it('opens it anew when a secret has changed or was sealed anew', () => {
    const { open, opened } = countingOpener();
    open(stored());
    const changed = agentWith(webhookWith(SCHEMA), { TOKEN: 'another secret' });
    expect(open(changed).secrets).to.deep.equal({ TOKEN: 'another secret' });
    open(agentWith(webhookWith(SCHEMA), { TOKEN: 'another secret' }));
    expect(opened()).to.equal(3);
  });

  it('opens it anew when a sealed header has changed or a secret is gone', () => {
    const { open } = countingOpener();
    const agent = stored();
    const first = open(agent);
    const [webhook] = agent.webhooks as [Agent['webhooks'][0]];
    const { config } = webhookWith({ requestHeaders: { 'X-Key': 'x' } });
    const { sealedHeaders } = agentSecrets.sealHeaders(webhook.webhookUuid, config, {});
    expect(open({ ...agent, webhooks: [{ ...webhook, sealedHeaders }] }).compiled).not.to.equal(
      first.compiled,
    );
    expect(open({ ...readAgain(agent), sealedSecrets: {} }).secrets).to.deep.equal({});
  });

  it('opens it anew when an object rule takes other variables, and only then', () => {
    const rule = { attributeName: '$', dynamicVariable: '*', required: false };
    const agentOf = (dynamicVariables: JsonObject, assignments: Assignment[]): Agent => {
      const webhook = webhookWith(SCHEMA);
      const config = { ...webhook.config, assignments };
      return { ...agentWith({ ...webhook, config }, {}), dynamicVariables };
    };
    const { open } = countingOpener();
    expect(open(agentOf({ a: 1 }, [rule])).assignments.declared).to.deep.equal(['a']);
    const second = open(agentOf({ a: 2, b: null }, [rule]));
    expect(second.assignments.declared).to.deep.equal(['a', 'b']);
    expect(open(agentOf({ a: 3, b: 4 }, [rule]))).to.equal(second);
    const other = countingOpener();
    const first = other.open(agentOf({ a: 1 }, []));
    expect(other.open(agentOf({ a: 1, b: 1 }, []))).to.equal(first);
  });

  it('opens each draft, which has no etag, anew', () => {
    const { open } = countingOpener();
    const agent = stored();
    open(written(agent, '', 'https://a.example/'));
    expect(open(written(agent, '', 'https://b.example/')).origin).to.equal('https://b.example');
  });

  it('forgets the webhook that was opened longest ago when it keeps too many bytes', () => {
    const { open, opened } = countingOpener(8_000);
    const agents = Array.from({ length: 10 }, (_, i): Agent => {
      const agent = stored();
      return { ...agent, webhooks: agent.webhooks.map((webhook) => ({ ...webhook, webhookUuid: `w-${i}` })) };
    });
    for (const agent of agents) open(readAgain(agent));
    expect(opened()).to.equal(10);
    open(readAgain(agents[9] as Agent));
    expect(opened()).to.equal(10);
    open(readAgain(agents[0] as Agent));
    expect(opened()).to.equal(11);
  });
});
