import { expect } from 'chai';
import * as pb from '../../src/gen/index.callhooks.v1.ts';
import { VERSION } from '../../src/version.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import { makeAgent, newCall, readExecution, untilFinished } from '../support/calls.ts';
import { describeEachEngine } from '../support/engines.ts';
import { outcomeOf } from '../support/execution-words.ts';
import { startReceiver, type Receiver, type Respond } from '../support/receiver.ts';
import { errorOf, type Partially } from '../support/rpc.ts';

const SECRETS = {
  HOOK: 'T0/B0/path-secret',
  KEY: 'Header-Secret-1',
  SIGN: `whsec_${Buffer.alloc(24, 3).toString('base64')}`,
};
const STATE = pb.ExecutionState;

describeEachEngine('A webhook that follows redirects', (engine) => {
  let app: TestApp;
  let first: Receiver;
  let other: Receiver;
  before(async () => {
    const env = { CALLHOOKS_EGRESS_ALLOW: '127.0.0.0/8', CALLHOOKS_MAX_PRE_CALLS_PER_ORIGIN: '1' };
    const resolve = async (name: string) => ({ problem: `there is no ${name}` });
    app = await startTestApp(engine, env, { resolve });
    [first, other] = [await startReceiver(), await startReceiver()];
  });
  beforeEach(() => {
    first.respond(to(() => `${other.url}/data`));
    other.respond({ body: { name: 'Ada' } });
  });
  after(async () => {
    await Promise.all([first.close(), other.close(), app.close()]);
  });

  const to =
    (location: () => string): Respond =>
    () => ({ status: 302, headers: { location: location() } });
  const config = (more: Partially<pb.WebhookConfig> = {}): Partially<pb.WebhookConfig> => ({
    apiSchema: {
      url: `${first.url}/hooks/{{secret.HOOK}}`,
      method: 'POST',
      requestHeaders: {
        'X-Plain': 'p',
        'X-Mixed': 'k={{secret.KEY}}',
        Cookie: 'sid=literal-cookie',
        'X-Caller-Token': '{{caller_phone}}',
      },
      requestBody: { phone: '{{caller_phone}}' },
      auth: { method: { $case: 'bearer', value: { token: '{{secret.KEY}}' } } },
      maxRedirects: 2,
    },
    signingSecretNames: ['SIGN'],
    hmacSignature: { secretName: 'KEY', header: 'X-Seal' },
    ...more,
  });
  const ASSIGN = { assignments: [{ attributeName: 'name', dynamicVariable: 'name' }] };
  const agentOf = (more: Partially<pb.WebhookConfig> = {}, type: 'pre' | 'post' = 'pre') =>
    makeAgent(app.rpc, { secrets: SECRETS, variables: { name: '' }, [type]: config(more) });

  it('assigns from the last response, and tells the other origin nothing that proves who sends', async () => {
    const agent = await agentOf(ASSIGN);
    const { dynamicVariables, execution } = await app.rpc.calls.onCallStart({
      ...newCall(agent),
      callerPhone: '+14150000',
    });
    expect(outcomeOf(execution as pb.Execution)).to.equal('SUCCEEDED');
    expect(dynamicVariables).to.deep.equal({ name: 'Ada' });
    const [sent, hop] = [first.requests.at(-1), other.requests.at(-1)];
    expect([sent?.method, sent?.url]).to.deep.equal(['POST', '/hooks/T0/B0/path-secret']);
    expect(sent?.headers).to.include({
      authorization: 'Bearer Header-Secret-1',
      cookie: 'sid=literal-cookie',
    });
    expect(sent?.headers).to.include.keys(
      'x-mixed',
      'x-caller-token',
      'webhook-id',
      'webhook-signature',
      'x-seal',
    );
    expect([hop?.method, hop?.url, hop?.body]).to.deep.equal(['GET', '/data', '']);
    const uuid = execution?.executionUuid ?? '';
    expect(hop?.headers).to.deep.equal({
      host: `127.0.0.1:${other.port}`,
      connection: 'keep-alive',
      'user-agent': `callhooks/${VERSION}`,
      accept: 'application/json, */*;q=0.5',
      'accept-encoding': 'identity',
      'x-plain': 'p',
      'idempotency-key': uuid,
      'callhooks-execution': uuid,
      baggage: `callhooks.execution=${uuid}`,
    });
  });

  it('records the request as it was first sent, and the last response', async () => {
    const agent = await agentOf();
    const { execution } = await app.rpc.calls.onCallStart(newCall(agent));
    const { request, response } = await readExecution(app.rpc, execution?.executionUuid);
    expect([request?.method, request?.url]).to.deep.equal(['POST', `${first.url}/hooks/••••••`]);
    expect([response?.status, response?.body]).to.deep.equal([200, '{"name":"Ada"}']);
  });

  it('keeps the proofs at a redirect within the first origin', async () => {
    first.respond(({ url }) =>
      url === '/second' ? { body: {} } : { status: 303, headers: { location: '/second' } },
    );
    await app.rpc.calls.onCallStart(newCall(await agentOf()));
    expect(first.requests.at(-1)).to.include({ method: 'GET', url: '/second', body: '' });
    expect(first.requests.at(-1)?.headers).to.include({ authorization: 'Bearer Header-Secret-1' });
    expect(first.requests.at(-1)?.headers).to.include.keys(
      'x-mixed',
      'cookie',
      'webhook-signature',
      'x-seal',
    );
  });

  it('follows them for a post-call too', async () => {
    const agent = await agentOf({}, 'post');
    const before = other.requests.length;
    const { execution } = await app.rpc.calls.onCallEnd(newCall(agent));
    const { state, response } = await untilFinished(app.rpc, execution?.executionUuid);
    expect([state, response?.status]).to.deep.equal([STATE.EXECUTION_STATE_SUCCEEDED, 200]);
    expect(other.requests.slice(before).map(({ method, url }) => `${method} ${url}`)).to.deep.equal([
      'GET /data',
    ]);
  });

  it('follows them in a test, which is marked as one at each hop', async () => {
    const { pre } = await agentOf(ASSIGN);
    const reply = await app.rpc.webhooks.testWebhook({ webhookUuid: pre?.webhookUuid ?? '', send: true });
    expect(reply.assignedVariables).to.deep.equal({ name: 'Ada' });
    expect(reply.response?.status).to.equal(200);
    expect(other.requests.at(-1)?.headers).to.include({ 'callhooks-test': 'true' });
  });

  it('refuses a call that the other origin makes while the webhook is being sent', async () => {
    const agent = await agentOf();
    let refusal: Promise<{ readonly reason?: string | undefined }> | undefined;
    other.respond(async ({ headers }) => {
      const execution = String(headers['callhooks-execution']);
      refusal = errorOf(
        app.rpc.calls.onCallStart(newCall(agent), { headers: { 'callhooks-execution': execution } }),
      );
      await refusal;
      return { body: {} };
    });
    await app.rpc.calls.onCallStart(newCall(agent));
    expect((await refusal)?.reason).to.equal('WEBHOOK_CHAINING');
  });

  const failures: [title: string, location: () => string, outcome: string, message: RegExp][] = [
    [
      'a metadata service',
      () => 'http://169.254.169.254/latest/meta-data',
      'FAILED EGRESS_DENIED YES',
      /^redirect 1 of 2, to http:\/\/169\.254\.169\.254: /,
    ],
    [
      'a name without an address',
      () => 'https://nowhere.example/',
      'FAILED DNS YES',
      /^redirect 1 of 2, to https:\/\/nowhere\.example: /,
    ],
    ['a loop', () => `${first.url}/loop`, 'FAILED REDIRECT YES', /at most 2 redirects are followed/],
    [
      'a path with the secret of the first URL',
      () => 'http://10.0.0.1/T0/B0/path-secret',
      'FAILED EGRESS_DENIED YES',
      /10\.0\.0\.1/,
    ],
    [
      'a host named by a secret',
      () => 'http://HEADER-secret-1.example/',
      'FAILED DNS YES',
      /^redirect 1 of 2, to http:\/\/••••••: /,
    ],
  ];
  for (const [title, location, outcome, message] of failures) {
    it(`fails at ${title} with sent YES, and tells no secret`, async () => {
      first.respond(to(location));
      const { execution, degraded } = await app.rpc.calls.onCallStart(newCall(await agentOf(ASSIGN)));
      expect(outcomeOf(execution as pb.Execution)).to.equal(outcome);
      expect(execution?.failure?.message)
        .to.match(message)
        .and.not.match(/secret/i);
      expect(degraded).to.equal(true);
      const { response } = await readExecution(app.rpc, execution?.executionUuid);
      expect(response?.status).to.equal(302);
      expect(JSON.stringify(response?.headers)).to.not.contain('path-secret');
    });
  }

  it('fails as OVERLOADED when the slots of the other origin are taken, and frees those of the first', async () => {
    const { promise: released, resolve: release } = Promise.withResolvers<void>();
    let arrived = 0;
    other.respond(async () => {
      arrived += 1;
      await released;
      return { body: {} };
    });
    const agent = await agentOf();
    const held = app.rpc.calls.onCallStart(newCall(agent));
    await other.waitFor(other.requests.length + 1 - arrived);
    const { execution } = await app.rpc.calls.onCallStart(newCall(agent));
    release();
    expect(outcomeOf(execution as pb.Execution)).to.equal('FAILED OVERLOADED YES');
    expect(execution?.failure?.message).to.match(/^redirect 1 of 2, to .* in flight to this origin$/);
    expect(outcomeOf((await held).execution as pb.Execution)).to.equal('SUCCEEDED');
  });

  describe('by its max_redirects', () => {
    const schemaOf = (agent: { pre: pb.Webhook | undefined }) => agent.pre?.webhookConfig?.apiSchema;

    it('reads as it was written, and as 0 by default', async () => {
      expect(schemaOf(await agentOf())?.maxRedirects).to.equal(2);
      const plain = await makeAgent(app.rpc, { pre: { apiSchema: { url: first.url, method: 'GET' } } });
      expect(schemaOf(plain)?.maxRedirects).to.equal(0);
    });

    it('follows none when it is 0, and says so', async () => {
      const before = other.requests.length;
      const plain = await makeAgent(app.rpc, { pre: { apiSchema: { url: first.url, method: 'GET' } } });
      const { execution } = await app.rpc.calls.onCallStart(newCall(plain));
      expect(execution?.failure?.message).to.equal(
        'HTTP 302 Found: redirects are not followed (max_redirects is 0)',
      );
      expect(other.requests).to.have.length(before);
    });

    it('is changed alone by its path in a mask', async () => {
      const { pre } = await agentOf();
      const { webhook } = await app.rpc.webhooks.updateWebhook({
        webhook: { webhookUuid: pre?.webhookUuid ?? '', webhookConfig: { apiSchema: { maxRedirects: 3 } } },
        updateMask: ['webhook_config.api_schema.max_redirects'],
      });
      expect(webhook?.webhookConfig?.apiSchema).to.deep.equal({
        ...pre?.webhookConfig?.apiSchema,
        maxRedirects: 3,
      });
    });

    it('is refused above 3, also in an update', async () => {
      const { pre } = await agentOf();
      const update = app.rpc.webhooks.updateWebhook({
        webhook: { webhookUuid: pre?.webhookUuid ?? '', webhookConfig: { apiSchema: { maxRedirects: 4 } } },
        updateMask: ['webhook_config.api_schema.max_redirects'],
      });
      const { violations } = await errorOf(update);
      expect(violations).to.deep.equal([
        { field: 'webhook.webhook_config.api_schema.max_redirects', description: 'must not be more than 3' },
      ]);
    });
  });
});
