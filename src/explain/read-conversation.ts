import { CallhooksError, REASONS } from '../errors.ts';
import {
  type Agent,
  AgentAdminService,
  ExecutionLogService,
  ListExecutionsRequest,
  type Execution,
  type GetExecutionResponse,
  type Webhook,
} from '../gen/index.callhooks.v1.ts';

/** Describes an RPC: an entry of a generated service definition, such as `AgentAdminService.getAgent`. */
interface Method<Request, Reply> {
  readonly path: string;
  readonly requestSerialize: (request: Request) => Buffer;
  readonly responseDeserialize: (bytes: Buffer) => Reply;
}

/** Is what reads executions: a connection to a server, or the services of this process. */
export interface ReadingApi {
  call<Request, Reply>(method: Method<Request, Reply>, request: Request): Promise<Reply>;
  /** Returns the name of the gRPC status of an error that `call` threw, or undefined for another error. */
  statusOf(error: unknown): string | undefined;
}

/** Returns the name of the gRPC status of a refusal that was thrown in this process. */
export function statusOfRefusal(error: unknown): string | undefined {
  return error instanceof CallhooksError ? REASONS[error.reason] : undefined;
}

/** An execution as GetExecution shows it, and what is known of its webhook today. */
export interface RecordedExecution {
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

/**
 * Returns the executions of a conversation, the older one first. The list is empty when none is on record.
 * @throws what `api` throws, for example when the id is no UUID
 */
export async function readConversation(
  api: ReadingApi,
  conversationUuid: string,
): Promise<RecordedExecution[]> {
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
  const read = await Promise.all(
    oldestFirst.map(({ executionUuid }) => readUnlessRemoved(api, executionUuid, readAgent)),
  );
  return read.filter((each) => each !== undefined);
}

/** Returns one execution. @throws what `api` throws, with the status `NOT_FOUND` when there is none */
export function readExecution(api: ReadingApi, executionUuid: string): Promise<RecordedExecution> {
  return read(api, executionUuid, createAgentReader(api));
}

type AgentReader = (agentUuid: string) => Promise<Agent | 'agent deleted' | 'not allowed'>;

async function read(
  api: ReadingApi,
  executionUuid: string,
  readAgent: AgentReader,
): Promise<RecordedExecution> {
  const reply = await api.call(ExecutionLogService.getExecution, { executionUuid });
  const execution = reply.execution as Execution;
  const agent = await readAgent(execution.agentUuid);
  return { reply, execution, today: webhookToday(execution, agent) };
}

// Retention may remove an execution after it was listed.
async function readUnlessRemoved(
  api: ReadingApi,
  executionUuid: string,
  readAgent: AgentReader,
): Promise<RecordedExecution | undefined> {
  try {
    return await read(api, executionUuid, readAgent);
  } catch (error) {
    if (api.statusOf(error) === 'NOT_FOUND') return undefined;
    throw error;
  }
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
function createAgentReader(api: ReadingApi): AgentReader {
  const agents = new Map<string, ReturnType<AgentReader>>();
  const read: AgentReader = async (agentUuid) => {
    try {
      return (await api.call(AgentAdminService.getAgent, { agentUuid })).agent ?? 'agent deleted';
    } catch (error) {
      const status = api.statusOf(error);
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
