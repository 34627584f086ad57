import { expect } from 'chai';
import {
  agentText,
  agentUuid,
  POST_CALL,
  startAgentFilesCase,
  type AgentFilesCase,
} from './agent-files-case.ts';

const ENV = { TOKEN: 'a long enough token', OTHER: 'another secret' };

describe('callhooks apply --prune', function () {
  this.timeout(30_000);
  let files: AgentFilesCase;

  beforeEach(async () => {
    files = await startAgentFilesCase();
    files.write(
      'one.yaml',
      agentText(1, { more: POST_CALL }).replace('TOKEN:', 'OTHER: { env: OTHER }, TOKEN:'),
    );
    files.write('two.yaml', agentText(2));
    await files.apply({}, ENV);
  });
  afterEach(() => files.close());

  const agents = async () => (await files.app.rpc.agents.listAgents()).agents;

  it('is what deletes webhooks and secrets that a file does not have; without it they are noted', async () => {
    files.write('one.yaml', agentText(1));
    const without = await files.apply();
    expect(without.code).to.equal(0);
    expect(without.out.split('\n').slice(0, 4)).to.deep.equal([
      `  DIR/one.yaml: agent ${agentUuid(1)} "Agent 1"`,
      '    ! webhooks[WEBHOOK_TYPE_POST_CALL] is on the server only: --prune deletes it',
      '    ! secrets.OTHER is on the server only: --prune deletes it',
      'Nothing to do: the server has 2 agents as the files say.',
    ]);
    const dry = await files.apply({ prune: true, dryRun: true });
    expect(dry.code).to.equal(2);
    expect(dry.out).to.match(/webhooks\[WEBHOOK_TYPE_POST_CALL\]:\n {6}- webhook_config:/);
    expect(dry.out).to.include('    - secrets.OTHER\n');
    expect((await files.apply({ prune: true })).out).to.match(/Changed: 1\./);
    const [one] = await agents();
    expect(one?.webhooks).to.have.lengthOf(1);
    expect(one?.secretNames).to.deep.equal(['TOKEN']);
    expect((await files.apply({ prune: true })).out).to.match(/^Nothing to do/);
  });

  it('deletes a webhook before the variable that it uses', async () => {
    const bare = agentText(1)
      .replace(/^dynamic_variables.*\n/m, '')
      .replace(/ {6}assignments.*\n/, '');
    files.write('one.yaml', bare);
    expect((await files.apply({ prune: true })).err).to.equal('');
    const [one] = await agents();
    expect([one?.dynamicVariables, one?.webhooks.length]).to.deep.equal([{}, 1]);
  });

  it('does not go on with an agent that somebody else changes while its webhook is deleted', async () => {
    files.write('one.yaml', agentText(1, { timeout: 9 }));
    const agent = { agentUuid: agentUuid(1), displayName: 'Mine' };
    files.wrap = (client) => ({
      ...client,
      async deleteWebhook(request) {
        await client.deleteWebhook(request);
        await files.app.rpc.agents.updateAgent({ agent, updateMask: ['display_name'] });
      },
    });
    const { code, err } = await files.apply({ prune: true });
    expect(code).to.equal(1);
    expect(err).to.match(/somebody else has changed this agent/);
    const [one] = await agents();
    expect([one?.displayName, one?.webhooks[0]?.webhookConfig?.responseTimeoutSecs]).to.deep.equal([
      'Mine',
      3,
    ]);
  });

  it('deletes agents that no file has, after everything else', async () => {
    files.clear();
    files.write('three.yaml', agentText(3));
    const { out } = await files.apply({ prune: true }, ENV);
    expect(out).to.include(
      `- agent ${agentUuid(1)} "Agent 1": no file has it, so it is deleted with its webhooks and secrets\n`,
    );
    expect(out).to.match(
      /created [^\n]*0003[^\n]*\ndeleted [^\n]*0001[^\n]*\ndeleted [^\n]*0002[^\n]*\nCreated: 1\. Changed: 0\. Deleted: 2\.\n$/,
    );
    expect((await agents()).map((agent) => agent.agentUuid)).to.deep.equal([agentUuid(3)]);
  });

  it('deletes no agent when another one was refused', async () => {
    files.clear();
    files.write('three.yaml', agentText(3).replace('api.example.com', '10.0.0.1'));
    const { code, err } = await files.apply({ prune: true }, ENV);
    expect(code).to.equal(1);
    expect(err).to.match(/No agent was deleted, because others were refused\.\n$/);
    expect(await agents()).to.have.lengthOf(2);
  });

  it('does not delete an agent that somebody else has changed since it was read', async () => {
    files.clear();
    files.write('one.yaml', agentText(1, { more: POST_CALL }));
    const agent = { agentUuid: agentUuid(2), displayName: 'Mine' };
    files.wrap = (client) => ({
      ...client,
      async deleteAgent(request) {
        await files.app.rpc.agents.updateAgent({ agent, updateMask: ['display_name'] });
        return client.deleteAgent(request);
      },
    });
    const { code, err } = await files.apply({ prune: true });
    expect(code).to.equal(1);
    expect(err).to.match(/^refused to delete [^\n]*0002[^\n]*: somebody else has changed it/);
  });

  it('refuses an empty folder without --yes', async () => {
    files.clear();
    files.write('README.md', 'no agent');
    expect(await files.apply({ prune: true }).catch(String)).to.match(/would delete every agent: add --yes/);
    expect(await files.apply().catch(String)).to.match(/has no file of an agent/);
    expect(await agents()).to.have.lengthOf(2);
    expect((await files.apply({ prune: true, yes: true })).out).to.match(/Deleted: 2\.\n$/);
  });

  it('deletes only the agent of --agent', async () => {
    files.clear();
    files.write('two.yaml', agentText(2));
    expect((await files.apply({ prune: true, agents: [agentUuid(2)] })).out).to.match(/^Nothing to do/);
    expect((await files.apply({ prune: true, agents: [agentUuid(1)] })).out).to.match(/Deleted: 1\.\n$/);
    expect(await agents()).to.have.lengthOf(1);
  });
});
