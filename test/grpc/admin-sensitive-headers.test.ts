import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { createConnection, type RowDataPacket } from 'mysql2/promise';
import type * as pb from '../../src/gen/index.callhooks.v1.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import { describeEachEngine, type FreshDatabase } from '../support/engines.ts';
import { startReceiver, type Receiver } from '../support/receiver.ts';
import { errorOf, type Partially } from '../support/rpc.ts';
import { configOf, POST_CALL, PRE_CALL, webhookOf } from '../support/samples.ts';

const MASK = '••••••';

/** Reads everything in a database: the files of SQLite, or every value of every table of MariaDB. */
async function storedBytes({ url, dataDir }: FreshDatabase): Promise<Buffer[]> {
  if (url === null) return readdirSync(dataDir).map((name) => readFileSync(join(dataDir, name)));
  const connection = await createConnection(url);
  try {
    const [tables] = await connection.query<RowDataPacket[]>('SHOW TABLES');
    const names = tables.map((row) => String(Object.values(row)[0]));
    const rows = await Promise.all(
      names.map((name) => connection.query<RowDataPacket[]>(`SELECT * FROM \`${name}\``)),
    );
    const values = rows.flatMap(([found]) => found.flatMap((row) => Object.values(row) as unknown[]));
    return values.map((value) => (Buffer.isBuffer(value) ? value : Buffer.from(String(value))));
  } finally {
    await connection.end();
  }
}

