/** Runs the samples of docs/clients.md against a server with TLS and tokens, with nothing changed but its address. */
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { credentials } from '@grpc/grpc-js';
import { expect } from 'chai';
import { startReceiver, type Receiver } from '../support/receiver.ts';
import { connect, type Rpc } from '../support/rpc.ts';
import { TOKEN_SETTINGS, TOKENS, withToken } from '../support/tokens.ts';
import { startBuiltServer, type BuiltServer } from './built-server.ts';
import { runProgram, type ProgramEnd } from './programs.ts';
import { startProgram } from './running-program.ts';
import { describeWith, pathWithTools, TOOLS } from './tools.ts';
import { VOICE_PLATFORMS } from './voice-platforms.ts';

const ROOT = join(import.meta.dirname, '../..');
const CERTS = join(ROOT, 'test/support/certs');
const AGENT = 'a0000000-0000-4000-8000-000000000001';
const FAILING_AGENT = 'a0000000-0000-4000-8000-000000000009';
const BUILD_MS = 300_000;
const SAMPLE_ENV = {
  CALLHOOKS_TOKEN: TOKENS.lifecycle,
  GRPC_DEFAULT_SSL_ROOTS_FILE_PATH: join(CERTS, 'ca.pem'),
};

describeWith(
  ['protoc-gen-go', 'protoc-gen-grpc-java', 'newest python'],
  'The samples of docs/clients.md',
  function () {
    this.timeout(BUILD_MS);
    let endpoint: Receiver;
    let server: BuiltServer;
    let folder: string;

    before(async () => {
      folder = await mkdtemp(join(tmpdir(), 'callhooks-samples-'));
      endpoint = await startReceiver({ body: { customer: { name: 'Ada' } } });
      server = await startBuiltServer({
        ...TOKEN_SETTINGS,
        CALLHOOKS_TLS_CERT_FILE: join(CERTS, 'endpoint.pem'),
        CALLHOOKS_TLS_KEY_FILE: join(CERTS, 'endpoint.key'),
      });
      await createAgent();
    });
    after(async () => {
      await server.stop();
      await endpoint.close();
      await rm(folder, { recursive: true, force: true });
    });

    const connectWithTls = async (): Promise<Rpc> => {
      const ca = await readFile(join(CERTS, 'ca.pem'));
      return connect(Number(server.address.split(':').at(-1)), credentials.createSsl(ca));
    };
    const createAgent = async (): Promise<void> => {
      const rpc = await connectWithTls();
      const webhookConfig = {
        apiSchema: { url: `${endpoint.url}/crm`, method: 'POST' },
        assignments: [{ attributeName: 'customer.name', dynamicVariable: 'customer_name' }],
      };
      const agent = {
        agentUuid: AGENT,
        dynamicVariables: { customer_name: 'there' },
        webhooks: [{ webhookType: 1, webhookConfig }],
      };
      await rpc.agents.createAgent({ agent } as never, withToken(TOKENS.admin));
      const nowhere = { apiSchema: { url: 'http://127.0.0.1:9', method: 'GET' } };
      const failing = {
        agentUuid: FAILING_AGENT,
        webhooks: [{ webhookType: 1, webhookConfig: nowhere }],
      };
      await rpc.agents.createAgent({ agent: failing } as never, withToken(TOKENS.admin));
      rpc.close();
    };
    /** Runs a sample that watches, and lets calls fail until it prints one of them. */
    const expectFailureToldBy = async (program: readonly [string, ...string[]], env = {}): Promise<void> => {
      const rpc = await connectWithTls();
      const watching = startProgram(program, { ...SAMPLE_ENV, ...env });
      let isTold = false;
      const told = watching
        .printed(/^\S+ 127\.0\.0\.1:9: connection refused$/m)
        .finally(() => (isTold = true));
      while (!isTold) {
        const call = { agentUuid: FAILING_AGENT, conversationUuid: randomUUID() };
        await rpc.calls.onCallStart(call as never, withToken(TOKENS.lifecycle));
      }
      await told;
      await watching.stop();
      rpc.close();
    };

    /** Returns the sample with this name, such as `go` or `go watch`, which calls the server of the test. */
    const sampleOf = async (name: string): Promise<string> => {
      const page = await readFile(join(ROOT, 'docs/clients.md'), 'utf8');
      const [, sample] =
        new RegExp(`<!-- clients: ${name} -->\n\`\`\`\\w+\n(.*?)\n\`\`\``, 's').exec(page) ?? [];
      if (sample === undefined) throw new Error(`The page has no sample ${name}.`);
      // The one for Go gets its client from elsewhere.
      if (name !== 'go watch') expect(sample).to.match(/['"/]callhooks\.example:50051['"]/);
      return `${sample.replaceAll('callhooks.example:50051', server.address)}\n`;
    };

    const run = (
      file: string,
      args: readonly string[],
      env: Readonly<Record<string, string>> = {},
    ): Promise<ProgramEnd> =>
      runProgram(file, args, {
        cwd: folder,
        timeout: BUILD_MS,
        env: {
          ...process.env,
          PATH: `${pathWithTools()}:/usr/local/go/bin`,
          ...SAMPLE_ENV,
          ...env,
        },
      });
    const expectGreeting = ({ exitCode, stdout, stderr }: ProgramEnd): void => {
      expect(exitCode, `${stdout}${stderr}`).to.equal(0);
      expect(stdout).to.equal('Hello Ada!\n');
    };

    it('in TypeScript passes strict type checks with the published declarations, greets and watches', async () => {
      const packages = join(folder, 'node_modules');
      await installCallhooks(packages);
      await writeFile(join(folder, 'sample.ts'), await sampleOf('typescript'));
      await writeFile(join(folder, 'watch.ts'), await sampleOf('typescript watch'));
      await writeFile(join(folder, 'package.json'), '{ "type": "module" }');
      const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
      const strict = [
        '--strict',
        '--exactOptionalPropertyTypes',
        '--noUncheckedIndexedAccess',
        '--skipLibCheck',
        'false',
      ];
      const target = ['--noEmit', '--module', 'nodenext', '--target', 'es2024', '--types', 'node'];
      const checked = await run(process.execPath, [tsc, ...strict, ...target, 'sample.ts', 'watch.ts']);
      expect(checked.exitCode, checked.stdout).to.equal(0);
      const listed = await run(process.execPath, [tsc, ...strict, ...target, '--listFilesOnly', 'sample.ts']);
      const own = listed.stdout.split('\n').filter((path) => path.includes('/callhooks/dist/'));
      expect(own).not.to.be.empty;
      expect(own.filter((path) => !/\/dist\/src\/(?:api-client|gen)\/.*\.d\.ts$/.test(path))).to.deep.equal(
        [],
      );
      expectGreeting(await run(process.execPath, ['sample.ts']));
      await expectFailureToldBy([process.execPath, join(folder, 'watch.ts')]);
    });

    it('in Go builds against the module of the repository, and greets', async () => {
      await writeFile(join(folder, 'main.go'), await sampleOf('go'));
      const module = 'github.com/callhooks/callhooks/gen/go';
      const { stdout: goVersion } = await run('go', ['env', 'GOVERSION']);
      await writeFile(
        join(folder, 'go.mod'),
        `module sample\n\ngo ${goVersion.trim().slice(2)}\n\nrequire ${module} v0.0.0\n\nreplace ${module} => ${join(ROOT, 'gen/go')}\n`,
      );
      const env = { GOFLAGS: '-mod=mod', SSL_CERT_FILE: join(CERTS, 'ca.pem') };
      expectGreeting(await run('go', ['run', '.'], env));
      await mkdir(join(folder, 'watch'));
      await writeFile(join(folder, 'watch/watch.go'), await sampleOf('go watch'));
      const { exitCode, stderr } = await run('go', ['vet', './watch'], env);
      expect(exitCode, stderr).to.equal(0);
    });

    it('in Python greets with the wheel of the package installed, and watches', async () => {
      const python = join(dirname(TOOLS['newest python']), 'bin/python');
      const source = join(folder, 'package');
      await cp(join(ROOT, 'clients/python'), source, { recursive: true });
      const wheel = await runProgram(python, ['-m', 'hatchling', 'build', '-t', 'wheel', '-d', folder], {
        cwd: source,
      });
      expect(wheel.exitCode, wheel.stderr).to.equal(0);
      const unpacked = join(folder, 'site-packages');
      const install = ['-m', 'pip', 'install', '--quiet', '--no-deps', '--no-index', '--target', unpacked];
      const installed = await run(python, [...install, '--find-links', folder, 'callhooks']);
      expect(installed.exitCode, installed.stderr).to.equal(0);
      await writeFile(join(folder, 'sample.py'), await sampleOf('python'));
      expectGreeting(await run(python, ['sample.py'], { PYTHONPATH: unpacked }));
      await writeFile(join(folder, 'watch.py'), await sampleOf('python watch'));
      await expectFailureToldBy([python, join(folder, 'watch.py')], { PYTHONPATH: unpacked });
    });

    it('in Java compiles with the libraries of the example, and greets', async () => {
      const jar = join(ROOT, 'examples/java/target/voiceplatform.jar');
      const built = existsSync(jar) ? undefined : await VOICE_PLATFORMS['Java']?.build?.();
      expect(built?.exitCode ?? 0, `${built?.stdout}${built?.stderr}`).to.equal(0);
      const trusted = ['-storetype', 'PKCS12', '-storepass', 'public', '-keystore', 'trusted.p12'];
      const authority = ['-noprompt', '-importcert', '-file', join(CERTS, 'ca.pem')];
      expect((await run('keytool', [...authority, ...trusted])).exitCode).to.equal(0);
      await cp(join(ROOT, 'deploy/service-config.json'), join(folder, 'service-config.json'));
      await writeFile(join(folder, 'Sample.java'), await sampleOf('java'));
      const trust = ['-Djavax.net.ssl.trustStore=trusted.p12', '-Djavax.net.ssl.trustStorePassword=public'];
      expectGreeting(await run('java', [...trust, '-cp', jar, 'Sample.java']));
    });

    /** Installs what the package has for a platform. Its dependencies are those of the repository. */
    const installCallhooks = async (packages: string): Promise<void> => {
      for (const part of ['package.json', 'dist'])
        await cp(join(ROOT, part), join(packages, 'callhooks', part), { recursive: true });
      for (const scope of ['@grpc', '@bufbuild', '@types'])
        await symlink(join(ROOT, 'node_modules', scope), join(packages, scope));
    };
  },
);
