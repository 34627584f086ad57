import { randomUUID } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import type * as pb from '../../src/gen/index.callhooks.v1.ts';
import { makeAgent, postTo } from '../support/calls.ts';
import { describeEachEngine, type FreshDatabase } from '../support/engines.ts';
import { outcomeOf } from '../support/execution-words.ts';
import { startReceiver, type Receiver } from '../support/receiver.ts';
import { connect, type Rpc } from '../support/rpc.ts';
import { startProcess, type Ended } from '../support/server-process.ts';
import { connectDirectly } from '../store/test-database.ts';
import { startLoad, startReplicas, type Load, type Replicas } from './rotating-replicas.ts';

function keyOf(id: string, fill: number): string {
  return `${id}:${Buffer.alloc(32, fill).toString('base64')}`;
}

const [OLD, NEW] = [keyOf('old', 1), keyOf('new', 2)];
const SECRETS = { A: 'the first secret', B: 'the second secret' };

describeEachEngine('callhooks rotate-keys', function (engine) {
  let database: FreshDatabase;
  const env = (keys: string) => ({
    CALLHOOKS_LISTEN: '127.0.0.1:0',
    CALLHOOKS_DATA_DIR: database.dataDir,
    CALLHOOKS_EGRESS_ALLOW: '127.0.0.1',
    CALLHOOKS_ENCRYPTION_KEYS: keys,
    ...(database.url === null ? {} : { DATABASE_URL: database.url, CALLHOOKS_MIGRATE: 'true' }),
  });
  const end = (command: string, keys: string): Promise<Ended> => startProcess([command], env(keys)).ended();
  const serve = async (keys: string, work: (rpc: Rpc) => Promise<unknown>): Promise<Ended> => {
    const server = startProcess(['serve'], env(keys));
    const rpc = connect(Number((await server.serving()).split(':').at(-1)));
    try {
      await work(rpc);
    } finally {
      rpc.close();
      server.kill('SIGTERM');
    }
    return server.ended();
  };
  const change = async (sql: string): Promise<void> => {
    const direct = connectDirectly(database);
    await direct.use((session) => session.change(sql));
    await direct.close();
  };

  beforeEach(async function () {
    this.currentTest?.timeout(120_000);
    database = await engine.freshDatabase();
  });
  afterEach(() => database.cleanup());

  it('encrypts every stored value with the first key, so that the old key may go', async () => {
    await serve(OLD, (rpc) => makeAgent(rpc, { secrets: SECRETS }));
    const { exitCode, stdout, stderr } = await end('rotate-keys', `${NEW} ${OLD}`);
    expect(exitCode, stderr).to.equal(0);
    expect(stdout).to.equal('the first key, new, encrypts 2 stored values now, 2 of them anew\n');
    const again = await end('rotate-keys', `${NEW} ${OLD}`);
    expect(again.stdout).to.equal(
      'nothing was encrypted anew: the first key, new, encrypts 2 stored values\n',
    );
    const report = await end('check-config', NEW);
    expect(report.stdout).to.match(/^key new: 2 stored values$/m);
    expect(report.stdout).not.to.match(/key old/);
    expect((await serve(NEW, async () => undefined)).exitCode).to.equal(0);
  });

  const refusals: [string, string, RegExp][] = [
    ['the old key is missing', NEW, /the key old is missing, and 2 stored values are encrypted with it/],
    ['the old key is another one', `${NEW} ${keyOf('old', 9)}`, /the key old is not the one/],
  ];
  for (const [title, keys, problem] of refusals)
    it(`refuses with 78 when ${title}, and changes nothing`, async () => {
      await serve(OLD, (rpc) => makeAgent(rpc, { secrets: SECRETS }));
      const { exitCode, stdout, stderr } = await end('rotate-keys', keys);
      expect([exitCode, stdout]).to.deep.equal([78, '']);
      expect(stderr).to.match(problem);
      expect((await end('check-config', OLD)).stdout).to.match(/^key old: 2 stored values$/m);
    });

  it('names two values that were swapped in the database, and ends with 78', async () => {
    await serve(OLD, (rpc) => makeAgent(rpc, { secrets: { ...SECRETS, C: 'the third secret' } }));
    // The primary key keeps the two apart, so the swap goes by way of a third name.
    for (const [from, to] of ['A-', 'BA', '-B'].map((names) => [...names]))
      await change(`UPDATE agent_secrets SET name = '${to}' WHERE name = '${from}'`);
    const { exitCode, stderr } = await end('rotate-keys', `${NEW} ${OLD}`);
    expect(exitCode, stderr).to.equal(78);
    expect(stderr.match(/the secret [AB] of agent \S+ does not open/g)).to.have.length(2);
    expect(stderr).to.contain('the first key, new, encrypts 1 stored values now, 1 of them anew');
  });

  it('shows in check-config a key that is another one under a known id', async () => {
    await serve(OLD, (rpc) => makeAgent(rpc, { secrets: SECRETS }));
    const { stdout, exitCode } = await end('check-config', keyOf('old', 9));
    expect(exitCode, 'a server would refuse to start').to.equal(78);
    expect(stdout).to.match(/^key old: 2 stored values \(WRONG KEY\)$/m);
  });

  if (engine.name !== 'sqlite')
    it('rotates over two replicas, with a new key in and the old one out, without a failed start', () =>
      rotateUnderLoad(env));
});

