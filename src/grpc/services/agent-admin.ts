import type { Commands } from '../../commands/bind-commands.ts';
import { AgentAdminService } from '../../gen/index.callhooks.v1.ts';
import { bindService, type BoundService } from '../bound-service.ts';
import { agentMessage } from '../messages/agent.ts';
import { agentTokens } from '../page-tokens.ts';
import * as requests from '../requests/agent-admin.ts';

/** The commands that serve `callhooks.v1.AgentAdmin`. */
type AgentAdminCommands = Pick<
  Commands,
  'createAgent' | 'getAgent' | 'listAgents' | 'updateAgent' | 'deleteAgent'
>;

/** Returns the service `callhooks.v1.AgentAdmin`, bound to its commands. */
export function createAgentAdminService(commands: AgentAdminCommands): BoundService {
  return bindService(AgentAdminService, {
    createAgent: async (message, context) => {
      const agent = await commands.createAgent(requests.parseCreateAgent(message), context);
      context.log({ agent_uuid: agent.agentUuid });
      return { agent: agentMessage(agent) };
    },
    getAgent: async (message, { log }) => {
      const request = requests.parseGetAgent(message);
      log({ agent_uuid: request.agentUuid });
      return { agent: agentMessage(await commands.getAgent(request)) };
    },
    listAgents: async (message) => {
      const { items, next } = await commands.listAgents(requests.parseListAgents(message));
      return { agents: items.map(agentMessage), nextPageToken: agentTokens().write(next) };
    },
    updateAgent: async (message, context) => {
      const request = requests.parseUpdateAgent(message);
      context.log({ agent_uuid: request.agentUuid });
      return { agent: agentMessage(await commands.updateAgent(request, context)) };
    },
    deleteAgent: async (message, context) => {
      const request = requests.parseDeleteAgent(message);
      context.log({ agent_uuid: request.agentUuid });
      await commands.deleteAgent(request, context);
      return {};
    },
  });
}
