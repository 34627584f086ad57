import { callWithJson } from '../proto-json.ts';
import type { FreshDatabase } from '../engines.ts';
import type { Rpc } from '../rpc.ts';
import { until } from '../until.ts';
import { AGENT, AGENTS, agentUuid, FAILING } from './agents.ts';
import { ENDPOINT } from './endpoint.ts';
import {
  readAgents,
  readExecutions,
  refusalOf,
  repeatCall,
  type CallNames,
  type Expectation,
  type OpenExecution,
} from './expectation.ts';
import { FIXTURE_KEYS, fixtureEnv, serveFixture, type FixtureServer } from './server.ts';
import { changeDirectly } from './sql-text.ts';

interface Execution {
  readonly executionUuid: string;
  readonly state: string;
  readonly failure?: { readonly code: string; readonly sent: string };
}

/** Where the story is played. */
interface Stage {
  readonly database: FreshDatabase;
  /** A name server that knows `inside.example` (a private address) and no other name. */
  readonly dnsServer: string;
}

/** Returns the names of a call of an agent. Each call has a number of its own. */
function callOf(agent: number, number: number): CallNames {
  const conversation = `c0000000-0000-4000-8000-${String(number).padStart(12, '0')}`;
  return { agent_uuid: agentUuid(agent), conversation_uuid: conversation };
}

const DETAILS = {
  caller_phone: '+421900123456',
  metadata: { source: 'fixture', list: [1, null, { a: 'ž' }] },
};
const END_DETAILS = {
  ...DETAILS,
  call_duration: '142.500s',
  call_summary: 'She asked for "gold" – and got it.',
};

/** The call whose post-call is being sent when its server is killed. */
const KILLED = callOf(AGENT.plain, 52);

async function start(rpc: Rpc, call: CallNames, expected: string): Promise<void> {
  const reply = await callWithJson<{ execution?: Execution }>(rpc, 'CallLifecycle/OnCallStart', {
    ...call,
    ...DETAILS,
  });
  expectOutcome(call, expected, reply.execution);
}

async function end(rpc: Rpc, call: CallNames): Promise<void> {
  await callWithJson(rpc, 'CallLifecycle/OnCallEnd', { ...call, ...END_DETAILS });
}

async function untilPostCall(rpc: Rpc, call: CallNames, expected: string): Promise<void> {
  const isThere = async (): Promise<boolean> => {
    const executions = (await readExecutions(rpc, call)) as readonly { webhookType: string }[];
    const found = executions.find(({ webhookType }) => webhookType === 'WEBHOOK_TYPE_POST_CALL');
    return outcomeOf(found as unknown as Execution) === expected;
  };
  await until(`the post-call of ${call.conversation_uuid} to be ${expected}`, isThere, { timeoutMs: 60_000 });
}

function outcomeOf(execution: Execution | undefined): string {
  const { state = 'NONE', failure } = execution ?? {};
  const words = [state, failure?.code, failure?.sent].filter((word) => word !== undefined);
  return words.map((word) => word.replace(/^(?:EXECUTION_STATE|FAILURE_CODE|SENT)_/, '')).join(' ');
}

function expectOutcome(call: CallNames, expected: string, execution: Execution | undefined): void {
  const outcome = outcomeOf(execution);
  if (outcome !== expected) throw new Error(`${call.conversation_uuid} is ${outcome} and not ${expected}`);
}

const ONE_SLOT = { CALLHOOKS_MAX_POST_CALLS_PER_ORIGIN: '1', CALLHOOKS_MAX_PRE_CALLS_PER_ORIGIN: '1' };

/**
 * Fills a database with rows of every kind, by real servers that are driven over gRPC, and returns what is expected of
 * them. The last server is killed while some executions are pending and sending. Only the age of a purged and of an expired
 * execution is set past the servers.
 */
