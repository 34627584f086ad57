import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { startTestApp, type TestApp } from '../support/app.ts';
import { sqliteEngine } from '../support/engines.ts';
import { startReceiver, type Receiver } from '../support/receiver.ts';
import { configOf, PRE_CALL, webhookOf } from '../support/samples.ts';
import { TOKEN_SETTINGS, TOKENS, withToken } from '../support/tokens.ts';
import { consoleClient, formTokenOf } from './support/console-client.ts';

describe('The page that tries a webhook, on a server with tokens', () => {
  let app: TestApp;
  let endpoint: Receiver;
  let webhookUuid = '';
  let agentUuid = '';

  before(async () => {
    app = await startTestApp(sqliteEngine()!, { ...TOKEN_SETTINGS, CALLHOOKS_EGRESS_ALLOW: '127.0.0.0/8' });
    endpoint = await startReceiver();
    const webhook = webhookOf(PRE_CALL, configOf({ url: endpoint.url }));
    const { agent } = await app.rpc.agents.createAgent(
      { agent: { webhooks: [webhook] } },
      withToken(TOKENS.admin),
    );
    webhookUuid = agent?.webhooks[0]?.webhookUuid ?? '';
    agentUuid = agent?.agentUuid ?? '';
  });
  after(async () => {
    await app.close();
    await endpoint.close();
  });

  const sendAs = async (role: keyof typeof TOKENS) => {
    const client = consoleClient(app.opsAddress);
    await client.logIn(role);
    const shown = await client.get(`/console/try?webhook=${webhookUuid}`);
    // A viewer has no form here, but the token of any form of the session is good for it.
    const csrf = formTokenOf(shown.body) || formTokenOf((await client.get('/console')).body);
    expect(csrf).not.to.equal('');
    const etag = (await app.rpc.agents.getAgent({ agentUuid }, withToken(TOKENS.admin))).agent?.etag ?? '';
    const form = { csrf, webhook_uuid: webhookUuid, send_key: randomUUID(), agent_etag: etag };
    const posted = await client.post('/console/try', form);
    return { shown, posted };
  };

  for (const role of ['viewer', 'lifecycle'] as const) {
    it(`says to a ${role} which role it takes, and refuses to send`, async () => {
      const { shown, posted } = await sendAs(role);
      expect(shown.status).to.equal(200);
      expect(shown.body).to.include(`has the role ${role}`).and.include('takes the role admin');
      expect(posted.status).to.equal(403);
      expect(endpoint.requests).to.have.length(0);
    });
  }

  it('sends for an admin, and writes a line for the audit with the name of the token', async () => {
    const { posted } = await sendAs('admin');
    expect(posted.status).to.equal(200);
    expect(endpoint.requests).to.have.length(1);
    const lines = app.logLines.filter((line) => line['action'] === 'TestWebhook');
    expect(lines).to.have.length(1);
    expect(lines[0]).to.include({ caller: 'admin', webhook_uuid: webhookUuid });
  });
});
