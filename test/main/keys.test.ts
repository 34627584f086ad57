import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect } from 'chai';
import { WebhookType } from '../../src/gen/index.callhooks.v1.ts';
import { startReceiver } from '../support/receiver.ts';
import { connect, errorOf, type Rpc } from '../support/rpc.ts';
import { startProcess, type Ended } from '../support/server-process.ts';
import { keyOf } from '../support/test-keys.ts';

const AGENT = '7a0f4a9e-8c0e-4b1c-9d33-0d0c2f6f0001';
function createAgent(rpc: Rpc) {
  return rpc.agents.createAgent({ agent: { agentUuid: AGENT }, secrets: { A: 'hunter2', B: 'x' } });
}

/** Swaps the values of an agent's two secrets in the database, as a curious operator could. */
function swapSecrets(file: string): void {
  const database = new DatabaseSync(file);
  const [one, two] = database.prepare('SELECT name, sealed FROM agent_secrets ORDER BY name').all();
  const update = database.prepare('UPDATE agent_secrets SET sealed = ? WHERE name = ?');
  update.run(two?.['sealed'] ?? null, one?.['name'] ?? null);
  update.run(one?.['sealed'] ?? null, two?.['name'] ?? null);
  database.close();
}

describe('The encryption keys of a process', function () {
  this.timeout(60_000);
  let dataDir: string;
  let keyFile: string;
  const env = (more = {}) => ({ CALLHOOKS_LISTEN: '127.0.0.1:0', CALLHOOKS_DATA_DIR: dataDir, ...more });
  const run = (args: string[], more = {}) => startProcess(args, env(more)).ended();

  const during = async (work: (rpc: Rpc) => Promise<unknown>, more = {}): Promise<Ended> => {
    const server = startProcess(['serve'], env(more));
    const rpc = connect(Number((await server.serving()).split(':').at(-1)));
    try {
      await work(rpc);
    } finally {
      rpc.close();
      server.kill('SIGTERM');
    }
    return server.ended();
  };
  beforeEach(() => {
    dataDir = mkdtempSync(join(tmpdir(), 'callhooks-keys-'));
    keyFile = join(dataDir, 'encryption.key');
  });
  afterEach(() => rmSync(dataDir, { recursive: true }));

  it('leave no secret in plain text in its data folder', async () => {
    await during(createAgent);
    const bytes = readFileSync(join(dataDir, 'callhooks.db'), 'latin1');
    expect(bytes).not.to.contain('hunter2');
  });

  const refusals: [string, () => void, Record<string, string>, RegExp][] = [
    [
      'its key file is missing',
      () => rmSync(keyFile),
      {},
      /^  - 2 stored values are encrypted .* is missing/m,
    ],
    ['every user may read its key file', () => chmodSync(keyFile, 0o644), {}, /chmod 600/],
    [
      'its key file has another key under the same id',
      () => writeFileSync(keyFile, keyOf(readFileSync(keyFile, 'utf8').split(':')[0] ?? '', 5)),
      {},
      /is not the one that this database was used with/,
    ],
    [
      'the settings have another key instead',
      () => {},
      { CALLHOOKS_ENCRYPTION_KEYS: keyOf('k1', 1) },
      /the key file-[0-9a-f]{8} is missing, and 2 stored values are encrypted with it/,
    ],
  ];
  for (const [title, damage, settings, problem] of refusals) {
    it(`let it exit with 78 when ${title}`, async () => {
      await during(createAgent);
      damage();
      const { exitCode, stderr } = await run(['serve'], settings);
      expect(exitCode, stderr).to.equal(78);
      expect(stderr).to.match(problem);
    });
  }

  it('may move from the key file into the settings', async () => {
    await during(createAgent);
    const keys = `${keyOf('k1', 1)},${readFileSync(keyFile, 'utf8').trim()}`;
    rmSync(keyFile);
    await during((rpc) => rpc.agents.getAgent({ agentUuid: AGENT }), { CALLHOOKS_ENCRYPTION_KEYS: keys });
  });

  it('open no secrets that were swapped in the database: nothing is sent, and the log names one of them', async () => {
    const receiver = await startReceiver();
    const webhook = {
      webhookType: WebhookType.WEBHOOK_TYPE_PRE_CALL,
      webhookConfig: {
        apiSchema: {
          url: receiver.url,
          method: 'POST',
          requestHeaders: { 'X-A': '{{secret.A}}', 'X-B': '{{secret.B}}' },
        },
      },
    };
    const settings = { CALLHOOKS_EGRESS_ALLOW: '127.0.0.1' };
    const start = (rpc: Rpc, conversationUuid: string) =>
      rpc.calls.onCallStart({ agentUuid: AGENT, conversationUuid });
    await during(async (rpc) => {
      await rpc.agents.createAgent({
        agent: { agentUuid: AGENT, webhooks: [webhook] },
        secrets: { A: 'one', B: 'two' },
      });
      await start(rpc, AGENT.replace(/1$/, '2'));
    }, settings);
    swapSecrets(join(dataDir, 'callhooks.db'));
    const { stdout } = await during(async (rpc) => {
      const error = await errorOf(start(rpc, AGENT.replace(/1$/, '3')));
      expect([error.code, error.message]).to.deep.equal(['INTERNAL', 'internal error']);
    }, settings);
    await receiver.close();
    expect(receiver.requests.map(({ headers }) => [headers['x-a'], headers['x-b']])).to.deep.equal([
      ['one', 'two'],
    ]);
    expect(stdout).to.match(/UnsealError.*agent_secrets\|[^"]*\|[AB] does not open/);
  });

  it('are listed by check-config with the number of values that each encrypts, beside the settings in effect', async () => {
    const keys = { CALLHOOKS_ENCRYPTION_KEYS: `${keyOf('k1', 1)} ${keyOf('k2', 2)}` };
    const fresh = await run(['check-config'], keys);
    expect([fresh.exitCode, fresh.stderr]).to.deep.equal([0, '']);
    expect(fresh.stdout).to.contain('there is no database yet');
    await during(createAgent, keys);
    const { stdout } = await run(['check-config'], keys);
    expect(stdout).to.match(/^CALLHOOKS_LISTEN +127\.0\.0\.1:0$/m);
    expect(stdout).to.match(/^CALLHOOKS_START_BY +24h {2}\(default\)$/m);
    expect(stdout).to.match(/^CALLHOOKS_ENCRYPTION_KEYS +set$/m);
    expect(stdout).to.match(/^DATABASE_URL +not set/m);
    expect(stdout)
      .to.match(/^key k1: 2 stored values$/m)
      .and.to.match(/^key k2: 0 stored values$/m);
    expect(stdout).not.to.contain(Buffer.alloc(32, 1).toString('base64'));
  });

  it('are shown by check-config no more than the password of the proxy', async () => {
    const { stdout } = await run(['check-config'], {
      CALLHOOKS_EGRESS_PROXY: 'http://user:hunter2@proxy:3128',
      CALLHOOKS_EGRESS_NO_PROXY: '10.0.0.0/8',
    });
    expect(stdout).to.match(/^CALLHOOKS_EGRESS_PROXY +set$/m);
    expect(stdout).to.match(/^CALLHOOKS_EGRESS_NO_PROXY +10\.0\.0\.0\/8$/m);
    expect(stdout).to.match(/^CALLHOOKS_EGRESS_PROXY_RESOLVES +false {2}\(default\)$/m);
    expect(stdout).not.to.contain('hunter2');
  });

  it('are called missing by check-config when a stored value needs one that is not there', async () => {
    await during(createAgent, { CALLHOOKS_ENCRYPTION_KEYS: keyOf('k1', 1) });
    const { stdout, exitCode } = await run(['check-config'], { CALLHOOKS_ENCRYPTION_KEYS: keyOf('k2', 2) });
    expect(exitCode, 'a server would refuse to start').to.equal(78);
    expect(stdout).to.match(/^key k1: 2 stored values \(KEY MISSING\)$/m);
  });
});