export async function playStory({ database, dnsServer }: Stage): Promise<Expectation> {
  const env = (more: Readonly<Record<string, string>> = {}) =>
    fixtureEnv(database, { CALLHOOKS_DNS_SERVERS: dnsServer, CALLHOOKS_MIGRATE: 'true', ...more });
  const calls: { starts: CallNames[]; ends: CallNames[] } = { starts: [], ends: [] };

  let server = await serveFixture(env({ ...ONE_SLOT, CALLHOOKS_ENCRYPTION_KEYS: FIXTURE_KEYS.first }));
  for (const agent of AGENTS) await callWithJson(server.rpc, 'AgentAdmin/CreateAgent', agent);
  await playFinished(server.rpc, calls);
  await playOverloaded(server.rpc, calls);
  await server.stop();

  // The second key encrypts what is saved from now on.
  server = await serveFixture(env(ONE_SLOT));
  await callWithJson(server.rpc, 'AgentAdmin/UpdateAgent', {
    agent: { agent_uuid: agentUuid(AGENT.oauth) },
    secrets: { CLIENT: 'client-secret', UNUSED: 'new key' },
  });
  await callWithJson(server.rpc, 'AgentAdmin/DeleteAgent', { agent_uuid: agentUuid(AGENT.deleted) });
  await playShutdown(server, calls);

  server = await serveFixture(env(ONE_SLOT));
  await playKilled(server);

  server = await serveFixture(env(ONE_SLOT));
  await playRemoved(server.rpc, calls);
  await server.stop();

  server = await serveFixture(env({ ...ONE_SLOT, CALLHOOKS_START_BY: '1s' }));
  await playExpired(server.rpc, calls);
  await server.stop();

  const purged = [callOf(AGENT.object, 90), callOf(AGENT.plain, 91)];
  await changeDirectly(
    database,
    `UPDATE executions SET accepted_at = accepted_at - 3456000000, state_at = state_at - 3456000000 ` +
      `WHERE conversation_uuid IN (${purged.map((it) => `X'${it.conversation_uuid.replaceAll('-', '')}'`).join(', ')})`,
  );
  server = await serveFixture(env({ ...ONE_SLOT, CALLHOOKS_RETENTION_DAYS: '30' }));
  for (const call of purged)
    await until(
      'the purge',
      async () => (await refusalOf(server.rpc, 'OnCallStart', call)) === 'CONVERSATION_PURGED',
      { timeoutMs: 120_000, everyMs: 1_000 },
    );
  const expectation = await readFinished(server.rpc, calls);
  const open = await playOpen(server);
  return { ...expectation, open, purged };
}

async function playFinished(rpc: Rpc, calls: { starts: CallNames[]; ends: CallNames[] }): Promise<void> {
  const succeeding = [
    AGENT.everything,
    AGENT.object,
    AGENT.redirected,
    AGENT.oauth,
    AGENT.deleted,
    AGENT.plain,
  ];
  for (const [at, agent] of succeeding.entries()) {
    const call = callOf(agent, 1 + at);
    await start(rpc, call, 'SUCCEEDED');
    calls.starts.push(call);
  }
  // What a start without a webhook contributes is stored where a post-call may need it.
  const contributing = callOf(AGENT.postOnly, 15);
  await start(rpc, contributing, 'NONE');
  calls.starts.push(contributing);
  for (const agent of [AGENT.without, AGENT.disabled]) await start(rpc, callOf(agent, 10 + agent), 'NONE');
  for (const [agent, number] of [
    [AGENT.object, 90],
    [AGENT.plain, 91],
  ] as const)
    await callWithJson(rpc, 'CallLifecycle/OnCallStart', { ...callOf(agent, number), ...DETAILS });
  for (const [at, { failure }] of FAILING.entries()) {
    const call = callOf(AGENT.failing + at, 20 + at);
    await start(rpc, call, `FAILED ${failure}`);
    calls.starts.push(call);
  }
  const ends = [
    [callOf(AGENT.everything, 1), 'SUCCEEDED'],
    [callOf(AGENT.object, 2), 'SUCCEEDED'],
    [callOf(AGENT.redirected, 3), 'FAILED HTTP_STATUS YES'],
    [callOf(AGENT.deleted, 5), 'SUCCEEDED'],
    [contributing, 'SUCCEEDED'],
    // An end without a start.
    [callOf(AGENT.object, 9), 'SUCCEEDED'],
  ] as const;
  for (const [call, expected] of ends) {
    await end(rpc, call);
    await untilPostCall(rpc, call, expected);
    calls.ends.push(call);
  }
}

async function playOverloaded(rpc: Rpc, calls: { starts: CallNames[] }): Promise<void> {
  const slow = callOf(AGENT.failing, 40);
  const refused = callOf(AGENT.everything, 41);
  const running = start(rpc, slow, 'FAILED TIMEOUT MAYBE');
  await untilSending(rpc, slow);
  await start(rpc, refused, 'FAILED OVERLOADED NO');
  await running;
  calls.starts.push(slow, refused);
}

async function untilSending(rpc: Rpc, call: CallNames): Promise<void> {
  const isSending = async (): Promise<boolean> => {
    const executions = (await readExecutions(rpc, call)) as unknown as readonly Execution[];
    return executions.some(({ state }) => state === 'EXECUTION_STATE_SENDING');
  };
  await until(`${call.conversation_uuid} to be sending`, isSending, { everyMs: 5 });
}

