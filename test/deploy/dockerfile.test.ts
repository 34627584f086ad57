import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { cp, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect } from 'chai';
import { runProgram } from '../clients/programs.ts';
import { describeWithTools } from '../support/describe-with-tools.ts';
import { freePort } from '../support/free-port.ts';
import { connect } from '../support/rpc.ts';
import { execForm, pairs, readDockerfile } from './dockerfile.ts';
import { replayScript } from './replay-dockerfile.ts';
import { describeWith, TOOLS } from './tools.ts';

const ROOT = join(import.meta.dirname, '../..');
const STAGES = readDockerfile(readFileSync(join(ROOT, 'Dockerfile'), 'utf8'));
const LAST = STAGES.at(-1)?.instructions ?? [];
const AGENT = 'a0000000-0000-4000-8000-000000000001';
const BUILD_MS = 180_000;

function restOf(name: string): string {
  return LAST.findLast((instruction) => instruction.name === name)?.rest ?? '';
}

describeWith(['hadolint'], 'The Dockerfile', () => {
  it('has nothing that hadolint would have otherwise', async () => {
    const { exitCode, stdout } = await runProgram(TOOLS.hadolint, [join(ROOT, 'Dockerfile')]);
    expect([exitCode, stdout]).to.deep.equal([0, '']);
  });

  it('builds on the version of Node.js in .node-version alone', () => {
    const version = readFileSync(join(ROOT, '.node-version'), 'utf8').trim();
    expect(new Set(STAGES.map(({ base }) => base))).to.deep.equal(new Set([`node:${version}-bookworm-slim`]));
  });

  it('compiles as make build does', () => {
    const makefile = readFileSync(join(ROOT, 'Makefile'), 'utf8');
    expect(makefile).to.include('tsc -p tsconfig.build.json');
    expect(JSON.stringify(STAGES)).to.include('tsc -p tsconfig.build.json');
  });

  it('runs as a numeric user that is not root, and gets signals itself', () => {
    expect(restOf('USER')).to.match(/^[1-9]\d*:[1-9]\d*$/);
    expect(execForm(restOf('ENTRYPOINT'))).to.deep.equal(['callhooks']);
    expect(execForm(restOf('CMD'))).to.deep.equal(['serve']);
    expect(restOf('STOPSIGNAL')).to.equal('SIGTERM');
  });

  it('asks the health on a port that only the container reaches', () => {
    expect(pairs(restOf('ENV'))['CALLHOOKS_HEALTH_LISTEN']).to.match(/^127\.0\.0\.1:\d+$/);
    expect(restOf('HEALTHCHECK')).to.equal('CMD ["callhooks", "healthcheck"]');
  });

  it('copies nothing that .dockerignore leaves out', () => {
    const sources = STAGES.flatMap(({ instructions }) => instructions)
      .filter(({ name, flags }) => name === 'COPY' && flags.length === 0)
      .flatMap(({ rest }) => rest.split(' ').slice(0, -1));
    expect(new Set(contextPaths())).to.deep.equal(new Set(sources));
  });
});

// Each line is `*`, a comment, or `!name` of a file or folder.
function contextPaths(): readonly string[] {
  const lines = readFileSync(join(ROOT, '.dockerignore'), 'utf8').trim().split('\n');
  return lines.flatMap((line) => /^!([\w./-]+)$/.exec(line)?.[1] ?? []);
}

const missing = process.getuid?.() === 0 ? [] : ['root, to mount'];
describeWithTools(
  { missing, target: 'test-deploy' },
  'The stages of the Dockerfile, replayed on the files of this machine',
  function () {
    this.timeout(BUILD_MS);
    const log: string[] = [];
    let work: string;
    let container: ChildProcess;
    let settings: Record<string, string>;

    before(async () => {
      work = await mkdtemp(join(tmpdir(), 'callhooks-image-'));
      const context = join(work, 'context');
      await mkdir(context);
      for (const path of contextPaths()) await cp(join(ROOT, path), join(context, path), { recursive: true });
      await mkdir(join(work, 'stages'));
      settings = {
        CALLHOOKS_LISTEN: `127.0.0.1:${await freePort()}`,
        CALLHOOKS_HEALTH_LISTEN: `127.0.0.1:${await freePort()}`,
        CALLHOOKS_OPS_LISTEN: '127.0.0.1:0',
      };
      const args = [
        '--mount',
        'sh',
        '-c',
        replayScript(STAGES, settings),
        'sh',
        join(work, 'stages'),
        context,
      ];
      container = spawn('unshare', args, { stdio: ['ignore', 'pipe', 'pipe'] });
      await servingLine();
    });
    after(async () => {
      if (container.exitCode === null && container.signalCode === null) {
        const exit = once(container, 'exit');
        container.kill('SIGKILL');
        await exit;
      }
      await rm(work, { recursive: true, force: true });
    });

    it('serve as an unprivileged user on files that it cannot write', async () => {
      const rpc = connect(Number(settings['CALLHOOKS_LISTEN']?.split(':').at(-1)));
      await rpc.agents.createAgent({ agent: { agentUuid: AGENT } });
      rpc.close();
      const status = readFileSync(`/proc/${container.pid}/status`, 'utf8');
      expect(status)
        .to.match(/^Uid:\t10001\t10001\t10001\t10001$/m)
        .and.match(/^CapEff:\t0+$/m);
      const { exitCode, stderr } = await inside('touch', '/app/new');
      expect(exitCode).to.equal(1);
      expect(stderr).to.include('Read-only file system');
    });

    it('are healthy, says the command of the HEALTHCHECK', async () => {
      const { exitCode, stdout } = await inside(...execForm(restOf('HEALTHCHECK').replace(/^CMD /, '')));
      expect([exitCode, stdout]).to.deep.equal([0, 'SERVING\n']);
    });

    it('have the program, its version and no package of development', async () => {
      expect((await inside('callhooks', '--version')).stdout).to.match(/^callhooks \d/);
      expect((await inside('ls', '/app/node_modules/typescript')).exitCode).to.equal(2);
      expect((await inside('ls', '/app')).stdout.trim().split('\n')).to.deep.equal([
        'LICENSE',
        'dist',
        'node_modules',
        'package.json',
      ]);
    });

    it('stop cleanly at SIGTERM', async () => {
      container.kill('SIGTERM');
      const [code] = (await once(container, 'exit')) as [number | null];
      expect(code, log.slice(-5).join('\n')).to.equal(0);
    });

    /** Runs a program as the container does, with its files, its environment and its user. */
    function inside(...command: readonly string[]) {
      const places = [
        '--mount',
        '--root',
        '--setuid',
        '10001',
        '--setgid',
        '10001',
        '--target',
        String(container.pid),
      ];
      const env = { PATH: process.env['PATH'], ...pairs(restOf('ENV')), ...settings };
      return runProgram('nsenter', [...places, ...command], { env });
    }

    async function servingLine(): Promise<void> {
      for (const stream of [container.stdout, container.stderr])
        if (stream !== null) createInterface(stream).on('line', (line) => log.push(line));
      await new Promise<void>((resolve, reject) => {
        container.stdout?.on('data', () => {
          if (log.some((line) => line.includes('"msg":"serving"'))) resolve();
        });
        container.on('exit', (code) =>
          reject(new Error(`ended with ${code}:\n${log.slice(-30).join('\n')}`)),
        );
      });
    }
  },
);
