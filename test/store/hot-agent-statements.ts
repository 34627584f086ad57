import { anAgentWithParts, SEALED } from './samples.ts';
import type { HotStatement } from './hot-statements.ts';

const AN_AGENT = ['a by PRIMARY', 'a by webhooks_by_agent', 'h by PRIMARY'];
const SIZES_OF_AGENTS = ['webhooks by webhooks_by_agent', 's by PRIMARY'];

/** The functions of the store of agents. */
export const AGENT_STATEMENTS: Readonly<Record<string, HotStatement>> = {
  'find an agent': {
    ways: AN_AGENT,
    run: ({ agents, agent }) => agents.findAgent(agent.agentUuid),
  },
  'find the agent of a webhook': {
    ways: [...AN_AGENT, 'w by PRIMARY'],
    run: ({ agents, agent }) => agents.findAgentOfWebhook(agent.webhooks[0]?.webhookUuid ?? ''),
  },
  'find the URLs of webhooks': {
    ways: ['webhooks by PRIMARY'],
    run: ({ agents, agent }) => agents.findUrls(agent.webhooks.map(({ webhookUuid }) => webhookUuid)),
  },
  'list agents': {
    ways: ['agents along PRIMARY', ...SIZES_OF_AGENTS, ...AN_AGENT],
    run: ({ agents }) => agents.listAgents(50),
  },
  'list a later page of agents': {
    ways: ['agents by PRIMARY', ...SIZES_OF_AGENTS, ...AN_AGENT],
    run: ({ agents }) => agents.listAgents(50, '80000000-0000-4000-8000-000000000000'),
  },
  'list webhooks': {
    ways: ['webhooks along PRIMARY', 'a by PRIMARY', 'h by PRIMARY'],
    run: ({ agents }) => agents.listWebhooks(undefined, 50),
  },
  'list a later page of webhooks': {
    ways: ['webhooks by PRIMARY', 'a by PRIMARY', 'h by PRIMARY'],
    run: ({ agents }) => agents.listWebhooks(undefined, 50, '80000000-0000-4000-8000-000000000000'),
  },
  'list the webhooks of an agent': {
    ways: ['webhooks by webhooks_by_agent', 'a by PRIMARY', 'h by PRIMARY'],
    run: ({ agents, agent }) => agents.listWebhooks(agent.agentUuid, 50),
  },
  'insert an agent': {
    ways: [],
    run: ({ agents }) => agents.insertAgent(anAgentWithParts()),
  },
  'change an agent': {
    ways: [
      'agents by PRIMARY',
      ...AN_AGENT,
      'webhooks by PRIMARY',
      'webhook_headers by PRIMARY',
      'agent_secrets by PRIMARY',
    ],
    run: async ({ agents }) => {
      const { agentUuid } = await agents.insertAgent(anAgentWithParts());
      const { agent } = await agents.readForChange(agentUuid);
      if (agent === undefined) throw new Error('it was just inserted');
      // One webhook is deleted, the other changes, and one sealed value of each kind is deleted.
      await agents.replaceAgent(agent, {
        ...agent,
        webhooks: agent.webhooks.slice(1).map((webhook) => ({
          ...webhook,
          disabled: true,
          sealedHeaders: { first: SEALED },
        })),
        sealedSecrets: { first: SEALED },
      });
    },
  },
  'delete an agent': {
    ways: [
      'agents by PRIMARY',
      ...AN_AGENT,
      'webhooks by PRIMARY',
      'webhook_headers by PRIMARY',
      'agent_secrets by PRIMARY',
    ],
    run: async ({ agents }) => {
      const { agentUuid } = await agents.insertAgent(anAgentWithParts());
      const { agent } = await agents.readForChange(agentUuid);
      if (agent !== undefined) await agents.replaceAgent(agent, undefined);
    },
  },
};
