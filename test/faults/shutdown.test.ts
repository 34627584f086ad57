import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { expect } from 'chai';
import { describeEachEngine } from '../support/engines.ts';
import { describeTold } from './support/describe-told.ts';
import { failureOf, nameOf } from './support/execution-log.ts';
import type { Entry } from './support/journal.ts';
import { startLoad } from './support/load.ts';
import { inForm, report } from './support/long.ts';
import type { Replica } from './support/replicas.ts';
import { listPending } from './support/record-on-disk.ts';
import { until } from '../support/until.ts';
import { createWorld, type World } from './support/world.ts';

const LIMIT_MS = 2_000;
const LONG_LIMIT_MS = 20_000;
const SHUTS_DOWN = 'stopping: running executions may finish';

describeEachEngine('SIGTERM', (engine) => {
  let world: World;
  beforeEach(async () => {
    world = await createWorld(engine);
  });
  afterEach(() => world.close());

  it('under load loses nothing and refuses politely', async function () {
    const rounds = inForm({ short: 3, long: 30 });
    this.timeout(60_000 + rounds * 15_000);
    // Few slots, so that accepted rows wait when it ends: they stay.
    const env = { CALLHOOKS_MAX_POST_CALLS_PER_ORIGIN: engine.name === 'sqlite' ? '6' : '3' };
    await world.addReplicas(engine.name === 'sqlite' ? 1 : 3, { env });
    await world.recorder.script('*', { delayMs: [50, 600], statuses: [200, 200, 500] });
    const { agentUuid } = await world.addAgent({ preLimitMs: LIMIT_MS, postLimitMs: LIMIT_MS });
    const load = startLoad({
      ...{ journal: world.journal, replicas: world.replicas, agentUuids: [agentUuid] },
      concurrency: 20,
    });
    let refused = 0;
    const left = new Set<string>();
    for (let round = 0; round < rounds; round += 1) {
      await wait(700);
      const replica = world.replicas[round % world.replicas.length] as Replica;
      const terminatedAtMs = Date.now();
      replica.terminate();
      expect(await replica.ended(), 'exit code').to.equal(0);
      const endedAtMs = Date.now();
      for (const conversationUuid of await listPending(world)) left.add(conversationUuid);
      const overlaps = ({ sentAtMs, toldAtMs }: Entry) => toldAtMs >= terminatedAtMs && sentAtMs <= endedAtMs;
      const told = world.journal.entries.filter((it) => it.replica === replica.name && overlaps(it));
      refused += told.filter((it) => describeTold(it.told) === 'SHUTTING_DOWN').length;
      // What had begun before was answered: nobody's connection was cut.
      for (const entry of told) {
        if (entry.sentAtMs < terminatedAtMs && entry.told.kind === 'error')
          expect(entry.told.reason, JSON.stringify(entry)).to.not.equal('');
      }
      await replica.restart();
    }
    await load.stop();
    // What has gathered behind the few slots goes quickly from now on.
    await world.recorder.script('*', { delayMs: [0, 10], statuses: [200, 200, 500] });
    const figures = await world.verdict(20_000, {
      refusedAs: ['SHUTTING_DOWN'],
      // SQLite has nobody else to call while the one starts again.
      refusedShare: engine.name === 'sqlite' ? 0.9 : 0.5,
      atLeast: { executions: 100, requests: 100, replies: 100 },
    });
    expect(figures['interrupted'], 'interrupted').to.equal(0);
    expect(refused, 'refused as SHUTTING_DOWN').to.be.greaterThan(0);
    const leftCount = left.size;
    expect(leftCount, 'accepted rows that were there when a process ended').to.be.greaterThan(0);
    for (const { type, conversationUuid } of world.recorder.requests())
      if (type === 'post_call') left.delete(conversationUuid);
    expect([...left], 'never sent').to.deep.equal([]);
    report(`SIGTERM under load (${engine.name})`, {
      terminations: rounds,
      left: leftCount,
      refused,
      ...figures,
      violations: 0,
    });
  });

  const endings = [
    {
      name: 'twice ends at once',
      env: { CALLHOOKS_SHUTDOWN_GRACE: '60s' },
      end: async (replica: Replica) => {
        replica.terminate();
        // Two signals that wait for a process that gets no turn are one.
        await until('it to shut down', () => replica.log().includes(SHUTS_DOWN));
        replica.terminate();
        expect(await replica.ended(), 'exit code').to.equal(143);
      },
    },
    {
      name: 'with a grace that is too short ends by itself',
      env: { CALLHOOKS_SHUTDOWN_GRACE: '1s' },
      end: async (replica: Replica) => {
        replica.terminate();
        expect(await replica.ended(), 'exit code').to.equal(0);
      },
    },
  ];

  for (const { name, env, end } of endings) {
    it(`${name} and records the truth of what was under way`, async function () {
      this.timeout(60_000);
      const silentTls = await startSilentServer();
      try {
        const replica = await world.addReplica({ env });
        const calls = await beginStalledCalls(world, replica, silentTls);
        const beganAtMs = Date.now();
        await end(replica);
        expect(Date.now() - beganAtMs, 'milliseconds to the end').to.be.lessThan(6_000);
        const told = new Map(
          await Promise.all(calls.map(async (it) => [it.name, describeTold(await it.told)] as const)),
        );
        await replica.restart();
        const onRecord = new Map<string, string>();
        for (const call of calls) {
          const { executions } = await replica.rpc.executions.listExecutions({
            conversationUuid: call.conversationUuid,
          });
          onRecord.set(
            call.name,
            executions.map((it) => `${nameOf(it.state)} ${failureOf(it)}`).join(' and '),
          );
        }
        expect(Object.fromEntries(onRecord), 'on record').to.deep.equal({
          'start, no head': 'INTERRUPTED SHUTDOWN MAYBE',
          'start, half a response': 'INTERRUPTED SHUTDOWN YES',
          'start, no connection': 'INTERRUPTED SHUTDOWN NO',
          'end, no head': 'INTERRUPTED SHUTDOWN MAYBE',
          'end, no connection': 'INTERRUPTED SHUTDOWN NO',
        });
        // Callers on the phone are told what to do before the port closes.
        expect(Object.fromEntries(told), 'told').to.deep.equal({
          'start, no head': 'INTERRUPTED',
          'start, half a response': 'INTERRUPTED',
          'start, no connection': 'INTERRUPTED',
          'end, no head': 'ACCEPTED',
          'end, no connection': 'ACCEPTED',
        });
        const figures = await world.verdict(10_000);
        report(`SIGTERM ${name} (${engine.name})`, { ...figures, violations: 0 });
      } finally {
        await silentTls.close();
      }
    });
  }
});

