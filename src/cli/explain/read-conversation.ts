import {
  type Agent,
  AgentAdminService,
  ExecutionLogService,
  ListExecutionsRequest,
  type Execution,
  type GetExecutionResponse,
  type Webhook,
} from '../../gen/index.callhooks.v1.ts';
import { ApiError } from '../client/api-error.ts';
import type { Api } from '../client/connect.ts';

/** An execution, and what is known of its webhook today. */
export interface ExplainedExecution {
  readonly reply: GetExecutionResponse;
  readonly execution: Execution;
  readonly today: WebhookToday;
}

/** What is known of the webhook of an execution today. */
export type WebhookToday =
  | { readonly state: 'same' | 'changed'; readonly webhook: Webhook }
  | { readonly state: 'webhook deleted' | 'agent deleted' | 'not allowed' };

// A conversation has two executions at most, but a page can be empty without being the last.
const MAX_PAGES = 100;

/** Returns the executions of a conversation, the older one first. */
export async function readConversation(api: Api, conversationUuid: string): Promise<ExplainedExecution[]> {
  const found: Execution[] = [];
  let pageToken = '';
  for (let page = 0; page < MAX_PAGES; page += 1) {
    const request = ListExecutionsRequest.fromPartial({ conversationUuid, pageToken });
    const { executions, nextPageToken } = await api.call(ExecutionLogService.listExecutions, request);
    found.push(...executions);
    pageToken = nextPageToken;
    if (pageToken === '') break;
  }
  const readAgent = createAgentReader(api);
  const oldestFirst = found.toSorted((a, b) => Number(a.acceptedAt) - Number(b.acceptedAt));
  return Promise.all(oldestFirst.map(({ executionUuid }) => explained(api, executionUuid, readAgent)));
}

/** Returns one execution. */
export function readExecution(api: Api, executionUuid: string): Promise<ExplainedExecution> {
  return explained(api, executionUuid, createAgentReader(api));
}

type AgentReader = (agentUuid: string) => Promise<Agent | 'agent deleted' | 'not allowed'>;

async function explained(
  api: Api,
  executionUuid: string,
  readAgent: AgentReader,
): Promise<ExplainedExecution> {
  const reply = await api.call(ExecutionLogService.getExecution, { executionUuid });
  const execution = reply.execution as Execution;
  const agent = await readAgent(execution.agentUuid);
  return { reply, execution, today: webhookToday(execution, agent) };
}

function webhookToday(
  { webhookUuid, webhookEtag }: Execution,
  agent: Agent | 'agent deleted' | 'not allowed',
): WebhookToday {
  if (typeof agent === 'string') return { state: agent };
  const webhook = agent.webhooks.find((each) => each.webhookUuid === webhookUuid);
  if (webhook === undefined) return { state: 'webhook deleted' };
  return { state: webhook.etag === webhookEtag ? 'same' : 'changed', webhook };
}

/** Makes a function that reads each agent once. A token with the role `lifecycle` may not read any. */
function createAgentReader(api: Api): AgentReader {
  const agents = new Map<string, ReturnType<AgentReader>>();
  const read: AgentReader = async (agentUuid) => {
    try {
      return (await api.call(AgentAdminService.getAgent, { agentUuid })).agent ?? 'agent deleted';
    } catch (error) {
      const status = error instanceof ApiError ? error.refusal.status : undefined;
      if (status === 'NOT_FOUND') return 'agent deleted';
      if (status === 'PERMISSION_DENIED') return 'not allowed';
      throw error;
    }
  };
  return (agentUuid) => {
    const known = agents.get(agentUuid) ?? read(agentUuid);
    agents.set(agentUuid, known);
    return known;
  };
}
