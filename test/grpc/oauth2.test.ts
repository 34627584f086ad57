import { expect } from 'chai';
import * as pb from '../../src/gen/index.callhooks.v1.ts';
import { makeAgent, newCall, readExecution, untilFinished } from '../support/calls.ts';
import { describeEachEngine } from '../support/engines.ts';
import { readMetrics } from '../support/metrics.ts';
import { startReceiver, type Receiver, type Reply } from '../support/receiver.ts';
import { errorOf, type Partially } from '../support/rpc.ts';
import { configOf, PRE_CALL, webhookOf } from '../support/samples.ts';
import { useAppWithReceiver } from './app-with-receiver.ts';

const MASK = '••••••';
const SECRETS = { CLIENT: 'the-client', SECRET: 'hunter2-hunter2' };
const FIELD = 'webhook_config.api_schema.auth.oauth2';

describeEachEngine('auth.oauth2 of webhooks', (engine) => {
  const context = useAppWithReceiver(engine, { body: '{}' });
  let tokens: Receiver;
  let issued = 0;
  before(async () => {
    tokens = await startReceiver();
  });
  after(() => tokens.close());
  beforeEach(() =>
    answerWith(() => ({ body: { access_token: `token-${(issued += 1)}-abcdef`, expires_in: 600 } })),
  );

  let seen = 0;
  function answerWith(reply: () => Reply): void {
    seen = tokens.requests.length;
    tokens.respond(reply);
  }
  const tokenRequests = () => tokens.requests.slice(seen);
  const client = (change: Partially<pb.OAuth2ClientCredentials> = {}): Partially<pb.EndpointAuth> => {
    const value = {
      tokenUrl: `${tokens.url}/token`,
      clientId: '{{secret.CLIENT}}',
      clientSecret: '{{secret.SECRET}}',
      ...change,
    };
    return { method: { $case: 'oauth2', value } };
  };
  const configWith = (
    change: Partially<pb.OAuth2ClientCredentials> = {},
    more: Partially<pb.WebhookConfig> = {},
  ) => configOf({ url: `${context.receiver.url}/a`, auth: client(change) }, more);
  const make = (change: Partially<pb.OAuth2ClientCredentials> = {}, more: Partially<pb.WebhookConfig> = {}) =>
    makeAgent(context.rpc, { secrets: SECRETS, pre: configWith(change, more) });
  const start = async (agent: { agentUuid: string }) =>
    (await context.rpc.calls.onCallStart(newCall(agent))).execution as pb.Execution;
  const bearerOf = () => context.newRequests().map(({ headers }) => headers.authorization);

  it('fetches a token for the first call, and sends it with every call until it ends', async () => {
    const agent = await make({ scopes: ['read', 'write'], audience: 'https://crm.example/' });
    for (let i = 0; i < 3; i += 1) expect((await start(agent)).failure).to.equal(undefined);
    expect(tokenRequests()).to.have.length(1);
    expect(bearerOf()).to.deep.equal(Array<string>(3).fill(`Bearer token-${issued}-abcdef`));
    expect(tokenRequests()[0]?.headers.authorization).to.equal(`Basic ${btoa('the-client:hunter2-hunter2')}`);
    expect(Object.fromEntries(new URLSearchParams(tokenRequests()[0]?.body))).to.deep.equal({
      grant_type: 'client_credentials',
      scope: 'read write',
      audience: 'https://crm.example/',
    });
  });

  it('sends id and secret in the form by the method POST', async () => {
    const agent = await make({ clientAuthMethod: pb.ClientAuthMethod.CLIENT_AUTH_METHOD_POST });
    await start(agent);
    expect(tokenRequests()[0]?.headers).to.not.have.property('authorization');
    expect(tokenRequests()[0]?.body).to.equal(
      'grant_type=client_credentials&client_id=the-client&client_secret=hunter2-hunter2',
    );
  });

  it('sends a token with a post-call and with a test', async () => {
    const agent = await makeAgent(context.rpc, { secrets: SECRETS, post: configWith() });
    const { execution } = await context.rpc.calls.onCallEnd(newCall(agent));
    expect((await untilFinished(context.rpc, execution?.executionUuid)).failure).to.equal(undefined);
    const webhookUuid = agent.post?.webhookUuid ?? '';
    const tested = await context.rpc.webhooks.testWebhook({ webhookUuid, send: true });
    expect(tested.failure).to.equal(undefined);
    expect(bearerOf()).to.deep.equal(Array<string>(2).fill(`Bearer token-${issued}-abcdef`));
    expect(tokenRequests()).to.have.length(1);
  });

  it('shows the request with a mask for the token, and fetches none, in a test that is not sent', async () => {
    const agent = await make();
    const webhookUuid = agent.pre?.webhookUuid ?? '';
    const { request } = await context.rpc.webhooks.testWebhook({ webhookUuid });
    expect(request?.headers.find(({ name }) => name === 'authorization')?.value).to.equal(MASK);
    expect(tokenRequests()).to.deep.equal([]);
  });

  it('masks the token and the secret wherever the endpoint returns them', async () => {
    context.receiver.respond(({ headers }) => ({
      status: 418,
      headers: { 'x-echo': headers.authorization ?? '' },
      body: { token: headers.authorization?.slice('Bearer '.length), secret: 'literal-secret-1' },
    }));
    const agent = await make({ clientSecret: 'literal-secret-1' });
    const record = await readExecution(context.rpc, (await start(agent)).executionUuid);
    expect(bearerOf()).to.deep.equal([`Bearer token-${issued}-abcdef`]);
    expect(JSON.parse(record.response?.body ?? '')).to.deep.equal({ token: MASK, secret: MASK });
    expect(record.response?.headers.find(({ name }) => name === 'x-echo')?.value).to.equal(`Bearer ${MASK}`);
    expect(record.request?.headers.find(({ name }) => name === 'authorization')?.value).to.equal(MASK);
    expect(JSON.stringify(context.app.logLines)).to.not.match(/-abcdef|literal-secret-1/);
  });

  it('masks the token of one webhook that another one sends on', async () => {
    context.receiver.respond(({ headers }) => ({
      body: { echo: headers.authorization?.slice('Bearer '.length) },
    }));
    const agent = await makeAgent(context.rpc, {
      secrets: SECRETS,
      variables: { echo: '' },
      pre: configWith(
        {},
        { assignments: [{ attributeName: 'echo', dynamicVariable: 'echo' }] as pb.Assignment[] },
      ),
      post: configOf({ url: `${context.receiver.url}/b`, requestBody: { echo: '{{echo}}' } }),
    });
    const call = newCall(agent);
    await context.rpc.calls.onCallStart(call);
    const { execution } = await context.rpc.calls.onCallEnd(call);
    const { request } = await untilFinished(context.rpc, execution?.executionUuid);
    const sent = context.newRequests().at(-1);
    expect(sent?.body).to.equal(JSON.stringify({ echo: `token-${issued}-abcdef` }));
    expect(request?.body).to.equal(JSON.stringify({ echo: MASK }));
  });

  it('fails as AUTH, unsent, when the token endpoint refuses, and tries again for the next call', async () => {
    const agent = await make({}, { failurePolicy: pb.FailurePolicy.FAILURE_POLICY_BLOCK });
    answerWith(() => ({
      status: 401,
      body: { error: 'invalid_client', error_description: 'hunter2-hunter2' },
    }));
    const reply = await context.rpc.calls.onCallStart(newCall(agent));
    expect(reply.decision).to.equal(pb.CallDecision.CALL_DECISION_BLOCK);
    const record = await readExecution(context.rpc, reply.execution?.executionUuid);
    expect(record.failure).to.deep.include({
      code: pb.FailureCode.FAILURE_CODE_AUTH,
      sent: pb.Sent.SENT_NO,
      message: 'the token endpoint gave no access token: it answered 401, invalid_client',
    });
    expect(record.response).to.equal(undefined);
    expect(record.timings?.total).to.not.equal(undefined);
    expect(context.newRequests()).to.deep.equal([]);
    answerWith(() => ({ body: { access_token: 'at-last' } }));
    expect((await start(agent)).failure).to.equal(undefined);
    expect(bearerOf()).to.deep.equal(['Bearer at-last']);
  });

  it('masks a secret that the token endpoint returns as its error', async () => {
    const agent = await make();
    answerWith(() => ({ status: 400, body: { error: 'hunter2-hunter2' } }));
    expect((await start(agent)).failure?.message).to.equal(
      `the token endpoint gave no access token: it answered 400, ${MASK}`,
    );
  });

  it('counts the wait for a token in the total time, and in no other', async () => {
    const agent = await make();
    answerWith(() => ({ delayMs: 300, body: { access_token: 'slow' } }));
    const { timings } = await start(agent);
    const msOf = (duration: { seconds: bigint; nanos: number } | undefined) =>
      Number(duration?.seconds ?? 0) * 1_000 + (duration?.nanos ?? 0) / 1e6;
    expect(msOf(timings?.total)).to.be.at.least(295);
    const { queued, dns, connect, firstByte } = timings ?? {};
    const others = [queued, dns, connect, firstByte].map(msOf).reduce((sum, ms) => sum + ms, 0);
    expect(msOf(timings?.total) - others).to.be.at.least(295);
  });

  it('drops the token that the endpoint answers with 401, sends nothing again, and fetches a new one', async () => {
    const agent = await make();
    await start(agent);
    context.receiver.respond({ status: 401 });
    expect((await start(agent)).failure?.code).to.equal(pb.FailureCode.FAILURE_CODE_HTTP_STATUS);
    expect(tokenRequests()).to.have.length(1);
    expect(context.newRequests()).to.have.length(2);
    context.receiver.respond({ body: '{}' });
    expect((await start(agent)).failure).to.equal(undefined);
    expect(tokenRequests()).to.have.length(2);
    expect(bearerOf().at(-1)).to.equal(`Bearer token-${issued}-abcdef`);
  });

  it('fetches a new token for a changed secret', async () => {
    const agent = await make();
    await start(agent);
    await context.rpc.agents.updateAgent({
      agent: { agentUuid: agent.agentUuid },
      secrets: { SECRET: 'hunter3-hunter3' },
    });
    await start(agent);
    expect(tokenRequests().map(({ headers }) => headers.authorization)).to.deep.equal([
      `Basic ${btoa('the-client:hunter2-hunter2')}`,
      `Basic ${btoa('the-client:hunter3-hunter3')}`,
    ]);
  });

  it('ends a call at its own time limit while the token endpoint is silent', async () => {
    const agent = await make({}, { responseTimeoutSecs: 0.3 });
    tokens.respond(() => undefined);
    const execution = await start(agent);
    expect(execution.failure).to.deep.include({
      code: pb.FailureCode.FAILURE_CODE_AUTH,
      sent: pb.Sent.SENT_NO,
      message: 'the token endpoint gave no access token within the time limit of the call',
    });
    expect(context.newRequests()).to.deep.equal([]);
  });

  it('fails as RENDER, without a token, when a value of the call leaves the id empty', async () => {
    const agent = await make({ clientId: '{{metadata.client}}' });
    const execution = await start(agent);
    expect(execution.failure).to.deep.include({
      code: pb.FailureCode.FAILURE_CODE_RENDER,
      message: 'auth.oauth2.client_id would be empty',
    });
    expect(tokenRequests()).to.deep.equal([]);
  });

  it('reads what is saved, with the default method and a mask for a literal secret', async () => {
    const value = { tokenUrl: `${tokens.url}/token`, clientId: 'c', scopes: ['a', 'b'], audience: 'x' };
    const agent = await make({ ...value, clientSecret: 'literal' });
    expect(agent.pre?.webhookConfig?.apiSchema?.auth?.method).to.deep.equal({
      $case: 'oauth2',
      value: {
        ...value,
        clientSecret: MASK,
        clientAuthMethod: pb.ClientAuthMethod.CLIENT_AUTH_METHOD_BASIC,
      },
    });
  });

  it('keeps a stored secret when its mask is written back for the same two origins, and only then', async () => {
    const { pre } = await make({ clientSecret: 'literal-secret-2' });
    const update = (change: Partially<pb.OAuth2ClientCredentials>, schema: Partially<pb.ApiSchema> = {}) =>
      context.rpc.webhooks.updateWebhook({
        webhook: {
          webhookUuid: pre?.webhookUuid ?? '',
          webhookConfig: configOf({
            url: `${context.receiver.url}/b`,
            auth: client({ clientSecret: MASK, ...change }),
            ...schema,
          }),
        },
        updateMask: ['webhook_config'],
      });
    await update({ tokenUrl: `${tokens.url}/other`, clientId: 'other' });
    await start(pre as pb.Webhook);
    expect(tokenRequests()[0]?.headers.authorization).to.equal(`Basic ${btoa('other:literal-secret-2')}`);
    for (const moved of [
      update({ tokenUrl: 'https://other.example/token' }),
      update({}, { url: 'https://other.example/' }),
    ])
      expect((await errorOf(moved)).fields).to.deep.equal([`webhook.${FIELD}.client_secret`]);
  });

  it('refuses a token endpoint that the egress policy forbids, with the text of a URL', async () => {
    const agent = {
      webhooks: [
        webhookOf(
          PRE_CALL,
          configOf({ url: 'http://10.0.0.1/', auth: client({ tokenUrl: 'http://10.0.0.1/' }) }),
        ),
      ],
    };
    const error = await errorOf(context.rpc.agents.createAgent({ agent, secrets: SECRETS }));
    const [ofUrl, ofTokenUrl] = error.violations.map(({ description }) => description);
    expect(error.fields).to.deep.equal([
      'agent.webhooks[0].webhook_config.api_schema.url',
      `agent.webhooks[0].${FIELD}.token_url`,
    ]);
    expect(ofTokenUrl).to.equal(ofUrl);
    expect(ofUrl).to.include('10.0.0.1 belongs to');
  });

  it('writes an audit line when only the token endpoint moves to another origin', async () => {
    const { pre } = await make();
    const lines = context.app.logLines.length;
    await context.rpc.webhooks.updateWebhook({
      webhook: {
        webhookUuid: pre?.webhookUuid ?? '',
        webhookConfig: configWith({ tokenUrl: 'https://elsewhere.example/token' }),
      },
      updateMask: ['webhook_config'],
    });
    const audits = context.app.logLines.slice(lines).filter(({ msg }) => msg === 'audit');
    expect(audits).to.have.length(1);
    expect(audits[0]).to.include({ token_origin: 'https://elsewhere.example' });
    expect(audits[0]?.['secret_names']).to.have.members(['CLIENT', 'SECRET']);
  });

  it('counts the fetches by their outcome', async () => {
    const countOf = async (outcome: string) =>
      (await readMetrics(context.app.opsAddress)).get(
        `callhooks_access_token_fetches_total{outcome="${outcome}"}`,
      ) ?? 0;
    const before = await countOf('refused');
    answerWith(() => ({ status: 403 }));
    await start(await make());
    expect(await countOf('refused')).to.equal(before + 1);
    expect(await countOf('fetched')).to.be.greaterThan(0);
  });
});
