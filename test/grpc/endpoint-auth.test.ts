import { expect } from 'chai';
import type * as pb from '../../src/gen/index.callhooks.v1.ts';
import { makeAgent, newCall, readExecution } from '../support/calls.ts';
import { describeEachEngine } from '../support/engines.ts';
import { errorOf, type Partially } from '../support/rpc.ts';
import { configOf, PRE_CALL, webhookOf } from '../support/samples.ts';
import { useAppWithReceiver } from './app-with-receiver.ts';

const MASK = '••••••';
const AUTH = 'webhook_config.api_schema.auth';
const SECRETS = { USER: 'bob', PASSWORD: 'pä:ss-word', TOKEN: 'token-1234567890' };

function basic(username: string, password: string): Partially<pb.EndpointAuth> {
  return { method: { $case: 'basic', value: { username, password } } };
}

function bearer(token: string): Partially<pb.EndpointAuth> {
  return { method: { $case: 'bearer', value: { token } } };
}

describeEachEngine('auth of webhooks', (engine) => {
  const context = useAppWithReceiver(engine, { body: '{}' });
  const webhookWith = (auth: Partially<pb.EndpointAuth>, more: Partially<pb.ApiSchema> = {}) =>
    webhookOf(PRE_CALL, configOf({ url: `${context.receiver.url}/a`, auth, ...more }));
  const create = async (auth: Partially<pb.EndpointAuth>) => {
    const agent = { dynamicVariables: { v: 'from-a-variable' }, webhooks: [webhookWith(auth)] };
    return (await context.rpc.agents.createAgent({ agent, secrets: SECRETS })).agent as pb.Agent;
  };
  const only = ({ webhooks }: pb.Agent): pb.Webhook => webhooks[0] as pb.Webhook;
  const authOf = ({ webhookConfig }: pb.Webhook) => webhookConfig?.apiSchema?.auth?.method?.value;
  const test = async ({ webhookUuid }: pb.Webhook, more: Partially<pb.TestWebhookRequest> = {}) => {
    const reply = await context.rpc.webhooks.testWebhook({ webhookUuid, send: true, ...more });
    expect(reply.failure).to.equal(undefined);
    return context.lastRequest().headers.authorization;
  };

  const sent: [string, Partially<pb.EndpointAuth>, string][] = [
    ['basic from secrets', basic('{{secret.USER}}', '{{secret.PASSWORD}}'), 'Basic Ym9iOnDDpDpzcy13b3Jk'],
    ['basic of literal texts', basic('bob', 'x'), 'Basic Ym9iOng='],
    ['a bearer token from a secret', bearer('{{secret.TOKEN}}'), 'Bearer token-1234567890'],
    ['a bearer token from a variable', bearer('{{v}}'), 'Bearer from-a-variable'],
    ['a literal bearer token', bearer('a-literal-token'), 'Bearer a-literal-token'],
  ];
  for (const [title, auth, header] of sent)
    it(`sends ${title} with a call, and masks it in the record`, async () => {
      const agent = await create(auth);
      const { execution } = await context.rpc.calls.onCallStart(newCall(agent));
      expect(context.lastRequest().headers).to.include({ authorization: header });
      const { request } = await readExecution(context.rpc, execution?.executionUuid);
      expect(request?.headers.find(({ name }) => name === 'authorization')?.value).to.equal(MASK);
    });

  it('masks the header, the pair and the password where an endpoint returns them', async () => {
    const agent = await create(basic('{{secret.USER}}', '{{secret.PASSWORD}}'));
    const echo = { header: 'Basic Ym9iOnDDpDpzcy13b3Jk', pair: 'bob:pä:ss-word', password: 'pä:ss-word' };
    context.receiver.respond({ body: JSON.stringify(echo) });
    const { response } = await context.rpc.webhooks.testWebhook({
      webhookUuid: only(agent).webhookUuid,
      send: true,
    });
    expect(JSON.parse(response?.body ?? '')).to.deep.equal({ header: MASK, pair: MASK, password: MASK });
  });

  it('reads placeholders as they are saved, and a literal password or token as a mask', async () => {
    const shown: [Partially<pb.EndpointAuth>, object][] = [
      [basic('bob', '{{secret.PASSWORD}}'), { username: 'bob', password: '{{secret.PASSWORD}}' }],
      [basic('bob', 'literal'), { username: 'bob', password: MASK }],
      [basic('literal-key', ''), { username: MASK, password: '' }],
      [basic('', 'x{{secret.PASSWORD}}'), { username: '', password: MASK }],
      [bearer('{{secret.TOKEN}}'), { token: '{{secret.TOKEN}}' }],
      [bearer('literal'), { token: MASK }],
    ];
    for (const [auth, value] of shown) {
      const agent = await create(auth);
      expect(authOf(only(agent))).to.deep.equal(value);
      const read = await context.rpc.agents.getAgent({ agentUuid: agent.agentUuid });
      expect(read.agent).to.deep.equal(agent);
    }
  });

  it('keeps a stored password when its mask is written back for the same origin, and only then', async () => {
    const webhook = only(await create(basic('bob', 'literal-1')));
    const { webhookUuid } = webhook;
    const update = (change: Partially<pb.ApiSchema>) =>
      context.rpc.webhooks.updateWebhook({
        webhook: { webhookUuid, webhookConfig: configOf({ url: `${context.receiver.url}/b`, ...change }) },
        updateMask: ['webhook_config'],
      });
    await update({ auth: basic('alice', MASK) });
    expect(await test(webhook)).to.equal(`Basic ${btoa('alice:literal-1')}`);
    const moved = await errorOf(update({ auth: basic('alice', MASK), url: 'https://other.example/' }));
    expect(moved.fields).to.deep.equal([`webhook.${AUTH}.basic.password`]);
    const otherField = await errorOf(update({ auth: bearer(MASK) }));
    expect(otherField.fields).to.deep.equal([`webhook.${AUTH}.bearer.token`]);
    expect(await test(webhook)).to.equal(`Basic ${btoa('alice:literal-1')}`);
  });

  it('refuses another origin for a stored token when only the URL is changed', async () => {
    const { webhookUuid } = only(await create(bearer('literal')));
    const webhookConfig = configOf({ url: 'https://other.example/' });
    const updateMask = ['webhook_config.api_schema.url'];
    const error = await errorOf(
      context.rpc.webhooks.updateWebhook({ webhook: { webhookUuid, webhookConfig }, updateMask }),
    );
    expect(error.fields).to.deep.equal([`webhook.${AUTH}.bearer.token`]);
  });

  it('changes auth alone by its update mask, and removes it', async () => {
    const webhook = only(await create(bearer('literal')));
    const { webhookUuid } = webhook;
    const updateMask = [AUTH];
    const change = async (auth?: Partially<pb.EndpointAuth>) => {
      const webhookConfig = { apiSchema: { url: 'https://ignored.example/', auth } };
      await context.rpc.webhooks.updateWebhook({ webhook: { webhookUuid, webhookConfig }, updateMask });
      return test(webhook);
    };
    expect(await change(bearer('{{secret.TOKEN}}'))).to.equal('Bearer token-1234567890');
    expect(await change()).to.equal(undefined);
  });

  it('uses a given configuration in a test, with the stored password for its mask', async () => {
    const webhook = only(await create(basic('bob', 'literal-2')));
    const given = (auth: Partially<pb.EndpointAuth>) => ({
      webhookConfig: configOf({ url: `${context.receiver.url}/a`, auth }),
    });
    expect(await test(webhook, given(basic('eve', MASK)))).to.equal(`Basic ${btoa('eve:literal-2')}`);
    expect(await test(webhook, given(bearer('{{secret.TOKEN}}')))).to.equal('Bearer token-1234567890');
  });

  it('refuses to remove a secret or a variable that auth uses, also in a sealed text', async () => {
    const withSecret = await create(basic('bob', 'x{{secret.PASSWORD}}'));
    const removal = { agent: { agentUuid: withSecret.agentUuid }, removeSecrets: ['PASSWORD', 'TOKEN'] };
    const inUse = await errorOf(context.rpc.agents.updateAgent(removal));
    expect(inUse.reason).to.equal('SECRET_IN_USE');
    expect(inUse.message).to.contain(`"PASSWORD": ${AUTH}.basic.password uses it`);
    const { agentUuid } = await create(bearer('{{v}}'));
    const error = await errorOf(
      context.rpc.agents.updateAgent({ agent: { agentUuid }, updateMask: ['dynamic_variables'] }),
    );
    expect(error.reason).to.equal('VARIABLE_IN_USE');
    expect(error.message).to.contain(`${AUTH}.bearer.token`);
  });

  it('takes a new secret at the next call', async () => {
    const agent = await makeAgent(context.rpc, {
      secrets: SECRETS,
      pre: configOf({ url: `${context.receiver.url}/a`, auth: bearer('{{secret.TOKEN}}') }),
    });
    await context.rpc.agents.updateAgent({
      agent: { agentUuid: agent.agentUuid },
      secrets: { TOKEN: 'token-2' },
    });
    await context.rpc.calls.onCallStart(newCall(agent));
    expect(context.lastRequest().headers.authorization).to.equal('Bearer token-2');
  });

  it('fails as RENDER, unsent, when a username has a colon', async () => {
    const agent = await create(basic('{{secret.PASSWORD}}', 'x'));
    const { execution, degraded } = await context.rpc.calls.onCallStart(newCall(agent));
    expect({ ...execution?.failure, degraded }).to.include({
      message: 'auth.basic.username would have a colon',
      degraded: true,
    });
    expect(context.newRequests()).to.deep.equal([]);
  });
});