describeEachEngine('Sensitive headers of webhooks', (engine) => {
  let app: TestApp;
  let receiver: Receiver;
  before(async () => {
    receiver = await startReceiver();
    app = await startTestApp(engine, { CALLHOOKS_EGRESS_ALLOW: '127.0.0.1' });
  });
  after(async () => {
    await app.close();
    await receiver.close();
  });

  const createAgent = async (agent: Partially<pb.Agent>, secrets: Record<string, string> = {}) =>
    (await app.rpc.agents.createAgent({ agent, secrets })).agent as pb.Agent;
  const read = async ({ agentUuid }: pb.Agent) =>
    (await app.rpc.agents.getAgent({ agentUuid })).agent as pb.Agent;
  const update = async (webhook: Partially<pb.Webhook>, updateMask: string[]) =>
    (await app.rpc.webhooks.updateWebhook({ webhook, updateMask })).webhook as pb.Webhook;
  const updateAgent = async (request: Partially<pb.UpdateAgentRequest>) =>
    (await app.rpc.agents.updateAgent(request)).agent as pb.Agent;
  const withHeaders = (requestHeaders: Record<string, string>, more: Partially<pb.ApiSchema> = {}) =>
    configOf({ url: `${receiver.url}/a`, requestHeaders, ...more });
  const only = ({ webhooks }: pb.Agent): pb.Webhook => webhooks[0] as pb.Webhook;
  const headersOf = (webhook: pb.Webhook) => webhook.webhookConfig?.apiSchema?.requestHeaders;
  /** Sends a webhook and returns the headers that its endpoint gets. */
  const sentHeaders = async ({ webhookUuid }: pb.Webhook) => {
    const count = receiver.requests.length;
    const { failure } = await app.rpc.webhooks.testWebhook({ webhookUuid, send: true });
    expect(failure).to.equal(undefined);
    return (await receiver.waitFor(count + 1)).at(-1)?.headers;
  };

  it('are read as a mask unless they are placeholders only', async () => {
    const agent = await createAgent(
      {
        dynamicVariables: { x: '' },
        webhooks: [
          webhookOf(
            PRE_CALL,
            withHeaders({
              Authorization: 'Bearer abcdefgh-literal',
              'X-Api-Key': '{{secret.s}}',
              Cookie: 'session={{x}}',
              Proxy_Token: 'Bearer {{secret.s}}',
              'X-Plain': 'visible',
              'Idempotency-Key': 'visible too',
            }),
          ),
        ],
      },
      { s: 'sss' },
    );
    expect(headersOf(only(agent))).to.deep.equal({
      Authorization: MASK,
      'X-Api-Key': '{{secret.s}}',
      Cookie: MASK,
      Proxy_Token: 'Bearer {{secret.s}}',
      'X-Plain': 'visible',
      'Idempotency-Key': 'visible too',
    });
    expect(await read(agent)).to.deep.equal(agent);
  });

  it('keep their value when the mask is written back, whatever the case of their name', async () => {
    const agent = await createAgent({
      webhooks: [webhookOf(PRE_CALL, withHeaders({ Authorization: 'Bearer literal-1' }))],
    });
    const { webhookUuid } = only(agent);
    const webhookConfig = withHeaders(
      { AUTHORIZATION: MASK, 'X-Token': 'literal-2' },
      { url: `${receiver.url}/b?c=d` },
    );
    const updated = await update({ webhookUuid, webhookConfig }, ['webhook_config']);
    expect(headersOf(updated)).to.deep.equal({ AUTHORIZATION: MASK, 'X-Token': MASK });
    expect(await sentHeaders(updated)).to.include({
      authorization: 'Bearer literal-1',
      'x-token': 'literal-2',
    });
  });

  it('keep their value when other fields change', async () => {
    const agent = await createAgent({
      webhooks: [webhookOf(PRE_CALL, withHeaders({ Authorization: 'Bearer literal-3' }))],
    });
    const updated = await update({ webhookUuid: only(agent).webhookUuid, disabled: true }, ['disabled']);
    expect(await sentHeaders(updated)).to.include({ authorization: 'Bearer literal-3' });
  });

  it('take a new value, and lose the old one when the header is left out', async () => {
    const agent = await createAgent({
      webhooks: [webhookOf(PRE_CALL, withHeaders({ Authorization: 'Bearer old-value' }))],
    });
    const { webhookUuid } = only(agent);
    const mask = ['webhook_config.api_schema.request_headers'];
    const changed = await update(
      { webhookUuid, webhookConfig: withHeaders({ Authorization: 'Bearer new-value' }) },
      mask,
    );
    expect(await sentHeaders(changed)).to.include({ authorization: 'Bearer new-value' });
    await update({ webhookUuid, webhookConfig: withHeaders({}) }, mask);
    const error = await errorOf(
      update({ webhookUuid, webhookConfig: withHeaders({ Authorization: MASK }) }, mask),
    );
    expect(error.fields).to.deep.equal(['webhook.webhook_config.api_schema.request_headers[Authorization]']);
  });

  const otherOrigins: [string, (url: URL) => void][] = [
    ['port', (url) => (url.port = String(Number(url.port) ^ 1))],
    ['host', (url) => (url.hostname = '127.0.0.2')],
    ['scheme', (url) => (url.protocol = 'https:')],
  ];
  for (const [part, change] of otherOrigins) {
    it(`are refused as a mask when the URL changes to another ${part}`, async () => {
      await app.restart({ CALLHOOKS_EGRESS_ALLOW: '127.0.0.0/8' });
      const agent = await createAgent({
        webhooks: [webhookOf(PRE_CALL, withHeaders({ Authorization: 'Bearer literal' }))],
      });
      const { webhookUuid } = only(agent);
      const url = new URL(`${receiver.url}/a`);
      change(url);
      const webhookConfig = withHeaders({ Authorization: MASK }, { url: url.href });
      const fields = ['webhook.webhook_config.api_schema.request_headers[Authorization]'];
      for (const mask of ['webhook_config.api_schema.url', 'webhook_config']) {
        expect((await errorOf(update({ webhookUuid, webhookConfig }, [mask]))).fields).to.deep.equal(fields);
      }
      const viaAgent = { agentUuid: agent.agentUuid, webhooks: [webhookOf(PRE_CALL, webhookConfig)] };
      const error = await errorOf(updateAgent({ agent: viaAgent, updateMask: ['webhooks'] }));
      expect(error.fields).to.deep.equal([
        'agent.webhooks[0].webhook_config.api_schema.request_headers[Authorization]',
      ]);
      expect(await read(agent)).to.deep.equal(agent);
    });
  }

  it('are refused as a mask in another webhook or agent', async () => {
    const config = withHeaders({ Authorization: 'Bearer literal' });
    const agent = await createAgent({ webhooks: [webhookOf(PRE_CALL, config)] });
    const masked = withHeaders({ Authorization: MASK });
    const { agentUuid } = agent;
    const asPostCall = app.rpc.webhooks.createWebhook({
      agentUuid,
      webhookType: POST_CALL,
      webhookConfig: masked,
    });
    expect((await errorOf(asPostCall)).fields).to.deep.equal([
      'webhook_config.api_schema.request_headers[Authorization]',
    ]);
    expect((await errorOf(createAgent({ webhooks: [webhookOf(PRE_CALL, masked)] }))).reason).to.equal(
      'VALIDATION_FAILED',
    );
  });

  it('are not in the database in plain text, nor are secrets', async () => {
    await createAgent(
      { webhooks: [webhookOf(PRE_CALL, withHeaders({ Authorization: 'Bearer find-me-in-a-header' }))] },
      { s: 'find-me-in-a-secret' },
    );
    const stored = Buffer.concat(await storedBytes(app.database));
    expect(stored.includes(receiver.url)).to.equal(true);
    expect(stored.includes('find-me-in')).to.equal(false);
  });

  it('are not in the log', () => {
    const log = JSON.stringify(app.logLines);
    for (const secret of ['literal', 'find-me-in']) expect(log).not.to.include(secret);
  });
});
