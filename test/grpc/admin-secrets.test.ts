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
const SIGNING = `whsec_${Buffer.alloc(24, 3).toString('base64')}`;

/** All that lies in a database: the files of the embedded one, every row of every table of the other. */
const storedBytes = async ({ url, dataDir }: FreshDatabase): Promise<Buffer[]> => {
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
};

describeEachEngine('secrets of agents and webhooks', (engine) => {
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
  /** What the endpoint really gets. */
  const sentHeaders = async ({ webhookUuid }: pb.Webhook) => {
    const count = receiver.requests.length;
    const { failure } = await app.rpc.webhooks.testWebhook({ webhookUuid, send: true });
    expect(failure).to.equal(undefined);
    return (await receiver.waitFor(count + 1)).at(-1)?.headers;
  };

  describe('sensitive headers', () => {
    it('read as a mask unless they are placeholders', async () => {
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

    it('keep their value where the mask is written back, under any case of the name', async () => {
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

    it('take a new value, and lose the old one where the header is left out', async () => {
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
      expect(error.fields).to.deep.equal([
        'webhook.webhook_config.api_schema.request_headers[Authorization]',
      ]);
    });

    const otherOrigins: [string, (url: URL) => void][] = [
      ['port', (url) => (url.port = String(Number(url.port) ^ 1))],
      ['host', (url) => (url.hostname = '127.0.0.2')],
      ['scheme', (url) => (url.protocol = 'https:')],
    ];
    for (const [part, change] of otherOrigins) {
      it(`do not follow the URL to another ${part}`, async () => {
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
          expect((await errorOf(update({ webhookUuid, webhookConfig }, [mask]))).fields).to.deep.equal(
            fields,
          );
        }
        const viaAgent = { agentUuid: agent.agentUuid, webhooks: [webhookOf(PRE_CALL, webhookConfig)] };
        const error = await errorOf(updateAgent({ agent: viaAgent, updateMask: ['webhooks'] }));
        expect(error.fields).to.deep.equal([
          'agent.webhooks[0].webhook_config.api_schema.request_headers[Authorization]',
        ]);
        expect(await read(agent)).to.deep.equal(agent);
      });
    }

    it('do not move from one webhook or agent to another', async () => {
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

    it('and secrets are not found in the database as they are', async () => {
      await createAgent(
        { webhooks: [webhookOf(PRE_CALL, withHeaders({ Authorization: 'Bearer find-me-in-a-header' }))] },
        { s: 'find-me-in-a-secret' },
      );
      const stored = Buffer.concat(await storedBytes(app.database));
      expect(stored.includes(receiver.url)).to.equal(true);
      expect(stored.includes('find-me-in')).to.equal(false);
    });
  });

  describe('what is in use', () => {
    const everywhere = () =>
      createAgent(
        {
          dynamicVariables: { x: 1, y: 2, z: 3, free: 4 },
          webhooks: [
            webhookOf(
              PRE_CALL,
              configOf(
                {
                  url: `${receiver.url}/{{x}}`,
                  requestHeaders: { Cookie: 'id={{z}}' },
                  requestBody: [{ a: '{{x.b}}' }],
                },
                { assignments: [{ attributeName: 'a', dynamicVariable: 'y' }], signingSecretNames: ['sign'] },
              ),
            ),
            webhookOf(POST_CALL, withHeaders({ 'X-Api-Key': '{{secret.s}}', 'X-Y': '{{y}}' })),
          ],
        },
        { s: 'value', sign: SIGNING, unused: 'value' },
      );

    it('is not removed: the error names every user of every variable', async () => {
      const agent = await everywhere();
      const change = {
        agent: { agentUuid: agent.agentUuid, dynamicVariables: { free: 4 } },
        updateMask: ['dynamic_variables'],
      };
      const error = await errorOf(updateAgent(change));
      expect(error).to.include({ code: 'FAILED_PRECONDITION', reason: 'VARIABLE_IN_USE' });
      const [pre, post] = agent.webhooks.map(({ webhookUuid }) => `webhooks/${webhookUuid}`);
      expect(error.preconditions).to.deep.equal([
        { subject: pre, description: '"x": webhook_config.api_schema.url uses it' },
        { subject: pre, description: '"x": webhook_config.api_schema.request_body[0].a uses it' },
        { subject: pre, description: '"y": webhook_config.assignments[0] uses it' },
        { subject: post, description: '"y": webhook_config.api_schema.request_headers[X-Y] uses it' },
        { subject: pre, description: '"z": webhook_config.api_schema.request_headers[Cookie] uses it' },
      ]);
      expect(await read(agent)).to.deep.equal(agent);
    });

    it('is not removed: the error names the users of secrets', async () => {
      const agent = await everywhere();
      const removeSecrets = ['s', 'sign', 'unused'];
      const error = await errorOf(updateAgent({ agent: { agentUuid: agent.agentUuid }, removeSecrets }));
      expect(error).to.include({ code: 'FAILED_PRECONDITION', reason: 'SECRET_IN_USE' });
      const [pre, post] = agent.webhooks.map(({ webhookUuid }) => `webhooks/${webhookUuid}`);
      expect(error.preconditions).to.deep.equal([
        { subject: post, description: '"s": webhook_config.api_schema.request_headers[X-Api-Key] uses it' },
        { subject: pre, description: '"sign": webhook_config.signing_secret_names[0] uses it' },
      ]);
      expect((await read(agent)).secretNames).to.deep.equal(['s', 'sign', 'unused']);
    });

    it('is removed with its last user, in one request', async () => {
      const agent = await everywhere();
      const webhooks = [webhookOf(PRE_CALL), webhookOf(POST_CALL)];
      const updated = await updateAgent({
        agent: { agentUuid: agent.agentUuid, dynamicVariables: {}, webhooks },
        updateMask: ['dynamic_variables', 'webhooks'],
        removeSecrets: ['s', 'sign', 'unused'],
      });
      expect(updated).to.deep.include({ dynamicVariables: {}, secretNames: [] });
    });

    it('and what is not in use is removed', async () => {
      const agent = await everywhere();
      const { free, ...dynamicVariables } = agent.dynamicVariables as Record<string, unknown>;
      expect(free).to.equal(4);
      const updated = await updateAgent({
        agent: { agentUuid: agent.agentUuid, dynamicVariables },
        updateMask: ['dynamic_variables'],
        removeSecrets: ['unused'],
      });
      expect(updated).to.deep.include({ dynamicVariables, secretNames: ['s', 'sign'] });
    });
  });

  describe('signing secrets', () => {
    const signedBy = (name: string) => configOf({}, { signingSecretNames: [name] });

    it('are checked when a webhook names them', async () => {
      const agent = await createAgent({ webhooks: [webhookOf(PRE_CALL)] }, { plain: 'value', sign: SIGNING });
      const { webhookUuid } = only(agent);
      const mask = ['webhook_config.signing_secret_names'];
      const error = await errorOf(update({ webhookUuid, webhookConfig: signedBy('plain') }, mask));
      expect(error.fields).to.deep.equal(['webhook.webhook_config.signing_secret_names[0]']);
      expect(error.message).not.to.include('value');
      const updated = await update({ webhookUuid, webhookConfig: signedBy('sign') }, mask);
      expect(updated.webhookConfig?.signingSecretNames).to.deep.equal(['sign']);
    });

    it('are checked when their value is replaced', async () => {
      const agent = await createAgent(
        { webhooks: [webhookOf(PRE_CALL, signedBy('sign'))] },
        { sign: SIGNING },
      );
      const { agentUuid } = agent;
      const error = await errorOf(updateAgent({ agent: { agentUuid }, secrets: { sign: 'no longer one' } }));
      expect(error.fields).to.deep.equal(['secrets[sign]']);
      await updateAgent({ agent: { agentUuid }, secrets: { sign: SIGNING } });
    });

    it('are told once where webhook and value come in one request', async () => {
      const error = await errorOf(
        createAgent({ webhooks: [webhookOf(PRE_CALL, signedBy('sign'))] }, { sign: 'bad' }),
      );
      expect(error.fields).to.deep.equal(['agent.webhooks[0].webhook_config.signing_secret_names[0]']);
    });
  });

  describe('the audit log', () => {
    const auditLines = () => app.logLines.filter(({ msg }) => msg === 'audit');

    it('has a line for every change of an origin, with the secrets that go there, and for no other change', async () => {
      const before = auditLines().length;
      const agent = await createAgent(
        {
          webhooks: [
            webhookOf(PRE_CALL, withHeaders({ 'X-Api-Key': 'k{{secret.a}}', 'X-B': '{{secret.b}}' })),
          ],
        },
        { a: 'first secret', b: 'second secret', c: 'third secret' },
      );
      const { webhookUuid } = only(agent);
      await update({ webhookUuid, disabled: true }, ['disabled']);
      await update({ webhookUuid, webhookConfig: configOf({ url: `${receiver.url}/elsewhere` }) }, [
        'webhook_config.api_schema.url',
      ]);
      await update({ webhookUuid, webhookConfig: configOf({ url: 'https://other.example.com:444/p' }) }, [
        'webhook_config',
      ]);
      const lines = auditLines().slice(before);
      expect(lines.map(({ action, origin }) => [action, origin])).to.deep.equal([
        ['CreateAgent', receiver.url],
        ['UpdateWebhook', 'https://other.example.com:444'],
      ]);
      expect(JSON.stringify(lines[0]))
        .to.include('["a","b"]')
        .and.to.include(webhookUuid)
        .and.to.include(agent.agentUuid);
      expect(JSON.stringify(lines)).not.to.include('secret"').and.not.to.include('/elsewhere');
    });

    it('and the whole log hold no secret', () => {
      const log = JSON.stringify(app.logLines);
      for (const secret of ['literal', 'find-me-in', 'first secret', SIGNING])
        expect(log).not.to.include(secret);
    });
  });
});
