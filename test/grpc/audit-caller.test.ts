import { expect } from 'chai';
import { startTestApp, type TestApp } from '../support/app.ts';
import { engines } from '../support/engines.ts';
import { startReceiver, type Receiver } from '../support/receiver.ts';
import { WebhookType } from '../../src/gen/index.callhooks.v1.ts';
import { TOKEN_SETTINGS, TOKENS, withToken } from '../support/tokens.ts';

const ADMIN = withToken(TOKENS.admin);
const PRE_CALL = WebhookType.WEBHOOK_TYPE_PRE_CALL;

describe('The lines of the audit log', function () {
  this.timeout(20_000);
  let app: TestApp;
  let receiver: Receiver;
  before(async () => {
    receiver = await startReceiver();
    app = await startTestApp(engines()[0]!, { ...TOKEN_SETTINGS, CALLHOOKS_EGRESS_ALLOW: '127.0.0.1' });
  });
  after(async () => {
    await app.close();
    await receiver.close();
  });

  it('name the token for each action that sends secrets to another origin', async () => {
    const { agents, webhooks } = app.rpc;
    const configOf = (url: string) => ({ apiSchema: { url, method: 'POST' } });
    const webhookConfig = configOf('https://one.example/');
    const agent = { webhooks: [{ webhookType: PRE_CALL, webhookConfig }] };
    const { agent: created } = await agents.createAgent({ agent }, ADMIN);
    const [webhook] = created?.webhooks ?? [];
    const webhookUuid = webhook?.webhookUuid ?? '';
    const update = { webhookUuid, webhookConfig: configOf('https://two.example/') };
    await webhooks.updateWebhook({ webhook: update, updateMask: ['webhook_config.api_schema.url'] }, ADMIN);
    const replaced = { webhookType: PRE_CALL, webhookConfig: configOf(`${receiver.url}/hook`) };
    await agents.updateAgent(
      { agent: { agentUuid: created?.agentUuid ?? '', webhooks: [replaced] }, updateMask: ['webhooks'] },
      ADMIN,
    );
    const post = { webhookType: WebhookType.WEBHOOK_TYPE_POST_CALL, webhookConfig };
    await webhooks.createWebhook({ agentUuid: created?.agentUuid ?? '', ...post }, ADMIN);
    await webhooks.testWebhook({ webhookUuid, send: true }, ADMIN);
    const lines = app.logLines.filter(({ msg }) => msg === 'audit');
    expect(lines.map(({ action, caller }) => [action, caller])).to.deep.equal([
      ['CreateAgent', 'admin'],
      ['UpdateWebhook', 'admin'],
      ['UpdateAgent', 'admin'],
      ['CreateWebhook', 'admin'],
      ['TestWebhook', 'admin'],
    ]);
  });
});
