import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { startTestApp, type TestApp } from '../support/app.ts';
import { describeEachEngine } from '../support/engines.ts';
import { callWithJson } from '../support/proto-json.ts';
import { errorOf } from '../support/rpc.ts';
import { startScriptedEndpoint, type ScriptedEndpoint } from '../support/scripted-endpoint.ts';

/** Is one pre-call webhook of the field: how it is configured, what its endpoint answers, and what comes out. */
interface FieldCase {
  readonly name: string;
  readonly declare: Readonly<Record<string, unknown>>;
  readonly secrets?: Readonly<Record<string, string>>;
  readonly assignments: readonly object[];
  /** Is laid over `api_schema`. A member that is null is left out of it. */
  readonly api?: Readonly<Record<string, unknown>>;
  /** Is laid over `webhook_config`. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** Holds the bytes of the response as Latin-1; a list has one response for each connection. */
  readonly response?: string | readonly string[];
  readonly expect?: Readonly<Record<string, unknown>>;
  readonly expect_failure?: string;
  readonly expect_message?: string;
  readonly expect_invalid?: string;
  /** Is true, or the reason of the rejection. */
  readonly expect_rejected?: true | string;
  readonly expect_requests?: readonly string[];
  readonly expect_header?: Readonly<Record<string, string>>;
  readonly expect_body?: string;
}

interface StartReply {
  readonly decision?: string;
  readonly rejected?: boolean;
  readonly rejectReason?: string;
  readonly dynamicVariables?: object;
  readonly execution?: {
    readonly state?: string;
    readonly failure?: { readonly code?: string; readonly message?: string };
  };
}

const CASES = JSON.parse(
  readFileSync(new URL('../vectors/field.json', import.meta.url), 'utf8'),
) as readonly FieldCase[];

describeEachEngine('OnCallStart, by field.json', (engine) => {
  let app: TestApp;
  before(async () => {
    app = await startTestApp(engine, { CALLHOOKS_EGRESS_ALLOW: '127.0.0.0/8' });
  });
  after(() => app.close());

  for (const vector of CASES) it(vector.name, () => play(app, vector));
});

async function play(app: TestApp, vector: FieldCase): Promise<void> {
  const { response = OK_EMPTY } = vector;
  const responses = typeof response === 'string' ? [response] : response;
  const endpoint = await startScriptedEndpoint((connection) => responses[connection]);
  try {
    const create = callWithJson(app.rpc, 'AgentAdmin/CreateAgent', createRequest(vector, endpoint));
    if (vector.expect_invalid !== undefined) return await expectInvalid(create, vector.expect_invalid);
    const { agent } = (await create) as { readonly agent: { readonly agentUuid: string } };
    const call = { agent_uuid: agent.agentUuid, conversation_uuid: randomUUID() };
    expectReply(await callWithJson<StartReply>(app.rpc, 'CallLifecycle/OnCallStart', call), vector);
    expectRequests(endpoint, vector);
  } finally {
    await endpoint.close();
  }
}

const OK_EMPTY = 'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}';

function createRequest(
  { declare, secrets = {}, assignments, api, config }: FieldCase,
  endpoint: ScriptedEndpoint,
) {
  const schema = { url: 'http://127.0.0.1:PORT/x', method: 'POST', request_body: { a: 1 }, ...api };
  const url = schema.url.replace('127.0.0.1:PORT', endpoint.address);
  const webhookConfig = {
    api_schema: withoutNulls({ ...schema, url }),
    assignments,
    response_timeout_secs: 3,
    ...config,
  };
  const webhook = { webhook_type: 'WEBHOOK_TYPE_PRE_CALL', webhook_config: withoutNulls(webhookConfig) };
  return { agent: { dynamic_variables: declare, webhooks: [webhook] }, secrets };
}

function withoutNulls(object: object): object {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== null));
}

async function expectInvalid(create: Promise<unknown>, part: string): Promise<void> {
  const { reason, violations } = await errorOf(create);
  expect(reason).to.equal('VALIDATION_FAILED');
  expect(violations.map(({ field, description }) => `${field}: ${description}`).join('\n')).to.include(part);
}

function expectReply(reply: StartReply, vector: FieldCase): void {
  const { decision, rejected = false, rejectReason = '', dynamicVariables, execution } = reply;
  const { expect_failure: failure, expect_message: message, expect_rejected: rejection } = vector;
  const code = execution?.failure?.code?.replace('FAILURE_CODE_', '');
  expect(code, execution?.failure?.message).to.equal(failure);
  expect(execution?.state).to.equal(`EXECUTION_STATE_${failure === undefined ? 'SUCCEEDED' : 'FAILED'}`);
  expect(decision).to.equal(`CALL_DECISION_${rejection === undefined ? 'PROCEED' : 'BLOCK'}`);
  expect(rejected).to.equal(rejection !== undefined);
  expect(rejectReason).to.equal(typeof rejection === 'string' ? rejection : '');
  if (message !== undefined) expect(execution?.failure?.message).to.include(message);
  if (vector.expect !== undefined) expect(dynamicVariables).to.deep.equal(vector.expect);
}

function expectRequests(endpoint: ScriptedEndpoint, vector: FieldCase): void {
  const requests = endpoint.requests();
  const { expect_requests: lines, expect_header: headers, expect_body: body } = vector;
  if (lines !== undefined) expect(requests.map(({ line }) => line)).to.deep.equal(lines);
  if (headers !== undefined) expect(requests[0]?.headers).to.include(headers);
  if (body !== undefined) expect(requests[0]?.body).to.equal(body);
}
