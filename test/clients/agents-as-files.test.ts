import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect } from 'chai';
import { startBuiltServer, type BuiltServer } from './built-server.ts';
import { runProgram } from './programs.ts';
import { readBlocks, readLinks, readSteps } from './readme.ts';
import { createShownReplies } from './shown-reply.ts';

const ROOT = join(import.meta.dirname, '../..');
const PAGE = readFileSync(join(ROOT, 'docs/agents-as-files.md'), 'utf8');
const BLOCKS = readBlocks(PAGE);
const MAIN = join(ROOT, 'dist/src/main.js');

describe('docs/agents-as-files.md', () => {
  it('links to files that exist', () => {
    expect(readLinks(PAGE).filter((path) => !existsSync(join(ROOT, 'docs', path)))).to.deep.equal([]);
  });

  it('shows files as they are', () => {
    const shown = BLOCKS.filter(({ directive }) => directive.startsWith('file '));
    expect(shown).to.have.lengthOf(1);
    for (const { directive, text } of shown)
      expect(readFileSync(join(ROOT, directive.slice('file '.length)), 'utf8')).to.equal(`${text}\n`);
  });
});

describe('The example in docs/agents-as-files.md', function () {
  this.timeout(60_000);
  const replies = createShownReplies();
  let server: BuiltServer;
  let folder: string;

  before(async () => {
    server = await startBuiltServer();
    folder = mkdtempSync(join(tmpdir(), 'callhooks-docs-'));
    cpSync(join(ROOT, 'examples/agents'), join(folder, 'agents'), { recursive: true });
    mkdirSync(join(folder, 'bin'));
    const program = join(folder, 'bin/callhooks');
    writeFileSync(program, `#!/bin/sh\nexec "${process.execPath}" "${MAIN}" "$@"\n`);
    chmodSync(program, 0o755);
  });
  after(async () => {
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  let exported = '';

  /** Runs commands of the page, in one shell after the other. What is exported stays. */
  const type = async (command: string) => {
    const exports = command.split('\n').filter((line) => line.startsWith('export '));
    const { stdout, stderr } = await runProgram('sh', ['-c', `${exported}${command} 2>&1`], {
      cwd: folder,
      env: {
        PATH: `${join(folder, 'bin')}:${dirname(process.execPath)}:${process.env['PATH']}`,
        CALLHOOKS_ADDRESS: server.address,
      },
    });
    exported += exports.map((line) => `${line}\n`).join('');
    return stdout + stderr;
  };

  for (const { command, shows } of readSteps(BLOCKS)) {
    it(`prints what line ${command.line} shows: ${command.text.split('\n').at(-1)}`, async () => {
      const wrong = replies.compare(shows?.text ?? '', await type(command.text));
      if (wrong !== undefined) expect.fail(wrong);
    });
  }

  it('leaves on the server what the page says', async () => {
    const { agents } = await server.rpc.agents.listAgents();
    expect(agents.map(({ displayName }) => displayName)).to.deep.equal(['Night line']);
  });

  it('exports files that a new server takes', async () => {
    const out = await type('callhooks export exported && callhooks apply exported --dry-run');
    expect(out).to.match(/Nothing to do: the server has 1 agent as the files say\./);
    const other = await startBuiltServer();
    try {
      const applied = await type(`CHAT_PATH=x/y callhooks apply exported --address ${other.address}`);
      expect(applied).to.match(/Created: 1\. Changed: 0\. Deleted: 0\./);
    } finally {
      await other.stop();
    }
  });

  it('ends with the exit codes of the page', async () => {
    const codeOf = async (args: string) => (await type(`callhooks ${args} >/dev/null 2>&1; echo $?`)).trim();
    expect(await codeOf('apply agents')).to.equal('0');
    expect(await codeOf('apply ./bin')).to.equal('64');
    expect(await codeOf('apply ./none')).to.equal('64');
    expect(await codeOf('apply agents --address 127.0.0.1:1 --timeout 2')).to.equal('69');
    expect(await codeOf('apply agents --prune --dry-run')).to.equal('0');
    writeFileSync(join(folder, 'agents/more.yaml'), 'agent_uuid: a0000000-0000-4000-8000-000000000099\n');
    expect(await codeOf('apply agents --dry-run')).to.equal('2');
    writeFileSync(join(folder, 'agents/more.yaml'), 'agent_uuid: me\n');
    expect(await codeOf('apply agents --dry-run')).to.equal('65');
  });
});
