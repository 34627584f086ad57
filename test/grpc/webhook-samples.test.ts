import { randomUUID } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { expect } from 'chai';
import { startTestApp, type TestApp } from '../support/app.ts';
import { describeEachEngine } from '../support/engines.ts';
import { callWithJson } from '../support/proto-json.ts';
import type { Rpc } from '../support/rpc.ts';
import {
  startScriptedEndpoint,
  type ScriptedEndpoint,
  type ScriptedRequest,
} from '../support/scripted-endpoint.ts';
import { until } from '../support/until.ts';

/** Is a webhook for some service, with a call and all that is sent and answered in it. */
interface Sample {
  readonly about: string;
  readonly documentation: string;
  /** Is a `CreateAgentRequest`, ready to be sent. */
  readonly create_agent: SampleAgent;
  /** Holds fields of the lifecycle request. */
  readonly call: object;
  readonly exchanges: readonly Exchange[];
  /** Holds the variables of the reply of a pre-call. */
  readonly expect_variables?: object;
}

interface SampleAgent {
  readonly agent: { readonly webhooks: readonly { readonly webhook_type: string }[] };
}

interface Exchange {
  readonly request: {
    /** Is method and URL. */
    readonly line: string;
    readonly headers?: Readonly<Record<string, string>>;
    /** Is JSON, or the whole text. */
    readonly body?: unknown;
    /** Holds the fields of a form, which stands for `body`. */
    readonly form?: Readonly<Record<string, string>>;
  };
  readonly answer: {
    readonly status: number;
    readonly headers: Readonly<Record<string, string>>;
    readonly body: unknown;
  };
}

interface Execution {
  readonly executionUuid: string;
  readonly state: string;
  readonly failure?: object;
}

const FOLDERS = ['examples/webhooks', 'examples/migrating'].map(
  (name) => [name, new URL(`../../${name}/`, import.meta.url)] as const,
);
const FILES = FOLDERS.flatMap(([name, folder]) =>
  readdirSync(folder)
    .filter((file) => file.endsWith('.json'))
    .map((file) => [`${name}/${file}`, new URL(file, folder)] as const),
);

describeEachEngine('The samples of webhooks', (engine) => {
  let app: TestApp;
  let publicOnly: TestApp;
  before(async () => {
    app = await startTestApp(engine, { CALLHOOKS_EGRESS_ALLOW: '127.0.0.0/8' });
    publicOnly = await startTestApp(engine);
  });
  after(async () => {
    await app.close();
    await publicOnly.close();
  });

  for (const [file, path] of FILES) {
    const text = readFileSync(path, 'utf8');
    it(`${file} sends and assigns what it says`, () => play(app, text));
    it(`${file} is accepted as it is`, () => createAgent(publicOnly, JSON.parse(text) as Sample));
  }
});

// Each https origin of the sample becomes an endpoint of this machine.
async function play(app: TestApp, text: string): Promise<void> {
  const endpoints = new Map<string, ScriptedEndpoint>();
  const moved = (part: string): string =>
    [...endpoints].reduce((all, [origin, { address }]) => all.replaceAll(origin, `http://${address}`), part);
  const original = JSON.parse(text) as Sample;
  try {
    for (const [origin, exchanges] of Map.groupBy(original.exchanges, originOf))
      endpoints.set(origin, await startScriptedEndpoint((i) => moved(toResponse(exchanges[i]))));
    const sample = JSON.parse(moved(text)) as Sample;
    await call(app, sample, await createAgent(app, sample));
    for (const endpoint of endpoints.values()) expectRequests(sample, endpoint);
  } finally {
    for (const endpoint of endpoints.values()) await endpoint.close();
  }
}

function originOf({ request }: Exchange): string {
  return new URL(request.line.slice(request.line.indexOf(' ') + 1)).origin;
}

function toResponse(exchange: Exchange | undefined): string {
  if (exchange === undefined) return 'HTTP/1.1 500 One request too many\r\n\r\n';
  const { status, headers, body } = exchange.answer;
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const lines = Object.entries({ ...headers, connection: 'close' }).map(
    ([name, value]) => `${name}: ${value}`,
  );
  return Buffer.from([`HTTP/1.1 ${status} `, ...lines, '', text].join('\r\n')).toString('latin1');
}

async function createAgent({ rpc }: TestApp, { create_agent: request }: Sample): Promise<string> {
  const created = await callWithJson<{ agent: { agentUuid: string } }>(
    rpc,
    'AgentAdmin/CreateAgent',
    request,
  );
  return created.agent.agentUuid;
}

async function call({ rpc }: TestApp, sample: Sample, agentUuid: string): Promise<void> {
  const isPreCall = sample.create_agent.agent.webhooks[0]?.webhook_type === 'WEBHOOK_TYPE_PRE_CALL';
  const request = { agent_uuid: agentUuid, conversation_uuid: randomUUID(), ...sample.call };
  const reply = await callWithJson<{ execution: Execution; dynamicVariables: object }>(
    rpc,
    `CallLifecycle/${isPreCall ? 'OnCallStart' : 'OnCallEnd'}`,
    request,
  );
  const execution = isPreCall ? reply.execution : await untilFinished(rpc, reply.execution.executionUuid);
  expect(execution.failure).to.equal(undefined);
  expect(execution.state).to.equal('EXECUTION_STATE_SUCCEEDED');
  if (isPreCall) expect(reply.dynamicVariables).to.deep.equal(sample.expect_variables);
}

function untilFinished(rpc: Rpc, executionUuid: string): Promise<Execution> {
  return until('the post-call to be finished', async () => {
    const request = { execution_uuid: executionUuid };
    const { execution } = await callWithJson<{ execution: Execution }>(
      rpc,
      'ExecutionLog/GetExecution',
      request,
    );
    return /ACCEPTED|SENDING/.test(execution.state) ? false : execution;
  });
}

function expectRequests(sample: Sample, endpoint: ScriptedEndpoint): void {
  const base = `http://${endpoint.address}`;
  const expected = sample.exchanges.filter((it) => originOf(it) === base).map(({ request }) => request);
  const requests = endpoint.requests();
  expect(requests.map(({ line }) => line.replace(' ', ` ${base}`))).to.deep.equal(
    expected.map(({ line }) => line),
  );
  for (const [i, { headers = {}, body, form }] of expected.entries()) {
    const sent = requests[i] as ScriptedRequest;
    expect(sent.headers).to.include(headers);
    if (form !== undefined) expect(Object.fromEntries(new URLSearchParams(sent.body))).to.deep.equal(form);
    else if (typeof body === 'string') expect(sent.body).to.equal(body);
    else if (body !== undefined) expect(JSON.parse(sent.body)).to.deep.equal(body);
  }
}
