import { lstatSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { EXPORT_MARK } from '../../src/cli/agent-files/export-files.ts';
import {
  agentText,
  agentUuid,
  POST_CALL,
  startAgentFilesCase,
  type AgentFilesCase,
} from './agent-files-case.ts';

const ENV = { TOKEN: 'a long enough token' };

describe('callhooks export', function () {
  this.timeout(30_000);
  let files: AgentFilesCase;

  beforeEach(async () => {
    files = await startAgentFilesCase();
  });
  afterEach(() => files.close());

  const create = (n: number, displayName: string) =>
    files.app.rpc.agents.createAgent({ agent: { agentUuid: agentUuid(n), displayName } });
  const rename = (n: number, displayName: string) =>
    files.app.rpc.agents.updateAgent({
      agent: { agentUuid: agentUuid(n), displayName },
      updateMask: ['display_name'],
    });

  it('writes a file that apply reads, with secrets as names and without what the server sets', async () => {
    files.write('one.yaml', agentText(1, { name: 'Front desk (Zürich)', more: POST_CALL }));
    await files.apply({}, ENV);
    files.clear();
    expect((await files.export()).code).to.equal(0);
    const name = `front-desk-zurich.${agentUuid(1)}.yaml`;
    expect(files.list()).to.deep.equal([name]);
    expect(files.read(name)).to.equal(`${EXPORT_MARK}
agent_uuid: ${agentUuid(1)}
display_name: Front desk (Zürich)
dynamic_variables:
  customer_name: there
secrets:
  TOKEN: { env: TOKEN }
webhooks:
  - webhook_type: WEBHOOK_TYPE_PRE_CALL
    webhook_config:
      api_schema:
        url: https://api.example.com/lookup
        method: POST
        request_headers:
          Authorization: Bearer {{secret.TOKEN}}
      assignments:
        - attribute_name: name
          dynamic_variable: customer_name
      response_timeout_secs: 3
      failure_policy: FAILURE_POLICY_PROCEED
  - webhook_type: WEBHOOK_TYPE_POST_CALL
    webhook_config:
      api_schema:
        url: https://api.example.com/calls
        method: POST
        request_body: "{{customer_name}}"
      response_timeout_secs: 5
`);
    expect((await files.apply()).out).to.match(/^Nothing to do/);
  });

  it('finds the agent of a file that is written as JSON, and makes no second file for it', async () => {
    const agent = { agent_uuid: agentUuid(1), display_name: 'Front desk' };
    files.write('one.yaml', JSON.stringify(agent, undefined, 2));
    await files.apply();
    expect((await files.export()).code).to.equal(0);
    expect(files.list()).to.deep.equal(['one.yaml']);
  });

  it('gives agents with hostile and equal names files of their own in the folder', async () => {
    const names = [
      '../../etc/passwd',
      '..',
      'a/b',
      'CON',
      '\u001b[31m',
      '日本',
      'Equal',
      'Equal',
      '',
      '.hidden',
      'x'.repeat(128),
    ];
    for (const [n, name] of names.entries()) await create(n + 1, name);
    expect((await files.export()).count.written).to.equal(names.length);
    expect(files.list()).to.have.lengthOf(names.length);
    for (const name of files.list())
      expect(name).to.match(/^([a-z0-9-]{1,40}\.)?a0000000-[0-9a-f-]{27}\.yaml$/);
    expect((await files.apply()).out).to.match(/^Nothing to do: the server has 11 agents/);
  });

  it('keeps the file of an agent, whatever it is called, and does not touch one that says the same', async () => {
    files.write(
      'team/mine.yaml',
      `# A comment.\n${agentText(1).replace('{ env: TOKEN }', '{ file: ./token }')}`,
    );
    files.write('team/token', 'a token\n');
    await files.apply();
    const before = files.read('team/mine.yaml');
    expect((await files.export()).count).to.include({ written: 0, unchanged: 1, refused: 0 });
    expect([files.read('team/mine.yaml'), files.list()]).to.deep.equal([before, ['team']]);
  });

  it('writes over files that it has written, and over others with --force; sources of secrets stay', async () => {
    files.write('mine.yaml', agentText(1).replace('{ env: TOKEN }', '{ file: ./token }'));
    files.write('token', 'a token\n');
    await files.apply();
    await create(2, 'Two');
    await files.export();
    await rename(1, 'New name');
    await rename(2, 'New name');
    const before = files.read('mine.yaml');
    const { count, code, err } = await files.export();
    expect(count).to.include({ written: 1, refused: 1 });
    expect(code).to.equal(1);
    expect(err).to.equal(
      'DIR/mine.yaml: is not written by export and says something else: --force writes over it\n',
    );
    expect(files.read('mine.yaml')).to.equal(before);
    // The name of a file stays when the name of its agent changes.
    expect(files.read(`two.${agentUuid(2)}.yaml`)).to.include('display_name: New name\n');
    expect((await files.export({ force: true })).count).to.include({ written: 1, unchanged: 1 });
    expect(files.read('mine.yaml')).to.include('  TOKEN: { file: ./token }\n');
    expect((await files.apply()).out).to.match(/^Nothing to do/);
    expect(files.list()).to.have.lengthOf(3);
  });

  it('does not write over a foreign file that has the name of an agent, nor through a link', async () => {
    await create(1, 'One');
    const name = `one.${agentUuid(1)}.yaml`;
    files.write(name, 'not: ours\n');
    expect((await files.export()).count.refused).to.equal(1);
    files.clear();
    files.write('target.txt', 'not ours');
    symlinkSync('target.txt', join(files.dir, name));
    expect((await files.export()).count.refused).to.equal(1);
    await files.export({ force: true });
    expect(files.read('target.txt')).to.equal('not ours');
    expect(lstatSync(join(files.dir, name)).isFile()).to.equal(true);
  });

  it('tells which files have an agent that the server does not have', async () => {
    await create(1, 'One');
    await files.export();
    await files.app.rpc.agents.deleteAgent({ agentUuid: agentUuid(1) });
    expect((await files.export()).err).to.equal(
      `DIR/one.${agentUuid(1)}.yaml: the server has no agent ${agentUuid(1)}\n`,
    );
  });

  it('writes the agents of --agent only', async () => {
    for (const n of [1, 2]) await create(n, 'Same');
    const { count, err } = await files.export({ agents: [agentUuid(2), agentUuid(3)] });
    expect(count).to.include({ written: 1, missing: 1 });
    expect(err).to.equal(`there is no agent ${agentUuid(3)}\n`);
    expect(files.list()).to.deep.equal([`same.${agentUuid(2)}.yaml`]);
  });

  it('leaves no other file behind when it can not write', async () => {
    await create(1, 'One');
    files.write('x', '');
    const blocked = join(files.dir, 'x', 'y');
    const failed = await files.export({ dir: blocked }).catch((error: Error) => error.message);
    expect(failed).to.equal(`DIR must be a folder: ${blocked} is a file, or lies below one`);
    writeFileSync(join(files.dir, '.callhooks-export-old'), agentText(1));
    expect((await files.export()).count.written).to.equal(1);
    expect(files.list().filter((name) => name.startsWith('.'))).to.deep.equal(['.callhooks-export-old']);
  });
});
