import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import * as pb from '../../src/gen/index.callhooks.v1.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import { describeEachEngine } from '../support/engines.ts';
import { startReceiver, type Receiver } from '../support/receiver.ts';
import { errorOf, type Partially } from '../support/rpc.ts';
import { configOf, NOBODY, POST_CALL, PRE_CALL, webhookOf } from '../support/samples.ts';

const MASK = '••••••';
const { CALL_DECISION_PROCEED, CALL_DECISION_BLOCK, CALL_DECISION_UNSPECIFIED } = pb.CallDecision;

describeEachEngine('TestWebhook', (engine) => {
  let app: TestApp;
  let receiver: Receiver;
  let agent: pb.Agent;
  let pre: pb.Webhook;
  let post: pb.Webhook;
  before(async () => {
    receiver = await startReceiver();
    app = await startTestApp(engine, { CALLHOOKS_EGRESS_ALLOW: '127.0.0.1' });
    const created = await app.rpc.agents.createAgent({
      agent: {
        dynamicVariables: { name: 'nobody', plan: 'none' },
        webhooks: [
          webhookOf(
            PRE_CALL,
            configOf(
              {
                url: `${receiver.url}/pre?plan={{plan}}&key={{secret.key}}`,
                requestHeaders: { Authorization: 'Bearer a-literal-token' },
                requestBody: { phone: '{{caller_phone}}', who: '{{metadata.who}}', key: '{{secret.key}}' },
              },
              {
                assignments: [
                  { attributeName: 'name', dynamicVariable: 'name' },
                  { attributeName: 'no', dynamicVariable: 'plan' },
                ],
              },
            ),
          ),
          {
            ...webhookOf(
              POST_CALL,
              configOf({
                url: `${receiver.url}/post`,
                requestBody: ['{{call_duration}}', '{{call_summary}}'],
              }),
            ),
            disabled: true,
          },
        ],
      },
      // `ke` is the beginning of another name, and no webhook uses it.
      secrets: { ke: 'an-unused-secret', key: 'the-secret-key' },
    });
    agent = created.agent as pb.Agent;
    [pre, post] = agent.webhooks as [pb.Webhook, pb.Webhook];
  });
  beforeEach(() => receiver.respond({ body: { name: 'Ada', echo: 'the-secret-key' } }));
  after(async () => {
    await app.close();
    await receiver.close();
  });

  const test = (request: Partially<pb.TestWebhookRequest>) => app.rpc.webhooks.testWebhook(request);
  const sentNothing = async (run: () => Promise<unknown>) => {
    const count = receiver.requests.length;
    await run();
    expect(receiver.requests).to.have.length(count);
  };

  it('renders a stored webhook without sending it', () =>
    sentNothing(async () => {
      const reply = await test({
        webhookUuid: pre.webhookUuid,
        callerPhone: '+1',
        dynamicVariables: { plan: 'a b' },
      });
      expect(reply.request?.url).to.equal(`${receiver.url}/pre?plan=a%20b&key=${MASK}`);
      expect(JSON.parse(reply.request?.body ?? '')).to.deep.equal({ phone: '+1', who: null, key: MASK });
      expect(reply.missingVariables).to.deep.equal(['metadata.who']);
      expect(reply).to.deep.include({
        response: undefined,
        failure: undefined,
        decision: CALL_DECISION_UNSPECIFIED,
      });
    }));

  it('sends a stored webhook once with a header that says test, and returns what it would assign', async () => {
    const count = receiver.requests.length;
    const conversationUuid = randomUUID();
    const reply = await test({
      webhookUuid: pre.webhookUuid,
      conversationUuid,
      metadata: { who: 'me' },
      send: true,
    });
    const [request] = (await receiver.waitFor(count + 1)).slice(count);
    expect(receiver.requests).to.have.length(count + 1);
    expect(request?.headers).to.include({
      'callhooks-test': 'true',
      authorization: 'Bearer a-literal-token',
    });
    expect(request?.url).to.equal('/pre?plan=none&key=the-secret-key');
    expect(JSON.parse(request?.body ?? '')).to.deep.equal({ phone: null, who: 'me', key: 'the-secret-key' });
    expect(reply.assignedVariables).to.deep.equal({ name: 'Ada' });
    expect(reply.missedAssignments).to.deep.equal([
      { attributeName: 'no', dynamicVariable: 'plan', reason: pb.MissReason.MISS_REASON_NOT_FOUND },
    ]);
    expect(reply).to.deep.include({ failure: undefined, decision: CALL_DECISION_PROCEED, degraded: false });
    expect(reply.response).to.deep.include({ status: 200, truncated: false });
    expect(JSON.parse(reply.response?.body ?? '')).to.deep.equal({ name: 'Ada', echo: MASK });
    expect(reply.timings?.total).not.to.equal(undefined);
    expect((await app.rpc.executions.listExecutions({ conversationUuid })).executions).to.deep.equal([]);
  });

  it('sends a disabled webhook, and returns no decision for a post-call webhook', async () => {
    const count = receiver.requests.length;
    const details = { callDuration: { seconds: 125n, nanos: 500_000_000 }, callSummary: 'Grüße 🎉' };
    const reply = await test({ webhookUuid: post.webhookUuid, ...details, send: true });
    const requests = await receiver.waitFor(count + 1);
    expect(JSON.parse(requests.at(-1)?.body ?? '')).to.deep.equal([125.5, 'Grüße 🎉']);
    expect(reply).to.deep.include({
      failure: undefined,
      decision: CALL_DECISION_UNSPECIFIED,
      degraded: false,
    });
  });

  it('sends an unsaved configuration with the masked values of the stored one', async () => {
    const count = receiver.requests.length;
    const webhookConfig = configOf({
      url: `${receiver.url}/draft`,
      requestHeaders: { authorization: MASK },
      requestBody: '{{plan}}!',
    });
    const ways = [
      { webhookUuid: pre.webhookUuid, webhookConfig },
      { agentUuid: agent.agentUuid, webhookType: PRE_CALL, webhookConfig },
    ];
    for (const way of ways) expect((await test({ ...way, send: true })).failure).to.equal(undefined);
    const requests = (await receiver.waitFor(count + 2)).slice(count);
    for (const request of requests) {
      expect(request).to.include({ url: '/draft', body: 'none!' });
      expect(request.headers.authorization).to.equal('Bearer a-literal-token');
    }
    expect((await app.rpc.agents.getAgent({ agentUuid: agent.agentUuid })).agent).to.deep.equal(agent);
  });

  it('refuses to send masked values of the stored one to another origin', () =>
    sentNothing(async () => {
      const webhookConfig = configOf({
        url: 'https://collector.example.com/',
        requestHeaders: { authorization: MASK },
      });
      const error = await errorOf(test({ webhookUuid: pre.webhookUuid, webhookConfig, send: true }));
      expect(error.fields).to.deep.equal(['webhook_config.api_schema.request_headers[authorization]']);
    }));

  const failures: [string, pb.FailurePolicy, object, pb.CallDecision, boolean][] = [
    ['PROCEED', 1, { status: 500 }, CALL_DECISION_PROCEED, true],
    ['BLOCK', 2, { status: 302, headers: { location: '/' } }, CALL_DECISION_BLOCK, false],
  ];
  for (const [title, failurePolicy, answer, decision, degraded] of failures) {
    it(`returns the decision after a failure with the policy ${title}`, async () => {
      receiver.respond(answer);
      const webhookConfig = configOf({ url: receiver.url }, { failurePolicy });
      const reply = await test({ webhookUuid: pre.webhookUuid, webhookConfig, send: true });
      expect(reply).to.include({ decision, degraded });
      expect(reply.failure?.sent).to.equal(pb.Sent.SENT_YES);
    });
  }

  it('writes an audit line when it sends, and none when it only renders', async () => {
    const audits = () =>
      app.logLines.filter(({ msg, action }) => msg === 'audit' && action === 'TestWebhook');
    const before = audits().length;
    await test({ webhookUuid: pre.webhookUuid });
    expect(audits()).to.have.length(before);
    await test({ webhookUuid: pre.webhookUuid, send: true });
    expect(audits()).to.have.length(before + 1);
    expect(JSON.stringify(audits().at(-1))).to.include('["key"]');
  });

  const notFound: [string, () => Partially<pb.TestWebhookRequest>, string][] = [
    ['a webhook that does not exist', () => ({ webhookUuid: NOBODY }), 'WEBHOOK_NOT_FOUND'],
    [
      'the webhook of another agent',
      () => ({ webhookUuid: pre.webhookUuid, agentUuid: NOBODY }),
      'NOT_FOUND',
    ],
    [
      'an agent that does not exist',
      () => ({ agentUuid: NOBODY, webhookType: PRE_CALL, webhookConfig: configOf() }),
      'AGENT_NOT_FOUND',
    ],
    [
      'an agent that does not exist, also when the draft is invalid',
      () => ({ agentUuid: NOBODY, webhookType: PRE_CALL, webhookConfig: configOf({ method: 'X' }) }),
      'AGENT_NOT_FOUND',
    ],
    [
      'a webhook that does not exist, also when the draft is invalid',
      () => ({ webhookUuid: NOBODY, webhookConfig: configOf({ method: 'X' }) }),
      'WEBHOOK_NOT_FOUND',
    ],
  ];
  for (const [title, request, reason] of notFound) {
    it(`answers ${reason} for ${title}`, async () => {
      const error = await errorOf(test({ ...request(), send: true }));
      expect(error.code).to.equal('NOT_FOUND');
      expect(error.reason).to.include(reason);
    });
  }

  it('refuses invalid call details before it looks for the agent or the webhook', async () => {
    const callerPhone = 'x'.repeat(257);
    const webhookConfig = configOf({ method: 'X' });
    const ofAgent = await errorOf(
      test({ agentUuid: NOBODY, webhookType: PRE_CALL, webhookConfig, callerPhone }),
    );
    expect(ofAgent.fields).to.deep.equal(['caller_phone']);
    const ofWebhook = await errorOf(test({ webhookUuid: NOBODY, webhookConfig, callerPhone }));
    expect(ofWebhook.fields).to.deep.equal(['caller_phone']);
  });

  it("refuses a webhook_type other than the webhook's", async () => {
    const error = await errorOf(test({ webhookUuid: pre.webhookUuid, webhookType: POST_CALL }));
    expect(error.fields).to.deep.equal(['webhook_type']);
  });
});