/** Calls whose endpoints let them wait, each at another point of the exchange. */
const beginStalledCalls = async (world: World, replica: Replica, silentTls: SilentServer) => {
  const { recorder, journal } = world;
  await recorder.script('/silent/pre', { stall: 'silent' });
  await recorder.script('/silent/post', { stall: 'silent' });
  await recorder.script('/half/pre', { stall: 'after_head' });
  const limits = { preLimitMs: LONG_LIMIT_MS, postLimitMs: LONG_LIMIT_MS };
  const urlsOf = (base: string) => ({ ...limits, preUrl: `${base}/pre`, postUrl: `${base}/post` });
  const silent = await world.addAgent(urlsOf(`${recorder.url}/silent`));
  const half = await world.addAgent(urlsOf(`${recorder.url}/half`));
  const unconnected = await world.addAgent(urlsOf(silentTls.url));
  const plan = [
    { name: 'start, no head', rpc: 'start', agent: silent },
    { name: 'start, half a response', rpc: 'start', agent: half },
    { name: 'start, no connection', rpc: 'start', agent: unconnected },
    { name: 'end, no head', rpc: 'end', agent: silent },
    { name: 'end, no connection', rpc: 'end', agent: unconnected },
  ] as const;
  const calls = plan.map(({ name, rpc, agent: { agentUuid } }) => {
    const conversationUuid = randomUUID();
    const call = { rpc, agentUuid, conversationUuid, deadlineMs: LONG_LIMIT_MS };
    return { name, conversationUuid, told: journal.call(replica, call) };
  });
  const isUnderWay = (): boolean => {
    const requests = recorder.requests();
    const answered = requests.filter(({ answer }) => answer !== undefined);
    return requests.length === 3 && answered.length === 1 && silentTls.taken() === 2;
  };
  await until('all to be under way', isUnderWay);
  // The half response has left its endpoint, and arrives.
  await wait(300);
  return calls;
};

/** Takes connections and says nothing: a TLS handshake with it never ends. */
interface SilentServer {
  readonly url: string;
  /** How many connections it has taken. */
  taken(): number;
  close(): Promise<void>;
}

const startSilentServer = async (): Promise<SilentServer> => {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined).resume();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    taken: () => sockets.size,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
};
