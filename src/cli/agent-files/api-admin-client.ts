import { AgentAdminService } from '../../gen/callhooks/v1/agent_admin.ts';
import { WebhookAdminService } from '../../gen/callhooks/v1/webhook_admin.ts';
import type * as pb from '../../gen/index.callhooks.v1.ts';
import { ApiError } from '../client/api-error.ts';
import type { Api } from '../client/connect.ts';
import { RefusedRpc, type AdminClient } from './admin-client.ts';

const PAGE_SIZE = 200;

/** Makes the RPCs that agents as files need of a connection to a server. */
export function createApiAdminClient(api: Api): AdminClient {
  return {
    getAgent: (agentUuid) => getAgent(api, agentUuid),
    listAgents: () => listAgents(api),
    createAgent: async (request) => stored(await orRefused(api.call(AgentAdminService.createAgent, request))),
    updateAgent: async (request) => stored(await orRefused(api.call(AgentAdminService.updateAgent, request))),
    deleteAgent: async (request) => void (await orRefused(api.call(AgentAdminService.deleteAgent, request))),
    deleteWebhook: async (request) =>
      void (await orRefused(api.call(WebhookAdminService.deleteWebhook, request))),
  };
}

async function getAgent(api: Api, agentUuid: string): Promise<pb.Agent | undefined> {
  try {
    return (await api.call(AgentAdminService.getAgent, { agentUuid })).agent;
  } catch (error) {
    if (error instanceof ApiError && error.refusal.reason === 'AGENT_NOT_FOUND') return undefined;
    throw error;
  }
}

async function* listAgents(api: Api): AsyncGenerator<pb.Agent> {
  let pageToken = '';
  do {
    const page = await api.call(AgentAdminService.listAgents, { pageSize: PAGE_SIZE, pageToken });
    yield* page.agents;
    pageToken = page.nextPageToken;
  } while (pageToken !== '');
}

function stored({ agent }: { readonly agent?: pb.Agent | undefined }): pb.Agent {
  if (agent === undefined) throw new Error('the server has answered without the agent');
  return agent;
}

// These statuses say that nothing was written, because of the request or of what is stored.
const REFUSALS = new Set([
  'INVALID_ARGUMENT',
  'NOT_FOUND',
  'ALREADY_EXISTS',
  'FAILED_PRECONDITION',
  'ABORTED',
]);

async function orRefused<T>(reply: Promise<T>): Promise<T> {
  try {
    return await reply;
  } catch (error) {
    if (!(error instanceof ApiError) || !REFUSALS.has(error.refusal.status)) throw error;
    const { status, detail, reason, violations, violationCount } = error.refusal;
    // The message of any other refusal says it better than the names of its conditions.
    if (status !== 'INVALID_ARGUMENT') throw new RefusedRpc(detail, reason);
    throw new RefusedRpc(detail, reason, violations, violationCount - violations.length);
  }
}
