import { expect } from 'chai';
import type * as pb from '../../src/gen/index.callhooks.v1.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import { describeEachEngine } from '../support/engines.ts';
import { errorOf, type Partially } from '../support/rpc.ts';
import { configOf, existingConfig, NOBODY, POST_CALL, PRE_CALL, webhookOf } from '../support/samples.ts';

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
  const update = async (webhook: Partially<pb.Webhook>, updateMask: string[]) =>
    (await app.rpc.webhooks.updateWebhook({ webhook, updateMask })).webhook as pb.Webhook;

  describe('CreateWebhook', () => {
    const defaults: [string, pb.WebhookType, number, number][] = [
      ['a pre-call webhook has 10 s and PROCEED by default', PRE_CALL, 10, 1],
      ['a post-call webhook has 5 s and no failure policy', POST_CALL, 5, 0],
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

    it('keeps what was written: disabled, policy, limit, assignments with defaults, signing secrets', async () => {
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
        ...written,
        apiSchema: { ...written.apiSchema, requestBody: undefined },
        assignments: written.assignments?.map((rule) => ({
          required: false,
          defaultValue: undefined,
          ...rule,
          source: 'response',
        })),
      });
    });

    it('refuses a second one of a type, naming the first', async () => {
      const { agentUuid } = await createAgent();
      const first = await createWebhook({ agentUuid, webhookType: PRE_CALL });
      await createWebhook({ agentUuid, webhookType: POST_CALL });
      const error = await errorOf(createWebhook({ agentUuid, webhookType: PRE_CALL }));
      expect(error).to.include({ code: 'ALREADY_EXISTS', reason: 'WEBHOOK_EXISTS' });
      expect(error.resource).to.deep.equal({ type: 'webhook', name: first.webhookUuid });
    });

    it('makes exactly one of ten at once', async () => {
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

    it('says which agent is not there, whatever is wrong with the configuration', async () => {
      const webhookConfig = configOf({ method: '' });
      const error = await errorOf(createWebhook({ agentUuid: NOBODY, webhookType: PRE_CALL, webhookConfig }));
      expect(error).to.include({ code: 'NOT_FOUND', reason: 'AGENT_NOT_FOUND' });
      expect(error.resource).to.deep.equal({ type: 'agent', name: NOBODY });
      expect(error.fields).to.deep.equal([]);
    });
  });

  describe('GetWebhook and DeleteWebhook', () => {
    it('take an agent_uuid that matches, in any case', async () => {
      const { agentUuid, webhooks } = await createAgent({ webhooks: [webhookOf(PRE_CALL)] });
      const request = {
        webhookUuid: webhooks[0]?.webhookUuid.toUpperCase() ?? '',
        agentUuid: agentUuid.toUpperCase(),
      };
      expect((await app.rpc.webhooks.getWebhook(request)).webhook).to.deep.equal(webhooks[0]);
      await app.rpc.webhooks.deleteWebhook(request);
      expect(await errorOf(app.rpc.webhooks.getWebhook(request))).to.include({ reason: 'WEBHOOK_NOT_FOUND' });
    });

    it('do not find the webhook of another agent', async () => {
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

    it('delete only the revision that was seen', async () => {
      const { webhooks } = await createAgent({ webhooks: [webhookOf(PRE_CALL)] });
      const { webhookUuid = '', etag = '' } = webhooks[0] ?? {};
      const error = await errorOf(app.rpc.webhooks.deleteWebhook({ webhookUuid, etag: 'stale' }));
      expect(error).to.include({ code: 'ABORTED', reason: 'ETAG_MISMATCH' });
      await app.rpc.webhooks.deleteWebhook({ webhookUuid, etag });
      expect(await errorOf(read(webhookUuid))).to.include({ reason: 'WEBHOOK_NOT_FOUND' });
    });

    it('make room for a new one of the type, with another identity', async () => {
      const { agentUuid, webhooks } = await createAgent({ webhooks: [webhookOf(PRE_CALL)] });
      await app.rpc.webhooks.deleteWebhook({ webhookUuid: webhooks[0]?.webhookUuid ?? '' });
      const webhook = await createWebhook({ agentUuid, webhookType: PRE_CALL });
      expect(webhook.webhookUuid).not.to.equal(webhooks[0]?.webhookUuid);
    });
  });

  describe('UpdateWebhook', () => {
    const full = () =>
      createAgent({
        dynamicVariables: { customer_name: '' },
        webhooks: [webhookOf(PRE_CALL, existingConfig())],
      });
    /** What an update of everything would write. */
    const wanted: Partially<pb.Webhook> = {
      disabled: true,
      webhookConfig: {
        apiSchema: {
          url: 'https://api.example.com/new',
          method: 'PUT',
          requestHeaders: { 'X-New': '1' },
          requestBody: 'text',
        },
        assignments: [],
        responseTimeoutSecs: 3,
        failurePolicy: 2,
      },
    };
    type Change = (webhook: pb.Webhook) => void;
    const schemaOf = (webhook: pb.Webhook) => webhook.webhookConfig?.apiSchema as pb.ApiSchema;
    const rows: [string, Change][] = [
      ['disabled', (webhook) => (webhook.disabled = true)],
      ['webhook_config.api_schema.url', (webhook) => (schemaOf(webhook).url = 'https://api.example.com/new')],
      ['webhook_config.api_schema.method', (webhook) => (schemaOf(webhook).method = 'PUT')],
      [
        'webhook_config.api_schema.request_headers',
        (webhook) => (schemaOf(webhook).requestHeaders = { 'X-New': '1' }),
      ],
      [
        'webhook_config.assignments',
        (webhook) => ((webhook.webhookConfig as pb.WebhookConfig).assignments = []),
      ],
      [
        'webhook_config.response_timeout_secs',
        (webhook) => ((webhook.webhookConfig as pb.WebhookConfig).responseTimeoutSecs = 3),
      ],
      [
        'webhook_config.failure_policy',
        (webhook) => ((webhook.webhookConfig as pb.WebhookConfig).failurePolicy = 2),
      ],
    ];
    for (const [path, change] of rows) {
      it(`changes ${path} and nothing else`, async () => {
        const [webhook] = (await full()).webhooks as [pb.Webhook];
        const updated = await update({ ...wanted, webhookUuid: webhook.webhookUuid }, [path]);
        change(webhook);
        expect(updated).to.deep.equal({ ...webhook, etag: updated.etag, updatedAt: updated.updatedAt });
        expect(updated.etag).not.to.equal(webhook.etag);
        expect(await read(webhook.webhookUuid)).to.deep.equal(updated);
      });
    }

    it('replaces webhook_config.api_schema whole', async () => {
      const [webhook] = (await full()).webhooks as [pb.Webhook];
      const updated = await update({ ...wanted, webhookUuid: webhook.webhookUuid }, [
        'webhook_config.api_schema',
      ]);
      expect(updated.webhookConfig?.apiSchema).to.deep.equal(wanted.webhookConfig?.apiSchema);
      expect(updated.webhookConfig?.assignments).to.deep.equal(webhook.webhookConfig?.assignments);
    });

    it('replaces every mutable field for "*", and only those', async () => {
      const [webhook] = (await full()).webhooks as [pb.Webhook];
      const noise = { webhookType: POST_CALL, createdAt: new Date(0) };
      const updated = await update({ ...wanted, ...noise, webhookUuid: webhook.webhookUuid }, ['*']);
      expect(updated).to.deep.equal({
        ...webhook,
        disabled: true,
        webhookConfig: { ...wanted.webhookConfig, signingSecretNames: [] },
        etag: updated.etag,
        updatedAt: updated.updatedAt,
      });
    });

    it('checks the result as a whole: a GET takes no body', async () => {
      const [webhook] = (await full()).webhooks as [pb.Webhook];
      const error = await errorOf(
        update({ webhookUuid: webhook.webhookUuid, webhookConfig: { apiSchema: { method: 'GET' } } }, [
          'webhook_config.api_schema.method',
        ]),
      );
      expect(error.fields).to.deep.equal(['webhook.webhook_config.api_schema.request_body']);
      expect(await read(webhook.webhookUuid)).to.deep.equal(webhook);
    });

    it('refuses a stale etag', async () => {
      const [webhook] = (await full()).webhooks as [pb.Webhook];
      const { webhookUuid, etag } = webhook;
      const updated = await update({ webhookUuid, etag, disabled: true }, ['disabled']);
      const error = await errorOf(update({ webhookUuid, etag, disabled: false }, ['disabled']));
      expect(error).to.include({ code: 'ABORTED', reason: 'ETAG_MISMATCH' });
      expect(await read(webhookUuid)).to.deep.equal(updated);
    });

    it('says that the webhook is not there, whatever is wrong with the configuration', async () => {
      const partial = { webhookUuid: NOBODY, webhookConfig: { responseTimeoutSecs: 61 } };
      const error = await errorOf(update(partial, ['webhook_config.response_timeout_secs']));
      expect(error).to.include({ code: 'NOT_FOUND', reason: 'WEBHOOK_NOT_FOUND' });
      expect(error.resource).to.deep.equal({ type: 'webhook', name: NOBODY });
    });

    it('refuses a bad mask before it says that the webhook is not there', async () => {
      const error = await errorOf(update({ webhookUuid: NOBODY, disabled: true }, ['disabled', 'etag']));
      expect(error.fields).to.deep.equal(['update_mask.paths[1]']);
    });

    it('lists what is wrong with the mask and the configuration together', async () => {
      const [webhook] = (await full()).webhooks as [pb.Webhook];
      const partial = { webhookUuid: webhook.webhookUuid, webhookConfig: { responseTimeoutSecs: 61 } };
      const error = await errorOf(update(partial, ['webhook_config.response_timeout_secs', 'etag']));
      expect(error.fields).to.deep.equal([
        'update_mask.paths[1]',
        'webhook.webhook_config.response_timeout_secs',
      ]);
    });

    it('loses no change of twenty writers of different fields', async () => {
      const [webhook] = (await full()).webhooks as [pb.Webhook];
      const { webhookUuid } = webhook;
      const changes = rows.flatMap(([path]) => [path, path, path]);
      await Promise.all(changes.map((path) => update({ ...wanted, webhookUuid }, [path])));
      for (const [, change] of rows) change(webhook);
      expect(await read(webhookUuid)).to.deep.include({
        disabled: true,
        webhookConfig: webhook.webhookConfig,
      });
    });
  });

  describe('a URL that a newer egress policy denies', () => {
    it('does not stand in the way of other changes', async () => {
      const { webhooks } = await createAgent({
        webhooks: [webhookOf(PRE_CALL, configOf({ url: 'http://127.0.0.1:9/x' }))],
      });
      const webhookUuid = webhooks[0]?.webhookUuid ?? '';
      await app.restart({});
      const disabled = await update({ webhookUuid, disabled: true }, ['disabled']);
      expect(disabled.disabled).to.equal(true);
      const limit = { webhookUuid, webhookConfig: { responseTimeoutSecs: 2 } };
      await update(limit, ['webhook_config.response_timeout_secs']);
      const url = { webhookUuid, webhookConfig: configOf({ url: 'http://127.0.0.1:9/x' }) };
      const error = await errorOf(update(url, ['webhook_config.api_schema.url']));
      expect(error.fields).to.deep.equal(['webhook.webhook_config.api_schema.url']);
      await app.rpc.webhooks.deleteWebhook({ webhookUuid });
    });
  });
});
