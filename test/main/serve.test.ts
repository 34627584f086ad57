import { once } from 'node:events';
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { ExecutionState, FailureCode, Sent, WebhookType } from '../../src/gen/index.callhooks.v1.ts';
import { startReceiver, type Receiver } from '../support/receiver.ts';
import { connect, errorOf, type Rpc } from '../support/rpc.ts';
import { TOKEN_SETTINGS } from '../support/tokens.ts';
import { healthClient } from '../support/health-client.ts';
import { startProcess, type ServerProcess } from '../support/server-process.ts';
import { keyOf } from '../support/test-keys.ts';

const AGENT = '7a0f4a9e-8c0e-4b1c-9d33-0d0c2f6f0001';
const CONVERSATION = '7a0f4a9e-8c0e-4b1c-9d33-0d0c2f6f0002';
const certFile = (name: string) => fileURLToPath(new URL(`../support/certs/${name}`, import.meta.url));
const TLS_SETTINGS = {
  CALLHOOKS_TLS_CERT_FILE: certFile('endpoint.pem'),
  CALLHOOKS_TLS_KEY_FILE: certFile('endpoint.key'),
};
const SIGNALS = ['SIGTERM', 'SIGINT'] as const;

function start(rpc: Rpc) {
  return rpc.calls.onCallStart({ agentUuid: AGENT, conversationUuid: CONVERSATION, callerPhone: '+49301' });
}

function isStopping(line: Record<string, unknown>) {
  return String(line['msg']).startsWith('stopping:');
}

