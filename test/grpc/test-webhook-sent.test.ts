import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import * as pb from '../../src/gen/index.callhooks.v1.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import { makeAgent, newCall, postTo } from '../support/calls.ts';
import { describeEachEngine } from '../support/engines.ts';
import { outcomeOf } from '../support/execution-words.ts';
import { DETAILS_AT_LIMITS, variablesOf, VARIABLES_BYTES } from '../support/call-details.ts';
import { startReceiver, type Receiver, type Reply, type Respond } from '../support/receiver.ts';
import { errorOf, type Partially } from '../support/rpc.ts';

const MASK = '••••••';
const { WEBHOOK_TYPE_PRE_CALL: preCall, WEBHOOK_TYPE_POST_CALL: postCall } = pb.WebhookType;
const {
  CALL_DECISION_UNSPECIFIED: undecided,
  CALL_DECISION_PROCEED: proceed,
  CALL_DECISION_BLOCK: block,
} = pb.CallDecision;
const KIB = 1024;

describeEachEngine('TestWebhook', (engine) => {
  let app: TestApp;
  let receiver: Receiver;
  let seen = 0;
  before(async () => {
    receiver = await startReceiver();
    const resolve = async () => ({ problem: 'there is no such name' });
    app = await startTestApp(engine, { CALLHOOKS_EGRESS_ALLOW: '127.0.0.0/8' }, { resolve });
  });
  beforeEach(() => {
    receiver.respond({ body: { name: 'Ada' } });
    seen = receiver.requests.length;
  });
  after(async () => {
    await receiver.close();
    await app.close();
  });

  const test = (request: Partially<pb.TestWebhookRequest>, options = {}) =>
    app.rpc.webhooks.testWebhook(request, options);
  const draft = (
    agentUuid: string,
    webhookConfig: Partially<pb.WebhookConfig>,
    webhookType: pb.WebhookType = preCall,
  ) => ({
    agentUuid,
    webhookType,
    webhookConfig,
  });
  const sent = () => receiver.requests.slice(seen);

  it('fills in every field of its reply', async () => {
    const { agentUuid } = await makeAgent(app.rpc, { variables: { name: null, other: null } });
    const config = postTo(
      `${receiver.url}/x`,
      { phone: '{{caller_phone}}', m: '{{metadata.m}}' },
      {
        failurePolicy: pb.FailurePolicy.FAILURE_POLICY_BLOCK,
        assignments: [
          { attributeName: 'name', dynamicVariable: 'name' },
          { attributeName: 'no', dynamicVariable: 'other' },
        ],
      },
    );
    const { timings, request, response, ...others } = await test({
      ...draft(agentUuid, config),
      callerPhone: '+1',
      send: true,
    });
    expect(others).to.deep.equal({
      failure: undefined,
      assignedVariables: { name: 'Ada' },
      missingVariables: ['metadata.m'],
      missedAssignments: [
        { attributeName: 'no', dynamicVariable: 'other', reason: pb.MissReason.MISS_REASON_NOT_FOUND },
      ],
      decision: proceed,
      degraded: false,
      rejected: false,
      rejectReason: '',
    });
    expect(timings).to.include.keys('firstByte', 'total');
    const { headers, body } = sent()[0] as Receiver['requests'][number];
    const { headers: recorded = [], ...shown } = request ?? {};
    expect(shown).to.deep.equal({
      method: 'POST',
      url: `${receiver.url}/x`,
      body: '{"phone":"+1","m":null}',
      bodyBinary: false,
      bodySize: 23n,
      truncated: false,
    });
    expect(body).to.equal('{"phone":"+1","m":null}');
    for (const { name, value } of recorded) expect([name, headers[name]]).to.deep.equal([name, value]);
    expect(recorded.map(({ name }) => name)).to.include.members([
      'callhooks-test',
      'callhooks-execution',
      'baggage',
    ]);
    expect(response).to.deep.include({
      status: 200,
      body: '{"name":"Ada"}',
      bodyBinary: false,
      bodySize: 14n,
    });
  });

  it('records no execution and no variables, and does not change the agent', async () => {
    const agent = await makeAgent(app.rpc, {
      variables: { x: 1 },
      pre: postTo(receiver.url),
      post: postTo(receiver.url),
    });
    const { agentUuid } = agent;
    const before = await app.rpc.agents.getAgent({ agentUuid });
    const conversationUuid = randomUUID();
    for (const webhook of [agent.pre, agent.post])
      await test({
        webhookUuid: webhook?.webhookUuid ?? '',
        conversationUuid,
        dynamicVariables: { x: 2 },
        send: true,
      });
    expect(await app.rpc.agents.getAgent({ agentUuid })).to.deep.equal(before);
    expect((await app.rpc.executions.listExecutions({ agentUuid })).executions).to.deep.equal([]);
    const executionUuid = String(sent()[0]?.headers['callhooks-execution']);
    expect((await errorOf(app.rpc.executions.getExecution({ executionUuid }))).reason).to.equal(
      'EXECUTION_NOT_FOUND',
    );
    const start = await app.rpc.calls.onCallStart({ agentUuid, conversationUuid });
    expect(start).to.deep.include({ replayed: false, dynamicVariables: { x: 1 } });
  });

  it('refuses to send from a webhook that is being sent as WEBHOOK_CHAINING, and renders there', async () => {
    const agent = await makeAgent(app.rpc, { pre: postTo(receiver.url) });
    const outcomes: unknown[] = [];
    receiver.respond(async ({ headers }) => {
      const options = { headers: { baggage: String(headers['baggage']) } };
      const webhookUuid = agent.pre?.webhookUuid ?? '';
      outcomes.push((await test({ webhookUuid }, options)).request?.method);
      outcomes.push((await errorOf(test({ webhookUuid, send: true }, options))).reason);
      return {};
    });
    await app.rpc.calls.onCallStart(newCall(agent));
    expect(outcomes).to.deep.equal(['POST', 'WEBHOOK_CHAINING']);
    expect(sent()).to.have.length(1);
  });

  it('refuses a short deadline as DEADLINE_TOO_SHORT when it sends, and accepts it when it renders', async () => {
    const agent = await makeAgent(app.rpc, { pre: postTo(receiver.url) });
    const request = { webhookUuid: agent.pre?.webhookUuid ?? '' };
    const { code, reason } = await errorOf(test({ ...request, send: true }, { deadlineMs: 150 }));
    expect([code, reason]).to.deep.equal(['DEADLINE_EXCEEDED', 'DEADLINE_TOO_SHORT']);
    expect((await test(request, { deadlineMs: 150 })).request?.method).to.equal('POST');
    expect(sent()).to.deep.equal([]);
  });

  it('ends as TIMEOUT before its deadline when that is shorter than the webhook’s time limit', async () => {
    receiver.respond({ delayMs: 5_000 });
    const agent = await makeAgent(app.rpc, { pre: postTo(receiver.url) });
    const reply = await test({ webhookUuid: agent.pre?.webhookUuid ?? '', send: true }, { deadlineMs: 600 });
    expect(reply.failure?.code).to.equal(pb.FailureCode.FAILURE_CODE_TIMEOUT);
    expect(reply).to.include({ decision: proceed, degraded: true });
  });

  it('masks the secret values of a draft, and those that the endpoint returns', async () => {
    const { agentUuid } = await makeAgent(app.rpc, { secrets: { key: 'the "secret" key' } });
    receiver.respond(({ headers, url }) => ({
      body: { echo: [headers['x-api-key'], headers['authorization'], 'the "secret" key'], url },
    }));
    const config = {
      apiSchema: {
        url: `${receiver.url}/?plain={{secret.key}}&access_token=written-out-token`,
        method: 'POST',
        requestHeaders: {
          'X-Api-Key': 'literal-api-key',
          Authorization: 'Bearer literal-bearer',
          'X-Key': '{{secret.key}}',
        },
        requestBody: ['{{secret.key}}', 'before {{secret.key}} after'],
      },
    };
    const reply = await test({ ...draft(agentUuid, config), send: true });
    expect(sent()[0]?.headers).to.include({ 'x-api-key': 'literal-api-key', 'x-key': 'the "secret" key' });
    expect(reply.request?.url).to.equal(`${receiver.url}/?plain=${MASK}&access_token=${MASK}`);
    expect(reply.request?.body).to.equal(JSON.stringify([MASK, `before ${MASK} after`]));
    const text = JSON.stringify(reply, (_, value: unknown) =>
      typeof value === 'bigint' ? Number(value) : value,
    );
    for (const secret of ['literal-api-key', 'literal-bearer', 'secret\\', 'written-out-token'])
      expect(text).to.not.include(secret);
  });

  it('signs with the secrets that the draft names', async () => {
    const secrets = { sign: `whsec_${Buffer.alloc(32, 7).toString('base64')}` };
    const { agentUuid } = await makeAgent(app.rpc, { secrets });
    await test({
      ...draft(agentUuid, postTo(receiver.url, 'x', { signingSecretNames: ['sign'] })),
      send: true,
    });
    const { headers = {} } = sent()[0] ?? {};
    expect(headers['webhook-signature']).to.match(/^v1,[A-Za-z0-9+/]{43}=$/);
    expect(headers['webhook-id']).to.equal(headers['callhooks-execution']);
  });

  it('sends in the trace of its caller', async () => {
    const traceId = '0af7651916cd43dd8448eb211c80319c';
    const { agentUuid } = await makeAgent(app.rpc, {});
    const headers = { traceparent: `00-${traceId}-b7ad6b7169203331-01` };
    await test({ ...draft(agentUuid, postTo(receiver.url)), send: true }, { headers });
    expect(sent()[0]?.headers['traceparent']).to.match(new RegExp(`^00-${traceId}-[0-9a-f]{16}-01$`));
  });

  for (const [title, reply, outcome] of [
    ['of 64 KiB, all of it,', { body: 'x'.repeat(64 * KIB) }, { bytes: 64 * KIB, truncated: false }],
    [
      'of a byte more, without that byte,',
      { body: 'x'.repeat(64 * KIB + 1) },
      { bytes: 64 * KIB, truncated: true },
    ],
    [
      'of more, cut between two characters,',
      { body: `x${'😀'.repeat(16 * KIB)}` },
      { bytes: 64 * KIB - 3, truncated: true },
    ],
  ] as const) {
    it(`returns a body ${title}`, async () => {
      receiver.respond(reply);
      const { agentUuid } = await makeAgent(app.rpc, {});
      const { response } = await test({ ...draft(agentUuid, postTo(receiver.url)), send: true });
      expect(Buffer.byteLength(response?.body ?? '')).to.equal(outcome.bytes);
      expect(response?.truncated).to.equal(outcome.truncated);
    });
  }

  describe('returns how the webhook fails, and no error:', () => {
    const destroy: Respond = (_, response) => void response.destroy();
    const rows: readonly [
      outcome: string,
      reply: Reply | Respond,
      config: (url: string) => Partially<pb.WebhookConfig>,
    ][] = [
      ['HTTP_STATUS YES', { status: 500 }, postTo],
      ['PROTOCOL MAYBE', destroy, postTo],
      ['TIMEOUT MAYBE', { delayMs: 3_000 }, (url) => postTo(url, undefined, { responseTimeoutSecs: 0.2 })],
      ['DNS NO', {}, () => postTo('http://outside.example/')],
      ['RENDER NO', {}, (url) => postTo(`${url}/{{caller_phone}}/x`)],
    ];
    for (const [outcome, reply, config] of rows) {
      for (const [title, type, failurePolicy, decision] of [
        ['a pre-call webhook that proceeds', preCall, pb.FailurePolicy.FAILURE_POLICY_PROCEED, proceed],
        ['a pre-call webhook that blocks', preCall, pb.FailurePolicy.FAILURE_POLICY_BLOCK, block],
        ['a post-call webhook', postCall, pb.FailurePolicy.FAILURE_POLICY_UNSPECIFIED, undecided],
      ] as const) {
        it(`FAILED ${outcome}, of ${title}`, async () => {
          receiver.respond(reply);
          const { agentUuid } = await makeAgent(app.rpc, {});
          const request = draft(agentUuid, { ...config(receiver.url), failurePolicy }, type);
          const result = await test({ ...request, send: true });
          const { failure } = result;
          expect(outcomeOf({ state: 4, failure })).to.equal(`FAILED ${outcome}`);
          expect(result).to.include({ decision, degraded: decision === proceed });
          const unsent = await test(request);
          expect(unsent).to.include({ decision: undecided, degraded: false });
          expect(unsent.failure?.code).to.equal(outcome === 'RENDER NO' ? failure?.code : undefined);
        });
      }
    }
  });

  describe('takes', () => {
    for (const [title, details] of DETAILS_AT_LIMITS) {
      it(title, async () => {
        const { agentUuid } = await makeAgent(app.rpc, {});
        const reply = await test({
          ...draft(agentUuid, postTo(receiver.url, '{{caller_phone}}')),
          ...details,
          send: true,
        });
        expect(reply.failure).to.equal(undefined);
      });
    }
  });

  it('refuses variables that are too large with the defaults for a pre-call webhook, and accepts them for a post-call webhook', async () => {
    const all = variablesOf(VARIABLES_BYTES);
    const { agentUuid } = await makeAgent(app.rpc, { variables: all });
    const request = { ...draft(agentUuid, postTo(receiver.url)), dynamicVariables: { another: 0 } };
    expect((await errorOf(test(request))).fields).to.deep.equal(['dynamic_variables']);
    expect((await test({ ...request, webhookType: postCall })).request?.method).to.equal('POST');
  });
});