describe('keys of the embedded database', function () {
  this.timeout(60_000);
  let dataDir: string;
  const env = () => ({ CALLHOOKS_LISTEN: '127.0.0.1:0', CALLHOOKS_DATA_DIR: dataDir });
  beforeEach(() => {
    dataDir = mkdtempSync(join(tmpdir(), 'callhooks-rotation-'));
  });
  afterEach(() => rmSync(dataDir, { recursive: true }));

  it('are rotated at the start of the server when the key file has a new first key', async () => {
    const keyFile = join(dataDir, 'encryption.key');
    const serve = async (work: (rpc: Rpc) => Promise<unknown>) => {
      const server = startProcess(['serve'], env());
      const rpc = connect(Number((await server.serving()).split(':').at(-1)));
      await work(rpc);
      rpc.close();
      server.kill('SIGTERM');
      return server.ended();
    };
    await serve((rpc) => makeAgent(rpc, { secrets: SECRETS }));
    writeFileSync(keyFile, `${NEW}\n${readFileSync(keyFile, 'utf8')}`);
    const { stdout } = await serve(async () => undefined);
    expect(stdout).to.match(/"key_id":"new","values":2.*encrypted stored values anew/);
    writeFileSync(keyFile, `${NEW}\n`);
    expect((await serve(async () => undefined)).exitCode).to.equal(0);
  });

  it('are not rotated by the command while the server runs, which says that the folder is in use', async () => {
    const server = startProcess(['serve'], env());
    await server.serving();
    const { exitCode, stderr } = await startProcess(['rotate-keys'], env()).ended();
    server.kill('SIGTERM');
    await server.ended();
    expect(exitCode, stderr).to.equal(69);
    expect(stderr).to.contain('another callhooks');
  });

  it('are not rotated in a folder without a database, and none is made', async () => {
    const { exitCode, stderr } = await startProcess(['rotate-keys'], env()).ended();
    expect(exitCode).to.equal(78);
    expect(stderr).to.contain('there is no database in');
    expect(existsSync(join(dataDir, 'callhooks.db'))).to.equal(false);
  });
});

const AGENTS = 60;

async function rotateUnderLoad(env: (keys: string) => Record<string, string>): Promise<void> {
  const receiver = await startReceiver();
  const replicas = await startReplicas(2, env(OLD));
  try {
    const agents = await replicas.use((rpc) => makeAgents(rpc, receiver));
    const load = startCalls(replicas, agents);
    const writer = writeSecrets(replicas, agents);
    try {
      await rotateOver(replicas, env);
    } finally {
      await Promise.all([load.stop(), writer.stop()]);
    }
    expect([...load.others, ...writer.others]).to.deep.equal([]);
    expect(load.succeeded()).to.be.above(100);
    expect(writer.succeeded()).to.be.above(5);
    expectRightSecrets(receiver);
  } finally {
    await replicas.close();
    await receiver.close();
  }
}

/** Brings the new key in, rotates, and takes the old key out, as docs/keys.md says. */
async function rotateOver(replicas: Replicas, env: (keys: string) => Record<string, string>): Promise<void> {
  await replicas.roll(env(`${OLD} ${NEW}`));
  await replicas.roll(env(`${NEW} ${OLD}`));
  const { exitCode, stdout, stderr } = await startProcess(['rotate-keys'], env(`${NEW} ${OLD}`)).ended();
  expect(exitCode, stderr).to.equal(0);
  expect(stdout).to.match(/^the first key, new, encrypts 180 stored values now/);
  await replicas.roll(env(NEW));
}

/** Makes agents with two secrets and a sensitive header each. */
async function makeAgents(rpc: Rpc, receiver: Receiver): Promise<string[]> {
  const agents: string[] = [];
  while (agents.length < AGENTS) {
    const pre = postTo(receiver.url, ['{{secret.A}}', '{{secret.B}}']);
    const apiSchema = { ...pre.apiSchema, requestHeaders: { Authorization: 'Bearer of the header' } };
    const { agentUuid } = await makeAgent(rpc, { secrets: SECRETS, pre: { ...pre, apiSchema } });
    agents.push(agentUuid);
  }
  return agents;
}

/** Writes the secret B of one agent after the other while the keys rotate. */
function writeSecrets(replicas: Replicas, agents: readonly string[]): Load {
  return startLoad(1, async (at) => {
    const agent = { agentUuid: agents[at % agents.length] as string };
    const secrets = { B: `the new secret ${randomUUID()}` };
    await replicas.use((rpc) => rpc.agents.updateAgent({ agent, secrets }));
    return 'SUCCEEDED';
  });
}

/** Starts a call of one agent after the other. */
function startCalls(replicas: Replicas, agents: readonly string[]): Load {
  return startLoad(4, async (at) => {
    const agentUuid = agents[at % agents.length] as string;
    const call = { agentUuid, conversationUuid: randomUUID() };
    const { execution } = await replicas.use((rpc) => rpc.calls.onCallStart(call));
    return outcomeOf(execution as pb.Execution);
  });
}

function expectRightSecrets({ requests }: Receiver): void {
  for (const { body, headers } of requests) {
    const [first, second] = JSON.parse(body) as [string, string];
    expect([first, headers.authorization]).to.deep.equal([SECRETS.A, 'Bearer of the header']);
    expect(second).to.match(/^the (second secret|new secret [0-9a-f-]{36})$/);
  }
}