describe('callhooks serve', function () {
  this.timeout(60_000);
  let dataDir: string;
  let receiver: Receiver;
  const open: { server?: ServerProcess; rpc?: Rpc } = {};

  beforeEach(async () => {
    dataDir = mkdtempSync(join(tmpdir(), 'callhooks-main-'));
    receiver = await startReceiver();
  });
  afterEach(async () => {
    open.rpc?.close();
    open.server?.kill('SIGKILL');
    await open.server?.ended();
    await receiver.close();
    rmSync(dataDir, { recursive: true });
  });

  const settings = () => ({
    CALLHOOKS_LISTEN: '127.0.0.1:0',
    CALLHOOKS_DATA_DIR: dataDir,
    CALLHOOKS_EGRESS_ALLOW: '127.0.0.1',
  });
  const serve = async (env: Record<string, string> = {}): Promise<{ server: ServerProcess; rpc: Rpc }> => {
    open.server = startProcess(['serve'], { ...settings(), ...env });
    const address = await open.server.serving();
    open.rpc?.close();
    open.rpc = connect(Number(address.split(':').at(-1)));
    return { server: open.server, rpc: open.rpc };
  };
  const createAgent = (rpc: Rpc) =>
    rpc.agents.createAgent({
      agent: {
        agentUuid: AGENT,
        webhooks: [
          {
            webhookType: WebhookType.WEBHOOK_TYPE_PRE_CALL,
            webhookConfig: {
              apiSchema: {
                url: `${receiver.url}/hook`,
                method: 'POST',
                requestHeaders: { Authorization: 'Bearer s3cret' },
              },
            },
          },
        ],
      },
    });
  for (const signal of SIGNALS) {
    it(`exits with 0 on ${signal}`, async () => {
      const { server } = await serve();
      server.kill(signal);
      const { exitCode, stdout, stderr } = await server.ended();
      expect([exitCode, stderr]).to.deep.equal([0, '']);
      const messages = stdout
        .trim()
        .split('\n')
        .map((line) => (JSON.parse(line) as { msg: string }).msg);
      expect(messages).to.include.members(['serving', 'stopped']);
    });

    it(`finishes, records and answers a running execution after ${signal}, and refuses new calls`, async () => {
      const { server, rpc } = await serve();
      await createAgent(rpc);
      const { promise: released, resolve: release } = Promise.withResolvers<void>();
      receiver.respond(async () => {
        await released;
        return { body: {} };
      });
      const reply = start(rpc);
      await receiver.waitFor(1);
      server.kill(signal);
      await server.logged(isStopping);
      expect(await errorOf(rpc.agents.listAgents())).to.have.property('code', 'UNAVAILABLE');
      const { opsAddress } = await server.logged(({ msg }) => msg === 'serving');
      const statusOf = async (path: string) => (await fetch(`http://${String(opsAddress)}${path}`)).status;
      expect(await Promise.all(['/readyz', '/healthz', '/metrics'].map(statusOf))).to.deep.equal([
        503, 200, 200,
      ]);
      release();
      expect((await reply).execution?.state).to.equal(ExecutionState.EXECUTION_STATE_SUCCEEDED);
      expect((await server.ended()).exitCode).to.equal(0);
      const again = await serve();
      expect(await start(again.rpc)).to.include({ replayed: true });
      expect(receiver.requests).to.have.length(1);
    });

    it(`exits at once on a second ${signal}, and records the running execution as INTERRUPTED`, async () => {
      const { server, rpc } = await serve();
      await createAgent(rpc);
      receiver.respond(() => undefined);
      const reply = start(rpc).catch((error: unknown) => error);
      await receiver.waitFor(1);
      server.kill(signal);
      await server.logged(isStopping);
      const secondAt = performance.now();
      server.kill(signal);
      const { exitCode } = await server.ended();
      expect(exitCode).to.equal(signal === 'SIGTERM' ? 143 : 130);
      expect(performance.now() - secondAt).to.be.below(3000);
      await reply;
      const { execution, replayed } = await start((await serve()).rpc);
      expect(replayed).to.equal(true);
      expect(execution?.state).to.equal(ExecutionState.EXECUTION_STATE_INTERRUPTED);
      expect(execution?.failure).to.include({
        code: FailureCode.FAILURE_CODE_SHUTDOWN,
        sent: Sent.SENT_MAYBE,
      });
    });
  }

  it('writes only JSON lines to standard output, without the details of a call', async () => {
    const { server, rpc } = await serve({ CALLHOOKS_LOG_LEVEL: 'trace' });
    await createAgent(rpc);
    await start(rpc);
    server.kill('SIGTERM');
    const { stdout, stderr } = await server.ended();
    for (const line of stdout.trim().split('\n')) expect(() => JSON.parse(line) as unknown).not.to.throw();
    for (const secret of ['+49301', 's3cret', '/hook']) expect(stdout + stderr).not.to.contain(secret);
  });

  it('serves soon after its start', async () => {
    const first = await serve();
    first.server.kill('SIGTERM');
    await first.server.ended();
    const startedAt = performance.now();
    await serve();
    // Other suites share this machine. The benchmark measures the figure itself.
    expect(performance.now() - startedAt).to.be.below(5000);
  });

  it('prints requests to try next when it runs under make', async () => {
    const { server, rpc } = await serve({ MAKELEVEL: '1' });
    server.kill('SIGTERM');
    rpc.close();
    const { stderr } = await server.ended();
    expect(stderr).to.match(/grpcurl -plaintext 127\.0\.0\.1:\d+ list/);
    expect(stderr).to.match(/^A browser shows the same: http:\/\/127\.0\.0\.1:\d+\/console$/m);
    const requests = Array.from(
      stderr.matchAll(/-d '(.*)' \S+ callhooks\.v1\.(\S+)/g),
      ([, json = '', method]) => [method, JSON.parse(json)],
    );
    expect(requests.map(([method]) => method)).to.deep.equal([
      'AgentAdmin/CreateAgent',
      'CallLifecycle/OnCallStart',
      'ExecutionLog/ListExecutions',
    ]);
  });

  const OUTSIDE = { CALLHOOKS_LISTEN: '[::ffff:127.0.0.1]:0' };
  const PLAINTEXT = 'gRPC is served to other machines in plaintext';
  const WITHOUT_TOKENS = 'gRPC is served to other machines without tokens';
  const openings: [string, Record<string, string>, string[]][] = [
    [
      'in plaintext and without tokens',
      { CALLHOOKS_INSECURE: 'true', CALLHOOKS_AUTH: 'none' },
      [PLAINTEXT, WITHOUT_TOKENS],
    ],
    ['in plaintext with tokens', { CALLHOOKS_INSECURE: 'true', ...TOKEN_SETTINGS }, [PLAINTEXT]],
    ['over TLS without tokens', { ...TLS_SETTINGS, CALLHOOKS_AUTH: 'none' }, [WITHOUT_TOKENS]],
    ['over TLS with tokens', { ...TLS_SETTINGS, ...TOKEN_SETTINGS }, []],
  ];
  for (const [title, env, expected] of openings) {
    it(`warns of what is open to other machines, and shows it in gauges (${title})`, async () => {
      const { server } = await serve({ ...OUTSIDE, ...env });
      const { opsAddress } = await server.logged(({ msg }) => msg === 'serving');
      const page = await (await fetch(`http://${String(opsAddress)}/metrics`)).text();
      server.kill('SIGTERM');
      const lines = (await server.ended()).stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as { level: string; msg: string });
      expect(lines.filter(({ level }) => level === 'warn').map(({ msg }) => msg)).to.deep.equal(expected);
      expect(page).to.match(new RegExp(`^callhooks_insecure ${Number(expected.includes(PLAINTEXT))}$`, 'm'));
      expect(page).to.match(
        new RegExp(`^callhooks_without_tokens ${Number(expected.includes(WITHOUT_TOKENS))}$`, 'm'),
      );
    });
  }

  const PROXY = { CALLHOOKS_EGRESS_PROXY: 'http://user:hunter2@127.0.0.1:3128' };
  const RESOLVES =
    'the proxy resolves names: callhooks does not check the addresses that webhooks reach, so the proxy has to';
  const IGNORED = 'proxies of the environment are ignored: CALLHOOKS_EGRESS_PROXY names a proxy for webhooks';
  const AMBIENT = {
    HTTPS_PROXY: 'http://user:hunter2@ambient:1',
    http_proxy: 'http://ambient:1',
    NO_PROXY: 'x',
  };
  const ways: [string, Record<string, string>, string[]][] = [
    ['no proxy', {}, []],
    ['a proxy', PROXY, []],
    ['a proxy that resolves names', { ...PROXY, CALLHOOKS_EGRESS_PROXY_RESOLVES: 'true' }, [RESOLVES]],
    ['a proxy of the environment', AMBIENT, [IGNORED]],
    ['a proxy of its own besides that of the environment', { ...PROXY, ...AMBIENT }, []],
  ];
  for (const [title, env, expected] of ways) {
    it(`warns of the way out that is open or ignored, and never logs its password (${title})`, async () => {
      const { server } = await serve(env);
      const { opsAddress } = await server.logged(({ msg }) => msg === 'serving');
      const page = await (await fetch(`http://${String(opsAddress)}/metrics`)).text();
      server.kill('SIGTERM');
      const { stdout, stderr } = await server.ended();
      const warnings = stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as { level: string; msg: string; ignored?: unknown })
        .filter(({ level }) => level === 'warn');
      expect(warnings.map(({ msg }) => msg)).to.deep.equal(expected);
      if (expected.includes(IGNORED))
        expect(warnings[0]?.ignored).to.deep.equal(['HTTPS_PROXY', 'http_proxy']);
      expect(page).to.match(
        new RegExp(`^callhooks_proxy_resolves ${Number(expected.includes(RESOLVES))}$`, 'm'),
      );
      expect(stdout + stderr + page).to.not.match(/hunter2|aHVudGVyMg|dXNlcj/);
    });
  }

  it('reads its TLS files again on SIGHUP', async () => {
    const files = {
      CALLHOOKS_TLS_CERT_FILE: join(dataDir, 'cert.pem'),
      CALLHOOKS_TLS_KEY_FILE: join(dataDir, 'key.pem'),
    };
    const write = (name: string) => {
      copyFileSync(certFile(`${name}.pem`), files.CALLHOOKS_TLS_CERT_FILE);
      copyFileSync(certFile(`${name}.key`), files.CALLHOOKS_TLS_KEY_FILE);
    };
    write('endpoint');
    const { server } = await serve(files);
    write('self-signed');
    server.kill('SIGHUP');
    await server.logged(({ msg }) => String(msg).startsWith('the TLS files have changed'));
    server.kill('SIGTERM');
    expect((await server.ended()).exitCode).to.equal(0);
  });

  it('serves health on a port of its own, without tokens and TLS', async () => {
    const { server } = await serve({
      ...TLS_SETTINGS,
      ...TOKEN_SETTINGS,
      CALLHOOKS_HEALTH_LISTEN: '127.0.0.1:0',
    });
    const { healthAddress } = await server.logged(({ msg }) => msg === 'serving');
    using health = healthClient(Number(String(healthAddress).split(':').at(-1)));
    expect(await health.check('')).to.equal('SERVING');
  });

  it('exits with 69 when its port is taken', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    const { exitCode, stderr } = await startProcess(['serve'], {
      ...settings(),
      CALLHOOKS_LISTEN: `127.0.0.1:${port}`,
    }).ended();
    other.close();
    expect(exitCode, stderr).to.equal(69);
    expect(stderr).to.contain(`127.0.0.1:${port}`);
  });

  it('exits with 69 when the database does not answer, and prints no password', async () => {
    const env = {
      ...settings(),
      DATABASE_URL: 'mysql://user:hunter2@127.0.0.1:1/callhooks',
      CALLHOOKS_ENCRYPTION_KEYS: keyOf('k1', 1),
    };
    const { exitCode, stdout, stderr } = await startProcess(['serve'], env).ended();
    expect(exitCode, stderr).to.equal(69);
    expect(stderr).to.contain('ECONNREFUSED');
    expect(stdout + stderr).not.to.contain('hunter2');
  });

  it('exits with 69 when another process uses the data folder', async () => {
    await serve();
    const { exitCode, stderr } = await startProcess(['serve'], settings()).ended();
    expect(exitCode, stderr).to.equal(69);
    expect(stderr).to.contain(dataDir);
  });

  it('exits with 69 when the data folder cannot be created', async () => {
    const env = { ...settings(), CALLHOOKS_DATA_DIR: '/dev/null/data' };
    const { exitCode, stderr } = await startProcess(['serve'], env).ended();
    expect(exitCode, stderr).to.equal(69);
    expect(stderr).to.contain('/dev/null');
  });
});
