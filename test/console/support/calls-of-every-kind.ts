import { join } from 'node:path';
import SqliteDatabase from 'better-sqlite3';
import type * as pb from '../../../src/gen/index.callhooks.v1.ts';
import { failureCodes } from '../../../src/store/sql/column-values.ts';
import { makeAgent, newCall, postTo, untilFinished, type CallAgent } from '../../support/calls.ts';
import { outcomeOf } from '../../support/execution-words.ts';
import type { Receiver } from '../../support/receiver.ts';
import type { Partially } from '../../support/rpc.ts';
import { until } from '../../support/until.ts';
import { ASSIGNMENTS, END_ROWS, SECRET, START_ROWS, VARIABLES, type CallRow } from './call-rows.ts';
import type { ConsoleServer } from './console-server.ts';

/** Is a call of the scene, by the ids that pages show. */
export interface SceneCall {
  readonly agentUuid: string;
  readonly conversationUuid: string;
  readonly executionUuid: string;
  readonly webhookUuid: string;
}

/** Is what calls are made with. */
export interface Stage {
  readonly server: ConsoleServer;
  /** Answers by the rows. */
  readonly endpoint: Receiver;
  /** Is the origin of an endpoint with TLS that answers with a customer. */
  readonly secureUrl: string;
  /** Answers nothing. */
  readonly stalled: Receiver;
}

/** The settings that {@link playEveryKind} relies on: so few slots are soon taken, and waiting reports expire soon. */
export const SETTINGS = {
  CALLHOOKS_MAX_PRE_CALLS_PER_ORIGIN: '1',
  CALLHOOKS_MAX_POST_CALLS_PER_ORIGIN: '1',
  CALLHOOKS_RECORD_BODY_BYTES: '64KiB',
  CALLHOOKS_SHUTDOWN_GRACE: '1s',
  CALLHOOKS_START_BY: '3s',
};

/** Makes one call of each kind, and returns them by name. Throws unless each of them ended as it should. */
export async function playEveryKind(stage: Stage): Promise<ReadonlyMap<string, SceneCall>> {
  const calls = new Map<string, SceneCall>();
  const expected = new Map<string, string>();
  const add = (name: string, outcome: string, call: SceneCall) => {
    calls.set(name, call);
    expected.set(name, outcome);
  };
  // One after the other, because there is one slot.
  for (const row of START_ROWS) add(row.name, row.outcome, await playRow(stage, row, 'pre'));
  for (const row of END_ROWS) add(row.name, row.outcome, await playRow(stage, row, 'post'));
  const internal = await playRow(stage, { ...(START_ROWS[0] as CallRow), name: 'INTERNAL' }, 'pre');
  pretendInternalFailure(stage, internal);
  add('INTERNAL', 'FAILED INTERNAL YES', internal);

  const [running, waiting] = await holdReports(stage);
  const removed = await endCall(stage, await makeStalledAgent(stage, 'post'), { isRemoved: true });
  add('WEBHOOK_REMOVED', 'FAILED WEBHOOK_REMOVED NO', removed);
  await untilFinished(stage.server.rpc, waiting.executionUuid);
  add('EXPIRED', 'FAILED EXPIRED NO', waiting);

  const agent = await makeStalledAgent(stage, 'pre');
  const cut = await beginStalledStart(stage, agent);
  add('OVERLOADED', 'FAILED OVERLOADED NO', await startCall(stage, agent));
  stage.server.process.kill('SIGKILL');
  await stage.server.restart();
  add('INTERRUPTED', 'INTERRUPTED INTERRUPTED MAYBE', cut);
  add('interrupted report', 'INTERRUPTED INTERRUPTED MAYBE', running);

  add('SHUTDOWN', 'INTERRUPTED SHUTDOWN MAYBE', await beginStalledStart(stage, agent));
  stage.server.process.kill('SIGTERM');
  await stage.server.restart({ CALLHOOKS_START_BY: '24h' });
  for (const [name, call] of calls) {
    const outcome = outcomeOf(await untilFinished(stage.server.rpc, call.executionUuid));
    if (outcome !== expected.get(name)) throw new Error(`${name} ended as ${outcome}`);
  }
  return calls;
}

/** Reports two calls to an endpoint that does not answer for a minute. The first is being sent, and the second waits. */
export async function holdReports(stage: Stage): Promise<readonly [sending: SceneCall, accepted: SceneCall]> {
  const agent = await makeStalledAgent(stage, 'post');
  const seen = stage.stalled.requests.length;
  const sending = await endCall(stage, agent);
  await stage.stalled.waitFor(seen + 1);
  return [sending, await endCall(stage, agent)];
}

