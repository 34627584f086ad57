import { expect } from 'chai';
import * as pb from '../../src/gen/index.callhooks.v1.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import { describeEachEngine } from '../support/engines.ts';
import { errorOf, type Partially } from '../support/rpc.ts';
import { configOf, NOBODY, POST_CALL, PRE_CALL, webhookOf } from '../support/samples.ts';

describeEachEngine('WebhookAdmin', (engine) => {
  let app: TestApp;
  before(async () => {
    app = await startTestApp(engine, { CALLHOOKS_EGRESS_ALLOW: '127.0.0.1' });
  });
  after(() => app.close());

  const createAgent = async (agent: Partially<pb.Agent> = {}, secrets: Record<string, string> = {}) =>
    (await app.rpc.agents.createAgent({ agent, secrets })).agent as pb.Agent;
  const createWebhook = async (request: Partially<pb.CreateWebhookRequest>) =>
    (await app.rpc.webhooks.createWebhook({ webhookConfig: configOf(), ...request })).webhook as pb.Webhook;
  const read = async (webhookUuid: string) => (await app.rpc.webhooks.getWebhook({ webhookUuid })).webhook;

  describe('CreateWebhook', () => {
    const defaults: [string, pb.WebhookType, number, number][] = [
      ['gives a pre-call webhook 10 s and PROCEED by default', PRE_CALL, 10, 1],
      ['gives a post-call webhook 5 s and no failure policy by default', POST_CALL, 5, 0],
    ];
    for (const [title, webhookType, responseTimeoutSecs, failurePolicy] of defaults) {
      it(title, async () => {
        const { agentUuid } = await createAgent();
        const webhook = await createWebhook({
          agentUuid,
          webhookType,
          webhookConfig: configOf({ method: 'post' }),
        });
        expect(webhook.webhookConfig).to.deep.include({
          responseTimeoutSecs,
          failurePolicy,
          assignments: [],
        });
        expect(webhook.webhookConfig?.apiSchema?.method).to.equal('POST');
        expect(await read(webhook.webhookUuid)).to.deep.equal(webhook);
        expect((await app.rpc.agents.getAgent({ agentUuid })).agent?.webhooks).to.deep.equal([webhook]);
      });
    }

    it('keeps disabled, policy, limit, assignments with defaults, and signing secrets as they are given', async () => {
      const signing = `whsec_${Buffer.alloc(24, 1).toString('base64')}`;
      const { agentUuid } = await createAgent({ dynamicVariables: { a: 1, b: 2 } }, { signing });
      const written: Partially<pb.WebhookConfig> = {
        apiSchema: {
          url: 'https://api.example.com/{{a}}?k={{secret.signing}}',
          method: 'GET',
          requestHeaders: { 'X-A': '{{b}}' },
        },
        assignments: [
          { attributeName: 'x.0.y', dynamicVariable: 'a', required: true },
          { attributeName: 'z', dynamicVariable: 'b', defaultValue: { deep: [null] } },
          { source: 'response', attributeName: 'n', dynamicVariable: 'b', defaultValue: null },
        ],
        responseTimeoutSecs: 0.1,
        failurePolicy: 2,
        signingSecretNames: ['signing'],
      };
      const webhook = await createWebhook({
        agentUuid,
        webhookType: PRE_CALL,
        webhookConfig: written,
        disabled: true,
      });
      expect(webhook.disabled).to.equal(true);
      expect(webhook.webhookConfig).to.deep.equal({
        ...pb.WebhookConfig.fromPartial({}),
        ...written,
        apiSchema: { ...pb.ApiSchema.fromPartial({}), ...written.apiSchema },
        assignments: written.assignments?.map((rule) => ({
          ...pb.Assignment.fromPartial({}),
          ...rule,
          source: 'response',
        })),
      });
    });

    it('refuses a second webhook of a type as WEBHOOK_EXISTS, naming the first', async () => {
      const { agentUuid } = await createAgent();
      const first = await createWebhook({ agentUuid, webhookType: PRE_CALL });
      await createWebhook({ agentUuid, webhookType: POST_CALL });
      const error = await errorOf(createWebhook({ agentUuid, webhookType: PRE_CALL }));
      expect(error).to.include({ code: 'ALREADY_EXISTS', reason: 'WEBHOOK_EXISTS' });
      expect(error.resource).to.deep.equal({ type: 'webhook', name: first.webhookUuid });
    });

    it('creates exactly one webhook for ten requests at once', async () => {
      const { agentUuid } = await createAgent();
      const all = Array.from({ length: 10 }, () =>
        createWebhook({ agentUuid, webhookType: PRE_CALL }).then(
          () => 'made',
          (error: { reason: string }) => error.reason,
        ),
      );
      expect((await Promise.all(all)).toSorted()).to.deep.equal([
        ...Array<string>(9).fill('WEBHOOK_EXISTS'),
        'made',
      ]);
    });

    it('answers AGENT_NOT_FOUND for an agent that does not exist, also when the configuration is invalid', async () => {
      const webhookConfig = configOf({ method: '' });
      const error = await errorOf(createWebhook({ agentUuid: NOBODY, webhookType: PRE_CALL, webhookConfig }));
      expect(error).to.include({ code: 'NOT_FOUND', reason: 'AGENT_NOT_FOUND' });
      expect(error.resource).to.deep.equal({ type: 'agent', name: NOBODY });
      expect(error.fields).to.deep.equal([]);
    });
  });

  describe('GetWebhook and DeleteWebhook', () => {
    it('accept an agent_uuid that matches, in upper or lower case', async () => {
      const { agentUuid, webhooks } = await createAgent({ webhooks: [webhookOf(PRE_CALL)] });
      const request = {
        webhookUuid: webhooks[0]?.webhookUuid.toUpperCase() ?? '',
        agentUuid: agentUuid.toUpperCase(),
      };
      expect((await app.rpc.webhooks.getWebhook(request)).webhook).to.deep.equal(webhooks[0]);
      await app.rpc.webhooks.deleteWebhook(request);
      expect(await errorOf(app.rpc.webhooks.getWebhook(request))).to.include({ reason: 'WEBHOOK_NOT_FOUND' });
    });

    it('answer WEBHOOK_NOT_FOUND for the webhook of another agent', async () => {
      const { webhooks } = await createAgent({ webhooks: [webhookOf(PRE_CALL)] });
      const { agentUuid } = await createAgent();
      const webhookUuid = webhooks[0]?.webhookUuid ?? '';
      for (const rpc of [app.rpc.webhooks.getWebhook, app.rpc.webhooks.deleteWebhook]) {
        const error = await errorOf(rpc({ webhookUuid, agentUuid }));
        expect(error).to.include({ code: 'NOT_FOUND', reason: 'WEBHOOK_NOT_FOUND' });
        expect(error.resource).to.deep.equal({ type: 'webhook', name: webhookUuid });
      }
      const asUpdate = app.rpc.webhooks.updateWebhook({
        webhook: { webhookUuid, agentUuid, disabled: true },
        updateMask: ['disabled'],
      });
      expect(await errorOf(asUpdate)).to.include({ reason: 'WEBHOOK_NOT_FOUND' });
      expect((await read(webhookUuid))?.disabled).to.equal(false);
    });

    it('delete with the present etag, and refuse an older one as ETAG_MISMATCH', async () => {
      const { webhooks } = await createAgent({ webhooks: [webhookOf(PRE_CALL)] });
      const { webhookUuid = '', etag = '' } = webhooks[0] ?? {};
      const error = await errorOf(app.rpc.webhooks.deleteWebhook({ webhookUuid, etag: 'stale' }));
      expect(error).to.include({ code: 'ABORTED', reason: 'ETAG_MISMATCH' });
      await app.rpc.webhooks.deleteWebhook({ webhookUuid, etag });
      expect(await errorOf(read(webhookUuid))).to.include({ reason: 'WEBHOOK_NOT_FOUND' });
    });

    it('leave room for a new webhook of the type, which gets another UUID', async () => {
      const { agentUuid, webhooks } = await createAgent({ webhooks: [webhookOf(PRE_CALL)] });
      await app.rpc.webhooks.deleteWebhook({ webhookUuid: webhooks[0]?.webhookUuid ?? '' });
      const webhook = await createWebhook({ agentUuid, webhookType: PRE_CALL });
      expect(webhook.webhookUuid).not.to.equal(webhooks[0]?.webhookUuid);
    });
  });
});
