import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import {
  CallDecision,
  ExecutionState,
  FailureCode,
  MissReason,
  Sent,
  TimeLimitSource,
  WebhookType,
  type Execution,
} from '../../src/gen/index.callhooks.v1.ts';
import { untilFinished } from '../support/calls.ts';
import type { Rpc } from '../support/rpc.ts';
import { startBuiltServer, type BuiltServer } from './built-server.ts';
import type { Expected, Row } from './httpbin-row.ts';
import { ROWS } from './httpbin-rows.ts';
import { startHttpbin, type Httpbin } from './httpbin.ts';
import { describeWith } from './tools.ts';

const PHONE = '+49 30 & more';
const SECRETS = { TOKEN: 'a-secret-of-this-agent' };

describeWith(['go-httpbin'], 'A webhook against go-httpbin', function () {
  this.timeout(30_000);
  const open: (() => Promise<void>)[] = [];
  let server: BuiltServer;
  let httpbin: Httpbin;
  const marks: string[] = [];

  before(async () => {
    httpbin = await startHttpbin();
    open.push(httpbin.stop);
    server = await startBuiltServer();
    open.push(server.stop);
  });
  after(async () => {
    for (const close of open.toReversed()) await close();
  });

  for (const [group, rows] of Object.entries(ROWS)) {
    describe(group, () => {
      for (const row of rows) {
        it(row.title, async () => {
          const mark = `row=${marks.push(`row=${marks.length}`) - 1}`;
          const execution = await run(server.rpc, httpbin.url, row, mark);
          expectOutcome(execution, row);
          const handled = await httpbin.handledWith(mark);
          expect(handled.filter(({ uri }) => uri.endsWith(mark))).to.have.lengthOf(1);
        });
      }
    });
  }

  it('arrives once for each row, and nothing else arrives', async () => {
    await fetch(`${httpbin.url}/anything?last`);
    const handled = await httpbin.handledWith('?last');
    const arrived = handled.filter(({ uri }) => !/^\/hostname$|\?last$/.test(uri)).map(({ uri }) => uri);
    expect(arrived.map((uri) => /row=\d+$/.exec(uri)?.[0] ?? uri)).to.have.members(marks);
  });
});

/** Runs a call of an agent with the row's webhook, and returns the whole record of its execution. */
async function run(rpc: Rpc, url: string, row: Row, mark: string): Promise<Execution> {
  const agentUuid = await createAgent(rpc, url, row, mark);
  const call = { agentUuid, conversationUuid: randomUUID(), callerPhone: PHONE };
  if (row.type === 'post_call') {
    const { execution } = await rpc.calls.onCallEnd(call);
    return untilFinished(rpc, execution?.executionUuid);
  }
  const { deadlineMs } = row;
  const reply = await rpc.calls.onCallStart(call, deadlineMs === undefined ? {} : { deadlineMs });
  expect(reply.decision).to.equal(CallDecision.CALL_DECISION_PROCEED);
  expect(reply.degraded).to.equal(row.expect.failure !== undefined);
  return untilFinished(rpc, reply.execution?.executionUuid);
}

async function createAgent(rpc: Rpc, url: string, row: Row, mark: string): Promise<string> {
  const isPreCall = row.type !== 'post_call';
  const variables = Object.keys(row.assign ?? {});
  const webhook = {
    webhookType: isPreCall ? WebhookType.WEBHOOK_TYPE_PRE_CALL : WebhookType.WEBHOOK_TYPE_POST_CALL,
    webhookConfig: {
      apiSchema: {
        // The mark tells this request from the others in the endpoint's log.
        url: `${url}${row.path}${row.path.includes('?') ? '&' : '?'}${mark}`,
        method: row.method ?? 'POST',
        requestHeaders: row.headers ?? {},
        requestBody: row.body,
      },
      assignments: variables.map((name) => ({
        attributeName: row.assign?.[name] ?? '',
        dynamicVariable: name,
      })),
      responseTimeoutSecs: row.limitSecs ?? 10,
    },
  };
  const dynamicVariables = Object.fromEntries(variables.map((name) => [name, 'the default']));
  const agent = { dynamicVariables, webhooks: [webhook] };
  const created = await rpc.agents.createAgent({ agent, secrets: SECRETS });
  return created.agent?.agentUuid ?? '';
}

function expectOutcome(execution: Execution, { expect: wanted }: Row): void {
  const { failure, response, timings } = execution;
  const message = `${failure?.message}; ${response?.status} ${response?.body.slice(0, 200)}`;
  const code = wanted.failure && FailureCode[`FAILURE_CODE_${wanted.failure}`];
  expect(failure?.code, message).to.equal(code);
  const state = wanted.failure === undefined ? 'SUCCEEDED' : 'FAILED';
  expect(execution.state).to.equal(ExecutionState[`EXECUTION_STATE_${state}`]);
  if (wanted.sent) expect(failure?.sent).to.equal(Sent[`SENT_${upper(wanted.sent)}`]);
  if (wanted.message) expect(failure?.message).to.match(wanted.message);
  if (wanted.timeLimitSource)
    expect(execution.timeLimitSource).to.equal(
      TimeLimitSource[`TIME_LIMIT_SOURCE_${wanted.timeLimitSource}`],
    );
  if (wanted.withinMs !== undefined) {
    const { seconds = 99n, nanos = 0 } = timings?.total ?? {};
    expect(Number(seconds) * 1_000 + nanos / 1e6).to.be.lessThan(wanted.withinMs);
  }
  expectAssignments(execution, wanted);
  expectResponse(execution, wanted);
}

function expectAssignments(execution: Execution, { assigned, missed }: Expected): void {
  if (assigned) expect(execution.assignedVariables).to.deep.equal(assigned);
  if (missed) {
    const reasons = missed.map((reason) => MissReason[`MISS_REASON_${upper(reason)}`]);
    expect(execution.missedAssignments.map(({ reason }) => reason)).to.deep.equal(reasons);
  }
}

function expectResponse({ response }: Execution, wanted: Expected): void {
  const headers = Object.fromEntries((response?.headers ?? []).map(({ name, value }) => [name, value]));
  if (wanted.status !== undefined) expect(response?.status).to.equal(wanted.status);
  if (wanted.body) expect(response?.body).to.match(wanted.body);
  if (wanted.bodyBinary !== undefined) expect(response?.bodyBinary).to.equal(wanted.bodyBinary);
  if (wanted.truncated !== undefined) expect(response?.truncated).to.equal(wanted.truncated);
  for (const [name, value] of Object.entries(wanted.headers ?? {}))
    expect(headers[name], name).to.equal(value);
}

function upper<T extends string>(text: T): Uppercase<T> {
  return text.toUpperCase() as Uppercase<T>;
}
