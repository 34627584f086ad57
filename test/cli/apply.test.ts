import { expect } from 'chai';
import type * as pb from '../../src/gen/index.callhooks.v1.ts';
import {
  agentText,
  agentUuid,
  POST_CALL,
  startAgentFilesCase,
  type AgentFilesCase,
} from './agent-files-case.ts';

const ENV = { TOKEN: 'a long enough token' };

describe('callhooks apply', function () {
  this.timeout(30_000);
  let files: AgentFilesCase;

  beforeEach(async () => {
    files = await startAgentFilesCase();
  });
  afterEach(() => files.close());

  const storedAgent = async (n: number): Promise<pb.Agent> =>
    (await files.app.rpc.agents.getAgent({ agentUuid: agentUuid(n) })).agent!;

  it('creates the agents of the files, and has nothing to do the second time', async () => {
    files.write('one.yaml', agentText(1));
    files.write('team/two.yml', agentText(2, { more: POST_CALL }));
    const first = await files.apply({}, ENV);
    expect(first.err).to.equal('');
    expect(first.out).to.match(/\nTo create: 2\. To change: 0\. To delete: 0\. As they are: 0\.\n/);
    expect(first.out).to.match(
      /created a0[^\n]*0001 "Agent 1"\ncreated a0[^\n]*0002 "Agent 2"\nCreated: 2\./,
    );
    expect(first.code).to.equal(0);
    expect((await storedAgent(2)).webhooks.map(({ webhookType }) => webhookType)).to.deep.equal([1, 2]);
    const second = await files.apply();
    expect(second).to.deep.equal({
      code: 0,
      err: '',
      out: 'Nothing to do: the server has 2 agents as the files say.\nNot compared: 2 secrets, because the server shows no values. --secrets writes all again.\n',
    });
  });

  it('shows the difference field by field, and writes nothing with --dry-run', async () => {
    files.write('one.yaml', agentText(1, { more: POST_CALL }));
    expect((await files.apply({ dryRun: true })).code).to.equal(2);
    await files.apply({}, ENV);
    const before = await storedAgent(1);
    files.write('one.yaml', agentText(1, { name: 'Reception', timeout: 4.5, more: POST_CALL }));
    const { code, out, err } = await files.apply({ dryRun: true });
    expect({ code, err }).to.deep.equal({ code: 2, err: '' });
    expect(out.split('\n').slice(0, 8)).to.deep.equal([
      `~ DIR/one.yaml: agent ${agentUuid(1)} "Reception"`,
      '    display_name:',
      '      - Agent 1',
      '      + Reception',
      '    webhooks[WEBHOOK_TYPE_PRE_CALL].webhook_config.response_timeout_secs:',
      '      - 3',
      '      + 4.5',
      'To create: 0. To change: 1. To delete: 0. As they are: 0.',
    ]);
    expect(await storedAgent(1)).to.deep.equal(before);
  });

  it('writes only what differs: another webhook keeps its etag, and the changed one its id', async () => {
    files.write('one.yaml', agentText(1, { more: POST_CALL }));
    await files.apply({}, ENV);
    const before = await storedAgent(1);
    files.write('one.yaml', agentText(1, { timeout: 4, more: POST_CALL }));
    expect((await files.apply()).code).to.equal(0);
    const after = await storedAgent(1);
    expect(after.webhooks[1]).to.deep.equal(before.webhooks[1]);
    expect(after.webhooks[0]?.etag).not.to.equal(before.webhooks[0]?.etag);
    expect(after.webhooks[0]?.webhookUuid).to.equal(before.webhooks[0]?.webhookUuid);
    expect(after.webhooks[0]?.webhookConfig?.responseTimeoutSecs).to.equal(4);
  });

  it('tells all problems of all files, and writes nothing', async () => {
    files.write('a.yaml', agentText(1));
    files.write('b.yaml', agentText(2).replace('method', 'methd').replace('display_name', 'displayname'));
    files.write('c.yaml', agentText(1));
    files.write('d.yaml', 'a: [');
    const { code, out, err } = await files.apply({}, ENV);
    expect({ code, out }).to.deep.equal({ code: 65, out: '' });
    expect(err.split('\n').map((line) => line.slice(0, 64))).to.deep.equal(
      [
        'DIR/b.yaml:2:1: displayname: is no field of Agent: did you mean display_name?',
        'DIR/b.yaml:10:9: webhooks[0].webhook_config.api_schema.methd: is',
        'DIR/c.yaml:1:1: agent_uuid: is the agent of DIR/a.yaml too',
        'DIR/d.yaml:1:5: is no YAML: Flow sequence in block collection mu',
        '4 problems in 3 files. Nothing was written.',
        '',
      ].map((line) => line.slice(0, 64)),
    );
    expect((await files.app.rpc.agents.listAgents()).agents).to.deep.equal([]);
  });

  it('writes secrets that the server does not have, and others only with --secrets', async () => {
    files.write('one.yaml', agentText(1));
    const without = await files.apply();
    expect(without.code).to.equal(65);
    expect(without.err).to.match(
      /^DIR\/one\.yaml:4:12: secrets\.TOKEN: needs the environment variable TOKEN, which is not set\n/,
    );
    expect((await files.apply({ dryRun: true })).err).to.match(
      /^apply would stop: DIR\/one\.yaml:4:12: secrets\.TOKEN: /,
    );
    await files.apply({}, ENV);
    const { etag } = await storedAgent(1);
    expect((await files.apply({}, { TOKEN: 'another' })).out).to.match(/^Nothing to do/);
    expect((await storedAgent(1)).etag).to.equal(etag);
    const again = await files.apply({ secrets: true }, { TOKEN: 'another' });
    expect(again.out).to.include(
      '    ~ secrets.TOKEN: set again from the environment variable TOKEN (whether it differs is not known)\n',
    );
    expect(again.out).not.to.include('another');
    expect((await storedAgent(1)).etag).not.to.equal(etag);
  });

  it('reads a secret from a file beside the YAML file, without its last line break', async () => {
    files.write('one.yaml', agentText(1).replace('{ env: TOKEN }', '{ file: secret/token }'));
    expect((await files.apply()).err).to.match(
      /needs the file secret\/token, which can't be read \(ENOENT\)/,
    );
    files.write('secret/token', 'x'.repeat(20_000));
    expect((await files.apply()).err).to.match(/larger than 16384 bytes/);
    files.write('secret/token', 'a token\n');
    expect((await files.apply()).code).to.equal(0);
    expect((await storedAgent(1)).secretNames).to.deep.equal(['TOKEN']);
  });

  it('shows what the server refuses at its place in the file, and writes the other agents', async () => {
    const closed = POST_CALL.replace('api.example.com', '10.0.0.1');
    files.write('one.yaml', agentText(1, { more: POST_CALL }));
    files.write('two.yaml', agentText(2));
    await files.apply({}, ENV);
    // Only the second webhook of the file is in the request, as its first one.
    files.write('one.yaml', agentText(1, { more: closed }));
    files.write('two.yaml', agentText(2, { name: 'Two' }));
    const { code, out, err } = await files.apply();
    expect(code).to.equal(1);
    expect(err).to.match(
      /^refused a0[^\n]*0001 "Agent 1"\n {2}DIR\/one\.yaml:16:21: webhooks\[1\]\.webhook_config\.api_schema\.url: [^\n]*10\.0\.0\.0\/8/,
    );
    expect(out).to.match(
      /changed a0[^\n]*0002 "Two"\nCreated: 0\. Changed: 1\. Deleted: 0\. Refused: 1, see above\.\n$/,
    );
  });

  it('does not overwrite an agent that somebody else changes in the meantime', async () => {
    files.write('one.yaml', agentText(1));
    files.write('two.yaml', agentText(2));
    await files.apply({}, ENV);
    files.write('one.yaml', agentText(1, { timeout: 7 }));
    files.write('two.yaml', agentText(2, { timeout: 7 }));
    const agent = { agentUuid: agentUuid(1), displayName: 'Mine' };
    files.wrap = (client) => ({
      ...client,
      async updateAgent(request) {
        if (request.agent?.agentUuid === agentUuid(1))
          await files.app.rpc.agents.updateAgent({ agent, updateMask: ['display_name'] });
        return client.updateAgent(request);
      },
    });
    const { code, out, err } = await files.apply();
    expect(code).to.equal(1);
    expect(err).to.match(
      /DIR\/one\.yaml:1:1: somebody else has changed this agent since it was read, and that change was kept: run the command again\n/,
    );
    expect(out).to.match(/changed a0[^\n]*0002/);
    const stored = await storedAgent(1);
    expect(stored.displayName).to.equal('Mine');
    expect(stored.webhooks[0]?.webhookConfig?.responseTimeoutSecs).to.equal(3);
  });

  it('says what was not written when the server goes away, and completes it in the next run', async () => {
    for (const n of [1, 2, 3, 4]) files.write(`${n}.yaml`, agentText(n));
    files.wrap = (client) => ({
      ...client,
      createAgent: (request) =>
        request.agent?.agentUuid === agentUuid(2)
          ? Promise.reject(new Error('no answer'))
          : client.createAgent(request),
    });
    let said = '';
    const output = { print: (text: string) => (said += text), say: (text: string) => (said += text) };
    const { applyFiles } = await import('../../src/cli/agent-files/apply-files.ts');
    const { createApiAdminClient } = await import('../../src/cli/agent-files/api-admin-client.ts');
    const options = { dir: files.dir, dryRun: false, prune: false, yes: false, secrets: false, agents: [] };
    const failed = await applyFiles(files.wrap(createApiAdminClient(files.api)), options, ENV, output).catch(
      String,
    );
    expect(failed).to.equal('Error: no answer');
    expect(said.split('\n').slice(-7)).to.deep.equal([
      `created ${agentUuid(1)} "Agent 1"`,
      `It is not known whether this was written: ${agentUuid(2)} "Agent 2"`,
      'Not written:',
      `  ${agentUuid(3)} "Agent 3"`,
      `  ${agentUuid(4)} "Agent 4"`,
      'Run the command again: it goes on where this one stopped.',
      '',
    ]);
    files.wrap = (client) => client;
    expect((await files.apply({}, ENV)).out).to.match(/Created: 3\. Changed: 0\. Deleted: 0\.\n$/);
  });

  it('escapes what others wrote on the server before it is on a terminal', async () => {
    files.write('one.yaml', agentText(1));
    await files.apply({}, ENV);
    const hostile = '\u001b[2J\n::error::x\r\u202e\u0007';
    const agent = {
      agentUuid: agentUuid(1),
      displayName: hostile,
      dynamicVariables: { customer_name: hostile },
    };
    await files.app.rpc.agents.updateAgent({ agent, updateMask: ['display_name', 'dynamic_variables'] });
    await files.app.rpc.agents.createAgent({ agent: { agentUuid: agentUuid(2), displayName: hostile } });
    const { out } = await files.apply({ prune: true });
    expect(out).to.match(/2J/);
    expect(out).not.to.match(/[^\n -~…]|^::/m);
    expect((await files.export({ force: true })).out).not.to.match(/[^\n -~]/);
  });

  it('looks at the agents of --agent only', async () => {
    for (const n of [1, 2]) files.write(`${n}.yaml`, agentText(n));
    expect((await files.apply({ agents: [agentUuid(2)] }, ENV)).out).to.match(/Created: 1\./);
    const { agents } = await files.app.rpc.agents.listAgents();
    expect(agents.map((agent) => agent.agentUuid)).to.deep.equal([agentUuid(2)]);
    const unknown = await files.apply({ agents: [agentUuid(3)] }).catch(String);
    expect(unknown).to.include(`no file in ${files.dir} has the agent ${agentUuid(3)}`);
  });

  it('keeps the masked value of a header for its origin, and refuses the mask anywhere else', async () => {
    const webhookConfig = {
      apiSchema: {
        url: 'https://api.example.com/a',
        method: 'POST',
        requestHeaders: { Authorization: 'Bearer secret123' },
      },
    };
    await files.app.rpc.agents.createAgent({
      agent: { agentUuid: agentUuid(1), webhooks: [{ webhookType: 1, webhookConfig }] },
    });
    await files.export();
    const [name = ''] = files.list();
    expect(files.read(name)).to.include('Authorization: ••••••');
    expect((await files.apply()).out).to.match(/^Nothing to do/);
    const text = files.read(name);
    files.write(name, text.replace('example.com/a', 'example.com/b'));
    expect((await files.apply()).code).to.equal(0);
    files.write('another.yaml', agentText(2));
    files.write(name, text.replace('api.example.com', 'other.example.com'));
    const moved = await files.apply({}, ENV);
    expect({ code: moved.code, out: moved.out }).to.deep.equal({ code: 65, out: '' });
    expect(moved.err).to.match(
      /request_headers\[Authorization\]: is masked, but its stored value is kept for the stored origin only/,
    );
    files.clear();
    files.write('new.yaml', text.replace(agentUuid(1), agentUuid(9)));
    expect((await files.apply()).err).to.match(/is masked, but no value/);
  });
});
