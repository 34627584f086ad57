import { expect } from 'chai';
import type * as pb from '../../src/gen/index.callhooks.v1.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import { describeEachEngine } from '../support/engines.ts';
import { errorOf, type Partially } from '../support/rpc.ts';
import { configOf, POST_CALL, PRE_CALL, webhookOf } from '../support/samples.ts';

const SIGNING = `whsec_${Buffer.alloc(24, 3).toString('base64')}`;
// Nothing is sent in these tests.
const ORIGIN = 'http://127.0.0.1:9';

describeEachEngine('Secrets of agents', (engine) => {
  let app: TestApp;
  before(async () => {
    app = await startTestApp(engine, { CALLHOOKS_EGRESS_ALLOW: '127.0.0.1' });
  });
  after(() => app.close());

  const createAgent = async (agent: Partially<pb.Agent>, secrets: Record<string, string> = {}) =>
    (await app.rpc.agents.createAgent({ agent, secrets })).agent as pb.Agent;
  const read = async ({ agentUuid }: pb.Agent) =>
    (await app.rpc.agents.getAgent({ agentUuid })).agent as pb.Agent;
  const update = async (webhook: Partially<pb.Webhook>, updateMask: string[]) =>
    (await app.rpc.webhooks.updateWebhook({ webhook, updateMask })).webhook as pb.Webhook;
  const updateAgent = async (request: Partially<pb.UpdateAgentRequest>) =>
    (await app.rpc.agents.updateAgent(request)).agent as pb.Agent;
  const withHeaders = (requestHeaders: Record<string, string>) =>
    configOf({ url: `${ORIGIN}/a`, requestHeaders });
  const only = ({ webhooks }: pb.Agent): pb.Webhook => webhooks[0] as pb.Webhook;

  describe('that are in use, and variables,', () => {
    const everywhere = () =>
      createAgent(
        {
          dynamicVariables: { x: 1, y: 2, z: 3, free: 4 },
          webhooks: [
            webhookOf(
              PRE_CALL,
              configOf(
                {
                  url: `${ORIGIN}/{{x}}`,
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

    it('are not removed: the error names every use of every variable', async () => {
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

    it('are not removed: the error names every use of every secret', async () => {
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

    it('are removed with their last use, in one request', async () => {
      const agent = await everywhere();
      const webhooks = [webhookOf(PRE_CALL), webhookOf(POST_CALL)];
      const updated = await updateAgent({
        agent: { agentUuid: agent.agentUuid, dynamicVariables: {}, webhooks },
        updateMask: ['dynamic_variables', 'webhooks'],
        removeSecrets: ['s', 'sign', 'unused'],
      });
      expect(updated).to.deep.include({ dynamicVariables: {}, secretNames: [] });
    });

    it('are kept while others that are not in use are removed', async () => {
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

  describe('that sign', () => {
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

    it('cause one violation when webhook and value come in one request', async () => {
      const error = await errorOf(
        createAgent({ webhooks: [webhookOf(PRE_CALL, signedBy('sign'))] }, { sign: 'bad' }),
      );
      expect(error.fields).to.deep.equal(['agent.webhooks[0].webhook_config.signing_secret_names[0]']);
    });
  });

  describe('in the audit log', () => {
    const auditLines = () => app.logLines.filter(({ msg }) => msg === 'audit');

    it('have a line for every change of the origin that they go to, and for no other change', async () => {
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
      await update({ webhookUuid, webhookConfig: configOf({ url: `${ORIGIN}/elsewhere` }) }, [
        'webhook_config.api_schema.url',
      ]);
      await update({ webhookUuid, webhookConfig: configOf({ url: 'https://other.example.com:444/p' }) }, [
        'webhook_config',
      ]);
      const lines = auditLines().slice(before);
      expect(lines.map(({ action, origin }) => [action, origin])).to.deep.equal([
        ['CreateAgent', ORIGIN],
        ['UpdateWebhook', 'https://other.example.com:444'],
      ]);
      expect(JSON.stringify(lines[0]))
        .to.include('["a","b"]')
        .and.to.include(webhookUuid)
        .and.to.include(agent.agentUuid);
      expect(JSON.stringify(lines)).not.to.include('secret"').and.not.to.include('/elsewhere');
    });

    it('are in no line of the log in plain text', () => {
      const log = JSON.stringify(app.logLines);
      for (const secret of ['first secret', SIGNING]) expect(log).not.to.include(secret);
    });
  });
});
