import { expect } from 'chai';
import * as pb from '../../src/gen/index.callhooks.v1.ts';
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

  const createAgent = async (agent: Partially<pb.Agent>) =>
    (await app.rpc.agents.createAgent({ agent })).agent as pb.Agent;
  const read = async (webhookUuid: string) => (await app.rpc.webhooks.getWebhook({ webhookUuid })).webhook;
  const update = async (webhook: Partially<pb.Webhook>, updateMask: string[]) =>
    (await app.rpc.webhooks.updateWebhook({ webhook, updateMask })).webhook as pb.Webhook;

  describe('UpdateWebhook', () => {
    const full = () =>
      createAgent({
        dynamicVariables: { customer_name: '' },
        webhooks: [webhookOf(PRE_CALL, existingConfig())],
      });
    /** An update of every field would write this. */
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

    it('replaces all of webhook_config.api_schema', async () => {
      const [webhook] = (await full()).webhooks as [pb.Webhook];
      const updated = await update({ ...wanted, webhookUuid: webhook.webhookUuid }, [
        'webhook_config.api_schema',
      ]);
      expect(updated.webhookConfig?.apiSchema).to.deep.equal({
        ...pb.ApiSchema.fromPartial({}),
        ...wanted.webhookConfig?.apiSchema,
      });
      expect(updated.webhookConfig?.assignments).to.deep.equal(webhook.webhookConfig?.assignments);
    });

    it('replaces every mutable field for "*", and no other', async () => {
      const [webhook] = (await full()).webhooks as [pb.Webhook];
      const noise = { webhookType: POST_CALL, createdAt: new Date(0) };
      const updated = await update({ ...wanted, ...noise, webhookUuid: webhook.webhookUuid }, ['*']);
      expect(updated).to.deep.equal({
        ...webhook,
        disabled: true,
        webhookConfig: {
          ...pb.WebhookConfig.fromPartial({}),
          ...wanted.webhookConfig,
          apiSchema: { ...pb.ApiSchema.fromPartial({}), ...wanted.webhookConfig?.apiSchema },
        },
        etag: updated.etag,
        updatedAt: updated.updatedAt,
      });
    });

    it('refuses a change to GET while the webhook has a body', async () => {
      const [webhook] = (await full()).webhooks as [pb.Webhook];
      const error = await errorOf(
        update({ webhookUuid: webhook.webhookUuid, webhookConfig: { apiSchema: { method: 'GET' } } }, [
          'webhook_config.api_schema.method',
        ]),
      );
      expect(error.fields).to.deep.equal(['webhook.webhook_config.api_schema.request_body']);
      expect(await read(webhook.webhookUuid)).to.deep.equal(webhook);
    });

    it('refuses an older etag as ETAG_MISMATCH', async () => {
      const [webhook] = (await full()).webhooks as [pb.Webhook];
      const { webhookUuid, etag } = webhook;
      const updated = await update({ webhookUuid, etag, disabled: true }, ['disabled']);
      const error = await errorOf(update({ webhookUuid, etag, disabled: false }, ['disabled']));
      expect(error).to.include({ code: 'ABORTED', reason: 'ETAG_MISMATCH' });
      expect(await read(webhookUuid)).to.deep.equal(updated);
    });

    it('answers WEBHOOK_NOT_FOUND for a webhook that does not exist, also when the configuration is invalid', async () => {
      const partial = { webhookUuid: NOBODY, webhookConfig: { responseTimeoutSecs: 61 } };
      const error = await errorOf(update(partial, ['webhook_config.response_timeout_secs']));
      expect(error).to.include({ code: 'NOT_FOUND', reason: 'WEBHOOK_NOT_FOUND' });
      expect(error.resource).to.deep.equal({ type: 'webhook', name: NOBODY });
    });

    it('refuses an invalid mask before it looks for the webhook', async () => {
      const error = await errorOf(update({ webhookUuid: NOBODY, disabled: true }, ['disabled', 'etag']));
      expect(error.fields).to.deep.equal(['update_mask.paths[1]']);
    });

    it('lists the violations of mask and configuration together', async () => {
      const [webhook] = (await full()).webhooks as [pb.Webhook];
      const partial = { webhookUuid: webhook.webhookUuid, webhookConfig: { responseTimeoutSecs: 61 } };
      const error = await errorOf(update(partial, ['webhook_config.response_timeout_secs', 'etag']));
      expect(error.fields).to.deep.equal([
        'update_mask.paths[1]',
        'webhook.webhook_config.response_timeout_secs',
      ]);
    });

    it('loses no change when twenty requests change different fields at once', async () => {
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

  describe('A URL that a newer egress policy denies', () => {
    it('does not prevent changes of other fields, and is refused when it is set again', async () => {
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