/** Makes an agent with one webhook, which `row` describes, and plays its call to its end. */
async function playRow(stage: Stage, row: CallRow, kind: 'pre' | 'post'): Promise<SceneCall> {
  stage.endpoint.respond(row.reply ?? {});
  const agent = await makeSceneAgent(stage, row.name, { [kind]: configOf(stage, row, kind) });
  if (kind === 'pre') return startCall(stage, agent);
  const call = await endCall(stage, agent);
  await untilFinished(stage.server.rpc, call.executionUuid);
  return call;
}

function configOf(stage: Stage, row: CallRow, kind: 'pre' | 'post'): Partially<pb.WebhookConfig> {
  const endpoints = { plain: stage.endpoint.url, secure: stage.secureUrl };
  const url = row.url?.(endpoints) ?? `${endpoints.plain}/lookup`;
  const headers = { authorization: 'Bearer {{secret.CRM_TOKEN}}', 'x-caller': '{{caller_phone}}' };
  const { apiSchema } = postTo(url, { caller_phone: '{{caller_phone}}', name: '{{customer_name}}' });
  return {
    responseTimeoutSecs: 2,
    ...(kind === 'pre' ? { assignments: ASSIGNMENTS } : {}),
    ...row.config,
    apiSchema: { ...apiSchema, requestHeaders: headers, ...row.schema?.(endpoints) },
  };
}

async function makeSceneAgent(
  { server }: Stage,
  name: string,
  webhooks: Parameters<typeof makeAgent>[1],
): Promise<CallAgent> {
  const agent = await makeAgent(server.rpc, {
    variables: VARIABLES,
    secrets: { CRM_TOKEN: SECRET },
    ...webhooks,
  });
  await server.rpc.agents.updateAgent({
    agent: { agentUuid: agent.agentUuid, displayName: `Front desk (${name})` },
    updateMask: ['display_name'],
  });
  return agent;
}

function makeStalledAgent(stage: Stage, kind: 'pre' | 'post'): Promise<CallAgent> {
  const config = postTo(
    `${stage.stalled.url}/slow`,
    { name: '{{customer_name}}' },
    { responseTimeoutSecs: 60 },
  );
  return makeSceneAgent(stage, 'slow', { [kind]: config });
}

const DETAILS = {
  callerPhone: '+14155550123',
  dynamicVariables: { phone: '+14155550123' },
  metadata: { campaign: 'spring' },
};

async function startCall({ server }: Stage, agent: CallAgent): Promise<SceneCall> {
  const call = newCall(agent);
  const { execution } = await server.rpc.calls.onCallStart({ ...call, ...DETAILS });
  return {
    ...call,
    executionUuid: execution?.executionUuid ?? '',
    webhookUuid: execution?.webhookUuid ?? '',
  };
}

async function endCall({ server }: Stage, agent: CallAgent, { isRemoved = false } = {}): Promise<SceneCall> {
  const call = newCall(agent);
  const summary = {
    callDuration: { seconds: 142n, nanos: 500_000_000 },
    callSummary: 'She asked for an offer.',
  };
  const { execution } = await server.rpc.calls.onCallEnd({ ...call, ...DETAILS, ...summary });
  if (isRemoved) await server.rpc.webhooks.deleteWebhook({ webhookUuid: agent.post?.webhookUuid ?? '' });
  return {
    ...call,
    executionUuid: execution?.executionUuid ?? '',
    webhookUuid: execution?.webhookUuid ?? '',
  };
}

/** Begins a start whose endpoint does not answer. The server has to end before the reply comes. */
async function beginStalledStart({ server, stalled }: Stage, agent: CallAgent): Promise<SceneCall> {
  const call = newCall(agent);
  const seen = stalled.requests.length;
  server.rpc.calls.onCallStart({ ...call, ...DETAILS }).catch(() => undefined);
  await stalled.waitFor(seen + 1);
  const { conversationUuid } = call;
  const execution = await until('the execution', async () => {
    const { executions } = await server.rpc.executions.listExecutions({ conversationUuid });
    return executions[0];
  });
  return { ...call, executionUuid: execution.executionUuid, webhookUuid: execution.webhookUuid };
}

/** Rewrites a record, because only a bug makes one of this kind. */
function pretendInternalFailure({ server }: Stage, { executionUuid }: SceneCall): void {
  const database = new SqliteDatabase(join(server.database.dataDir, 'callhooks.db'), { timeout: 5_000 });
  const like = Buffer.from(executionUuid.replaceAll('-', ''), 'hex');
  const failed = database
    .prepare('SELECT * FROM executions WHERE failure_code = ?')
    .get(failureCodes.toNumber('HTTP_STATUS')) as Record<string, unknown>;
  database
    .prepare('UPDATE executions SET state = ?, failure_code = ?, failure_sent = ? WHERE execution_uuid = ?')
    .run(failed['state'], failureCodes.toNumber('INTERNAL'), failed['failure_sent'], like);
  database.close();
}
