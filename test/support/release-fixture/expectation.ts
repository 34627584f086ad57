import { callWithJson } from '../proto-json.ts';
import { RpcError, type Rpc } from '../rpc.ts';

type Json = Readonly<Record<string, unknown>>;

/** The names of a call. */
export interface CallNames {
  readonly agent_uuid: string;
  readonly conversation_uuid: string;
}

/** A call with the reply that each repeat of it gets, in proto JSON without `replayed`. */
export interface ExpectedReply {
  readonly call: CallNames;
  readonly reply: Json;
}

/** An execution that was not finished when its server was killed, and what becomes of it. */
export interface OpenExecution {
  readonly call: CallNames;
  readonly executionUuid: string;
  /** `EXECUTION_STATE_ACCEPTED` (it is sent) or `EXECUTION_STATE_SENDING` (it is marked interrupted). */
  readonly state: string;
}

/** What a server answers about the rows of a fixture. Everything is proto JSON. */
export interface Expectation {
  readonly agents: readonly Json[];
  readonly executions: readonly Json[];
  readonly starts: readonly ExpectedReply[];
  readonly ends: readonly ExpectedReply[];
  readonly open: readonly OpenExecution[];
  /** Calls whose executions were purged. */
  readonly purged: readonly CallNames[];
}

/** Reads all agents, each by itself. */
export async function readAgents(rpc: Rpc): Promise<readonly Json[]> {
  const { agents = [] } = await callWithJson<{ agents?: { agentUuid: string }[] }>(
    rpc,
    'AgentAdmin/ListAgents',
    {
      page_size: 100,
    },
  );
  const found = agents.map(async ({ agentUuid }) => {
    const reply = await callWithJson<{ agent: Json }>(rpc, 'AgentAdmin/GetAgent', { agent_uuid: agentUuid });
    return reply.agent;
  });
  return Promise.all(found);
}

/** Lists all executions of a conversation, each as `GetExecution` shows it. */
export async function readExecutions(rpc: Rpc, { conversation_uuid }: CallNames): Promise<readonly Json[]> {
  const { executions = [] } = await callWithJson<{ executions?: { executionUuid: string }[] }>(
    rpc,
    'ExecutionLog/ListExecutions',
    { conversation_uuid },
  );
  const found = executions.map(async ({ executionUuid }) => {
    const reply = await callWithJson<{ execution: Json }>(rpc, 'ExecutionLog/GetExecution', {
      execution_uuid: executionUuid,
    });
    return reply.execution;
  });
  return Promise.all(found);
}

/** Repeats a recorded call. Throws when the reply does not come from the record. */
export async function repeatCall(
  rpc: Rpc,
  method: 'OnCallStart' | 'OnCallEnd',
  call: CallNames,
): Promise<Json> {
  const { replayed, ...reply } = await callWithJson<Json>(rpc, `CallLifecycle/${method}`, call);
  if (replayed !== true) throw new Error(`${method} of ${call.conversation_uuid} ran the webhook again`);
  return reply;
}

/** Returns the reason for which a call is refused, or undefined when it is not. */
export async function refusalOf(rpc: Rpc, method: string, call: CallNames): Promise<string | undefined> {
  try {
    await callWithJson(rpc, `CallLifecycle/${method}`, call);
    return undefined;
  } catch (error) {
    if (error instanceof RpcError) return error.reason;
    throw error;
  }
}

/**
 * Returns the paths at which `actual` differs from `expected`. What `actual` has besides is no difference, because a newer
 * release may show more.
 */
export function differences(expected: unknown, actual: unknown, path = ''): readonly string[] {
  if (Array.isArray(expected) && Array.isArray(actual) && expected.length === actual.length)
    return expected.flatMap((item, at) => differences(item, actual[at], `${path}[${at}]`));
  if (isObject(expected) && isObject(actual))
    return Object.entries(expected).flatMap(([name, value]) =>
      differences(value, actual[name], `${path}.${name}`),
    );
  if (JSON.stringify(expected) === JSON.stringify(actual)) return [];
  return [`${path}: ${JSON.stringify(expected)} became ${JSON.stringify(actual)}`];
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