async function playShutdown(server: FixtureServer, calls: { starts: CallNames[] }): Promise<void> {
  const call = callOf(AGENT.held, 50);
  const running = start(server.rpc, call, 'INTERRUPTED SHUTDOWN MAYBE');
  await untilSending(server.rpc, call);
  server.process.kill('SIGTERM');
  await server.process.logged(({ msg }) => String(msg).startsWith('stopping:'));
  server.process.kill('SIGTERM');
  await running;
  await server.process.ended();
  server.rpc.close();
  calls.starts.push(call);
}

async function playKilled({ rpc, process }: FixtureServer): Promise<void> {
  await end(rpc, KILLED);
  await untilSending(rpc, KILLED);
  process.kill('SIGKILL');
  await process.ended();
  rpc.close();
}

async function playRemoved(rpc: Rpc, calls: { ends: CallNames[] }): Promise<void> {
  await untilPostCall(rpc, KILLED, 'INTERRUPTED INTERRUPTED MAYBE');
  const removed = callOf(AGENT.oauth, 61);
  const { webhook } = await callWithJson<{ webhook: { webhookUuid: string; etag: string } }>(
    rpc,
    'WebhookAdmin/CreateWebhook',
    {
      agent_uuid: removed.agent_uuid,
      webhook_type: 'WEBHOOK_TYPE_POST_CALL',
      webhook_config: { api_schema: { url: `${ENDPOINT}/customer`, method: 'PUT' } },
    },
  );
  const sending = await takeTheSlot(rpc, 60);
  await end(rpc, removed);
  await callWithJson(rpc, 'WebhookAdmin/DeleteWebhook', {
    ...{ webhook_uuid: webhook.webhookUuid, agent_uuid: removed.agent_uuid, etag: webhook.etag },
  });
  await untilPostCall(rpc, sending, 'FAILED TIMEOUT MAYBE');
  await untilPostCall(rpc, removed, 'FAILED WEBHOOK_REMOVED NO');
  calls.ends.push(KILLED, sending, removed);
}

async function playExpired(rpc: Rpc, calls: { ends: CallNames[] }): Promise<void> {
  const sending = await takeTheSlot(rpc, 62);
  const expired = callOf(AGENT.plain, 63);
  await end(rpc, expired);
  await untilPostCall(rpc, sending, 'FAILED TIMEOUT MAYBE');
  await untilPostCall(rpc, expired, 'FAILED EXPIRED NO');
  calls.ends.push(sending, expired);
}

/** Lets a post-call take the only request slot of the endpoint for 2 s. */
async function takeTheSlot(rpc: Rpc, number: number): Promise<CallNames> {
  const call = callOf(AGENT.plain, number);
  await end(rpc, call);
  await untilSending(rpc, call);
  return call;
}

async function readFinished(
  rpc: Rpc,
  calls: { readonly starts: readonly CallNames[]; readonly ends: readonly CallNames[] },
): Promise<Pick<Expectation, 'agents' | 'executions' | 'starts' | 'ends'>> {
  const executions = [];
  const all = [...calls.starts, ...calls.ends];
  const conversations = new Map(all.map((call) => [call.conversation_uuid, call]));
  for (const call of conversations.values()) executions.push(...(await readExecutions(rpc, call)));
  const repeat = async (method: 'OnCallStart' | 'OnCallEnd', from: readonly CallNames[]) => {
    const replies = [];
    for (const call of from) replies.push({ call, reply: await repeatCall(rpc, method, call) });
    return replies;
  };
  return {
    agents: await readAgents(rpc),
    executions,
    starts: await repeat('OnCallStart', calls.starts),
    ends: await repeat('OnCallEnd', calls.ends),
  };
}

/** Leaves a pre-call and a post-call that are sending, and two post-calls that are pending, and kills the server. */
async function playOpen({ rpc, process }: FixtureServer): Promise<readonly OpenExecution[]> {
  const starting = callOf(AGENT.held, 70);
  const ends = [71, 72, 73].map((number) => callOf(AGENT.held, number));
  void start(rpc, starting, 'SUCCEEDED').catch(() => undefined);
  await untilSending(rpc, starting);
  await end(rpc, ends[0] as CallNames);
  await untilSending(rpc, ends[0] as CallNames);
  for (const call of ends.slice(1)) await end(rpc, call);
  const open = [];
  for (const call of [starting, ...ends]) {
    const [{ executionUuid, state } = { executionUuid: '', state: '' }] = (await readExecutions(
      rpc,
      call,
    )) as unknown as readonly Execution[];
    open.push({ call, executionUuid, state });
  }
  process.kill('SIGKILL');
  await process.ended();
  rpc.close();
  return open;
}
