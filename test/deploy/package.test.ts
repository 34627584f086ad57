import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { symlink } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { expect } from 'chai';
import { runProgram } from '../clients/programs.ts';
import { serverEngine } from '../support/engines.ts';
import { connect } from '../support/rpc.ts';
import { startProcess } from '../support/server-process.ts';
import { keyOf } from '../support/test-keys.ts';
import { installPackage, PACKAGE, type InstalledPackage } from './installed-package.ts';

interface Bill {
  readonly metadata: { readonly component: { readonly name: string; readonly version: string } };
  readonly components: readonly {
    readonly name: string;
    readonly version: string;
    readonly hashes: unknown;
  }[];
}

const AGENT = 'a0000000-0000-4000-8000-000000000001';
const MIB = 1 << 20;

describe('The package', function () {
  this.timeout(120_000);
  let paths: readonly string[];

  before(async () => {
    const { stdout, stderr } = await runProgram('tar', ['--list', '--gzip', '--file', PACKAGE.tarball]);
    expect(stderr).to.equal('');
    paths = stdout.trim().split('\n');
  });

  it('has the program, its documents, its protos and what deploys it', () => {
    const wanted = [
      'dist/src/main.js',
      'dist/src/store/thread/sqlite-thread-main.js',
      'docs/config.md',
      'LICENSE',
    ];
    wanted.push('dist/src/access/authorization.json', 'proto/callhooks/v1/call_lifecycle.proto', 'README.md');
    wanted.push('deploy/prometheus/callhooks.rules.yml', 'examples/crm.mjs', 'CHANGELOG.md', 'package.json');
    expect(paths).to.include.members(wanted.map((path) => `package/${path}`));
  });

  it('has the client with its declarations and its service config', () => {
    const wanted = ['dist/src/api-client/index.js', 'dist/src/api-client/index.d.ts'];
    wanted.push('dist/src/gen/callhooks/v1/agent.d.ts', 'dist/deploy/service-config.json');
    expect(paths).to.include.members(wanted.map((path) => `package/${path}`));
  });

  it('has no tests, no TypeScript but the declarations of the client, no source maps and no packages of development', () => {
    const declarations = /^package\/dist\/src\/(?:api-client|gen)\/.*\.d\.ts$/;
    const own = paths.filter((path) => !path.startsWith('package/node_modules/') && !declarations.test(path));
    expect(
      own.filter((path) => /\.(?:ts|map|tsbuildinfo)$|\/(?:test|bench|scripts|tools)\//.test(path)),
    ).to.deep.equal([]);
    expect(
      paths.filter((path) => /node_modules\/(?:mocha|typescript|chai|oxlint)\//.test(path)),
    ).to.deep.equal([]);
  });

  it('is smaller than 20 MiB', () => {
    const { size } = statSync(PACKAGE.tarball);
    console.log(
      `        ${basename(PACKAGE.tarball)}: ${(size / MIB).toFixed(1)} MiB, ${paths.length} files`,
    );
    expect(size).to.be.below(20 * MIB);
  });

  it('comes with checksums that fit', () => {
    const lines = readFileSync(join(PACKAGE.folder, 'SHA256SUMS'), 'utf8').trim().split('\n');
    const sums = lines.map((line) => line.split('  '));
    expect(sums.map(([, name]) => name)).to.deep.equal(
      [PACKAGE.tarball, PACKAGE.bill].map((path) => basename(path)),
    );
    for (const [sum, name = ''] of sums)
      expect(
        createHash('sha256')
          .update(readFileSync(join(PACKAGE.folder, name)))
          .digest('hex'),
      ).to.equal(sum);
  });

  it('comes with a bill of materials that names exactly the packages in it, with hashes and no registry', () => {
    const text = readFileSync(PACKAGE.bill, 'utf8');
    const { metadata, components } = JSON.parse(text) as Bill;
    expect(metadata.component).to.include({ name: 'callhooks', version: PACKAGE.version });
    const inPackage = paths.flatMap(
      (path) => /node_modules\/((?:@[^/]+\/)?[^/@]+)\/package\.json$/.exec(path)?.[1] ?? [],
    );
    expect(new Set(components.map(({ name }) => name))).to.deep.equal(new Set(inPackage));
    for (const { name, hashes } of components) expect(hashes, name).to.have.lengthOf(1);
    expect(text.match(/https?:\/\/[^"]+/g)).to.deep.equal([
      'http://cyclonedx.org/schema/bom-1.5.schema.json',
    ]);
  });

  describe('in an empty folder, installed without a network', () => {
    let installed: InstalledPackage;
    const env = () => ({
      CALLHOOKS_LISTEN: '127.0.0.1:0',
      CALLHOOKS_DATA_DIR: join(installed.folder, 'data'),
    });
    const run = (args: readonly string[], more = {}) =>
      startProcess(args, { ...env(), ...more }, installed.program).ended();

    before(async () => {
      installed = await installPackage();
    });
    after(() => installed.remove());

    it('prints its version for npx callhooks --version', async () => {
      const { exitCode, stdout } = await runProgram('npx', ['--no-install', 'callhooks', '--version'], {
        cwd: installed.folder,
      });
      expect([exitCode, stdout]).to.deep.equal([
        0,
        `callhooks ${PACKAGE.version} (Node.js ${process.version})\n`,
      ]);
    });

    it('runs by a link to it from any folder, as in a folder of the PATH', async () => {
      const link = join(installed.folder, 'link');
      await symlink(installed.program, link);
      const { exitCode, stdout } = await runProgram(link, ['--version'], { cwd: '/' });
      expect([exitCode, stdout]).to.deep.equal([
        0,
        `callhooks ${PACKAGE.version} (Node.js ${process.version})\n`,
      ]);
    });

    it('gives programs beside it the client', async () => {
      const program = "import { toText } from 'callhooks/client'; console.log(toText(3));";
      const args = ['--input-type=module', '--eval', program];
      const { exitCode, stdout, stderr } = await runProgram(process.execPath, args, {
        cwd: installed.folder,
      });
      expect([exitCode, stdout], stderr).to.deep.equal([0, '3\n']);
    });

    it('prints its help, and its settings', async () => {
      expect((await run(['--help'])).stdout).to.include('Usage: callhooks');
      const { exitCode, stdout, stderr } = await run(['check-config']);
      expect(exitCode, stderr).to.equal(0);
      expect(stdout).to.include('CALLHOOKS_SHUTDOWN_GRACE');
    });

    it('keeps an agent in SQLite, which the next process serves', async () => {
      await serving(env(), (rpc) =>
        rpc.agents.createAgent({ agent: { agentUuid: AGENT, displayName: 'One' } }),
      );
      const { agent } = await serving(env(), (rpc) => rpc.agents.getAgent({ agentUuid: AGENT }));
      expect(agent?.displayName).to.equal('One');
    });

    const engine = serverEngine();
    if (engine !== undefined)
      it(`migrates a database of ${engine.name}, and serves it`, async () => {
        const { url, cleanup } = await engine.freshDatabase();
        const more = { DATABASE_URL: String(url), CALLHOOKS_ENCRYPTION_KEYS: keyOf('k1', 1) };
        const { exitCode, stdout, stderr } = await run(['migrate'], more);
        expect(exitCode, stderr).to.equal(0);
        expect(stdout).to.match(/applied 0001/);
        const { agent } = await serving({ ...env(), ...more }, (rpc) =>
          rpc.agents.createAgent({ agent: { agentUuid: AGENT } }),
        );
        expect(agent?.agentUuid).to.equal(AGENT);
        await cleanup();
      });

    async function serving<T>(
      settings: Record<string, string>,
      call: (rpc: ReturnType<typeof connect>) => Promise<T>,
    ) {
      const server = startProcess(['serve'], settings, installed.program);
      const rpc = connect(Number((await server.serving()).split(':').at(-1)));
      const reply = await call(rpc);
      rpc.close();
      server.kill('SIGTERM');
      const { exitCode, stderr } = await server.ended();
      expect(exitCode, stderr).to.equal(0);
      return reply;
    }
  });
});
