import { createHmac, randomBytes, randomUUID } from 'node:crypto';
import { expect } from 'chai';
import {
  WebhookType,
  type Execution,
  type OnCallStartResponse,
  type TestWebhookResponse,
} from '../../src/gen/index.callhooks.v1.ts';
import type { RpcOptions } from '../support/rpc.ts';
import { startBuiltServer, type BuiltServer } from './built-server.ts';
import { startHttpbin, type Httpbin } from './httpbin.ts';
import { describeWith } from './tools.ts';

const MASK = '••••••';
const TOKEN = 'a-token-that-nobody-reads-back';
const SIGNING_KEY = randomBytes(32);
const SECRETS = { TOKEN, SIGNING: `whsec_${SIGNING_KEY.toString('base64')}` };
const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';

/** A request as go-httpbin's /anything returns it. */
interface Anything {
  readonly headers: Readonly<Record<string, readonly string[]>>;
  readonly args: Readonly<Record<string, readonly string[]>>;
  readonly data: string;
  readonly json: unknown;
}

interface Schema {
  readonly path?: string;
  readonly method?: string;
  readonly requestHeaders?: Readonly<Record<string, string>>;
  readonly requestBody?: unknown;
  readonly signingSecretNames?: readonly string[];
}

describeWith(['go-httpbin'], 'A request, as go-httpbin sees it,', function () {
  this.timeout(30_000);
  const open: (() => Promise<void>)[] = [];
  let server: BuiltServer;
  let httpbin: Httpbin;

  before(async () => {
    httpbin = await startHttpbin();
    open.push(httpbin.stop);
    server = await startBuiltServer();
    open.push(server.stop);
  });
  after(async () => {
    for (const close of open.toReversed()) await close();
  });

  const createAgent = async (schema: Schema) => {
    const {
      path = '/anything',
      method = 'POST',
      requestHeaders = {},
      requestBody,
      signingSecretNames = [],
    } = schema;
    const webhookConfig = {
      apiSchema: { url: `${httpbin.url}${path}`, method, requestHeaders, requestBody },
      // The whole answer is assigned to variables, which is how the test sees what has arrived.
      assignments: ['headers', 'args', 'data', 'json'].map((name) => ({
        attributeName: name,
        dynamicVariable: `seen_${name}`,
      })),
      signingSecretNames,
    };
    const dynamicVariables = { seen_headers: null, seen_args: null, seen_data: null, seen_json: null };
    const webhooks = [{ webhookType: WebhookType.WEBHOOK_TYPE_PRE_CALL, webhookConfig }];
    const reply = await server.rpc.agents.createAgent({
      agent: { dynamicVariables, webhooks },
      secrets: SECRETS,
    });
    return reply.agent;
  };
  const send = async (schema: Schema, options: RpcOptions = {}) => {
    const agent = await createAgent(schema);
    const call = { agentUuid: agent?.agentUuid ?? '', conversationUuid: randomUUID(), callerPhone: '+4930' };
    const reply = await server.rpc.calls.onCallStart(call, options);
    expect(reply.execution?.failure).to.equal(undefined);
    const executionUuid = reply.execution?.executionUuid ?? '';
    const { execution } = await server.rpc.executions.getExecution({ executionUuid });
    return { saw: sawIn(reply), executionUuid, execution: execution as Execution };
  };

  it('has these headers and no others', async () => {
    const { saw, executionUuid } = await send({ requestBody: { phone: '{{caller_phone}}' } });
    const { 'User-Agent': userAgent, ...others } = saw.headers;
    expect(userAgent?.[0]).to.match(/^callhooks\/\d+\.\d+\.\d+$/);
    expect(others).to.deep.equal({
      Accept: ['application/json, */*;q=0.5'],
      'Accept-Encoding': ['identity'],
      Baggage: [`callhooks.execution=${executionUuid}`],
      'Callhooks-Execution': [executionUuid],
      Connection: ['keep-alive'],
      'Content-Length': ['17'],
      'Content-Type': ['application/json'],
      Host: [httpbin.url.slice('http://'.length)],
      'Idempotency-Key': [executionUuid],
    });
    expect(saw.data).to.equal('{"phone":"+4930"}');
  });

  it('has no body and no content type without a request_body', async () => {
    const { saw } = await send({ method: 'GET' });
    expect(saw.headers).to.not.have.any.keys('Content-Type', 'Transfer-Encoding');
    expect(saw.data).to.equal('');
  });

  it("has the webhook's own user agent and idempotency key", async () => {
    const requestHeaders = { 'User-Agent': 'front-desk/1', 'idempotency-KEY': '{{conversation_uuid}}' };
    const { saw, execution } = await send({ requestHeaders });
    expect(saw.headers['User-Agent']).to.deep.equal(['front-desk/1']);
    expect(saw.headers['Idempotency-Key']).to.deep.equal([execution.conversationUuid]);
  });

  it("continues the caller's trace, without its baggage and its trace state", async () => {
    const headers = {
      traceparent: `00-${TRACE}-00f067aa0ba902b7-01`,
      tracestate: 'a=b',
      baggage: 'user=ada',
    };
    const { saw, executionUuid } = await send({}, { headers });
    const [traceparent = ''] = saw.headers['Traceparent'] ?? [];
    expect(traceparent).to.match(new RegExp(`^00-${TRACE}-[0-9a-f]{16}-01$`));
    expect(traceparent).to.not.include('00f067aa0ba902b7');
    expect(saw.headers['Baggage']).to.deep.equal([`callhooks.execution=${executionUuid}`]);
    expect(saw.headers).to.not.have.property('Tracestate');
  });

  it('has the secrets, which are masked in the record', async () => {
    const { saw, execution } = await send({
      path: '/anything?api_key={{secret.TOKEN}}&plain={{secret.TOKEN}}',
      requestHeaders: {
        Authorization: 'Bearer {{secret.TOKEN}}',
        'X-Plain': 'v={{secret.TOKEN}}',
        'X-Api-Key': 'literal-key',
      },
      requestBody: { token: '{{secret.TOKEN}}', text: 'as "{{secret.TOKEN}}"' },
    });
    expect(saw.headers).to.deep.include({
      Authorization: [`Bearer ${TOKEN}`],
      'X-Plain': [`v=${TOKEN}`],
      'X-Api-Key': ['literal-key'],
    });
    expect(saw.args).to.deep.equal({ api_key: [TOKEN], plain: [TOKEN] });
    expect(saw.json).to.deep.equal({ token: TOKEN, text: `as "${TOKEN}"` });
    const { request, response } = execution;
    const recorded = JSON.stringify([request, response], (_, value: unknown) =>
      typeof value === 'bigint' ? String(value) : value,
    );
    expect(recorded).to.not.include(TOKEN).and.not.include('literal-key');
    expect(request?.body).to.equal(`{"token":"${MASK}","text":"as \\"${MASK}\\""}`);
    expect(response?.body).to.include(MASK);
  });

  it('is signed as Standard Webhooks says', async () => {
    const { saw, executionUuid } = await send({ requestBody: { a: 'ü' }, signingSecretNames: ['SIGNING'] });
    const [id] = saw.headers['Webhook-Id'] ?? [];
    const [timestamp] = saw.headers['Webhook-Timestamp'] ?? [];
    expect(id).to.equal(executionUuid);
    expect(Math.abs(Number(timestamp) - Date.now() / 1000)).to.be.lessThan(60);
    const content = `${executionUuid}.${timestamp}.${saw.data}`;
    const signature = createHmac('sha256', SIGNING_KEY).update(content).digest('base64');
    expect(saw.headers['Webhook-Signature']).to.deep.equal([`v1,${signature}`]);
  });

  it('has the header Callhooks-Test when TestWebhook sends it', async () => {
    const webhookUuid = (await createAgent({}))?.webhooks[0]?.webhookUuid ?? '';
    const reply: TestWebhookResponse = await server.rpc.webhooks.testWebhook({ webhookUuid, send: true });
    const seen = reply.assignedVariables?.['seen_headers'] as Anything['headers'];
    expect(seen['Callhooks-Test']).to.deep.equal(['true']);
  });
});

function sawIn({ dynamicVariables = {} }: OnCallStartResponse): Anything {
  return {
    headers: dynamicVariables['seen_headers'] as Anything['headers'],
    args: dynamicVariables['seen_args'] as Anything['args'],
    data: dynamicVariables['seen_data'] as string,
    json: dynamicVariables['seen_json'],
  };
}
