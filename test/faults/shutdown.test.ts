import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { expect } from 'chai';
import { describeEachEngine } from '../support/engines.ts';
import { outcomeOf } from '../support/execution-words.ts';
import { onQuietMachine } from '../support/quiet-machine.ts';
import { until } from '../support/until.ts';
import type { LoggedCall } from './support/call-log.ts';
import { describeResponse } from './support/call-response.ts';
import { listPending } from './support/cluster-database.ts';
import { createCluster, type Cluster } from './support/cluster.ts';
import { startLoad } from './support/load.ts';
import type { Replica } from './support/replica.ts';
import { reportFigures } from './support/report-figures.ts';
import { byRunLength } from './support/run-length.ts';
import { startSilentServer, type SilentServer } from './support/silent-server.ts';

const LIMIT_MS = 2_000;
const LONG_LIMIT_MS = 20_000;
const STOPS_WITHIN_MS = 6_000;
const STOPPING = 'stopping: running executions may finish';

describeEachEngine('SIGTERM', (engine) => {
  let cluster: Cluster;
  beforeEach(async () => {
    cluster = await createCluster(engine);
  });
  afterEach(() => cluster.close());

  it('under load loses nothing, and refuses new calls as SHUTTING_DOWN', async function () {
    const rounds = byRunLength({ short: 3, long: 30 });
    this.timeout(60_000 + rounds * 15_000);
    // There are few request slots, so that post-calls are pending when a process ends: they stay.
    const env = { CALLHOOKS_MAX_POST_CALLS_PER_ORIGIN: engine.name === 'sqlite' ? '6' : '3' };
    await cluster.addReplicas(engine.name === 'sqlite' ? 1 : 3, { env });
    const { callLog, recorder, replicas } = cluster;
    await recorder.script('*', { delayMs: [50, 600], statuses: [200, 200, 500] });
    const { agentUuid } = await cluster.addAgent({ preLimitMs: LIMIT_MS, postLimitMs: LIMIT_MS });
    const load = startLoad({ callLog, replicas, agentUuids: [agentUuid], concurrency: 20 });
    let refused = 0;
    const pending = new Set<string>();
    for (let round = 0; round < rounds; round += 1) {
      await wait(700);
      const replica = replicas[round % replicas.length] as Replica;
      const terminatedAtMs = Date.now();
      replica.terminate();
      expect(await replica.exited(), 'exit code').to.equal(0);
      const exitedAtMs = Date.now();
      for (const conversationUuid of await listPending(cluster)) pending.add(conversationUuid);
      const overlaps = ({ sentAtMs, respondedAtMs }: LoggedCall) =>
        respondedAtMs >= terminatedAtMs && sentAtMs <= exitedAtMs;
      const meanwhile = callLog.entries.filter((it) => it.replica === replica.name && overlaps(it));
      refused += meanwhile.filter((it) => describeResponse(it.response) === 'SHUTTING_DOWN').length;
      // Calls that had begun before were answered: no connection was cut.
      for (const entry of meanwhile) {
        if (entry.sentAtMs < terminatedAtMs && entry.response.kind === 'error')
          expect(entry.response.reason, JSON.stringify(entry)).to.not.equal('');
      }
      await replica.restart();
    }
    await load.stop();
    // From now on the endpoint is quick, so that all pending post-calls are sent soon.
    await recorder.script('*', { delayMs: [0, 10], statuses: [200, 200, 500] });
    const figures = await cluster.check(20_000, {
      refusedAs: ['SHUTTING_DOWN'],
      // On SQLite there is no other replica to call while the one starts again.
      refusedShare: engine.name === 'sqlite' ? 0.9 : 0.5,
      atLeast: { executions: 100, requests: 100, replies: 100 },
    });
    expect(figures['interrupted'], 'interrupted').to.equal(0);
    expect(refused, 'refused as SHUTTING_DOWN').to.be.greaterThan(0);
    const left = pending.size;
    expect(left, 'post-calls that were pending when a process ended').to.be.greaterThan(0);
    for (const { type, conversationUuid } of recorder.requests())
      if (type === 'post_call') pending.delete(conversationUuid);
    expect([...pending], 'never sent').to.deep.equal([]);
    reportFigures(`SIGTERM under load (${engine.name})`, {
      terminations: rounds,
      left,
      refused,
      ...figures,
      violations: 0,
    });
  });

  const endings = [
    {
      name: 'twice ends the process at once',
      env: { CALLHOOKS_SHUTDOWN_GRACE: '60s' },
      end: async (replica: Replica) => {
        replica.terminate();
        // Two signals count as one for a process that has had no turn between them.
        await until('it to shut down', () => replica.log().includes(STOPPING));
        replica.terminate();
        expect(await replica.exited(), 'exit code').to.equal(143);
      },
    },
    {
      name: 'with a grace that is too short ends the process after it',
      env: { CALLHOOKS_SHUTDOWN_GRACE: '1s' },
      end: async (replica: Replica) => {
        replica.terminate();
        expect(await replica.exited(), 'exit code').to.equal(0);
      },
    },
  ];

  for (const { name, env, end } of endings) {
    it(`${name}, answers running calls, and records how far each request got`, async function () {
      this.timeout(60_000);
      const silentTls = await startSilentServer();
      try {
        const replica = await cluster.addReplica({ env });
        const calls = await beginStalledCalls(cluster, replica, silentTls);
        const beganAtMs = Date.now();
        await end(replica);
        const tookMs = Date.now() - beganAtMs;
        await onQuietMachine('the process ends soon', beganAtMs, () =>
          expect(tookMs, 'milliseconds to its end').to.be.lessThan(STOPS_WITHIN_MS),
        );
        const responses = new Map<string, string>();
        for (const { name, response } of calls) responses.set(name, describeResponse(await response));
        await replica.restart();
        const records = new Map<string, string>();
        for (const { name, conversationUuid } of calls) {
          const { executions } = await replica.rpc.executions.listExecutions({ conversationUuid });
          records.set(name, executions.map(outcomeOf).join(' and '));
        }
        expect(Object.fromEntries(records), 'records').to.deep.equal({
          'start, no head': 'INTERRUPTED SHUTDOWN MAYBE',
          'start, half a response': 'INTERRUPTED SHUTDOWN YES',
          'start, no connection': 'INTERRUPTED SHUTDOWN NO',
          'end, no head': 'INTERRUPTED SHUTDOWN MAYBE',
          'end, no connection': 'INTERRUPTED SHUTDOWN NO',
        });
        // Callers on the phone learn what to do before the port closes.
        expect(Object.fromEntries(responses), 'responses').to.deep.equal({
          'start, no head': 'INTERRUPTED',
          'start, half a response': 'INTERRUPTED',
          'start, no connection': 'INTERRUPTED',
          'end, no head': 'ACCEPTED',
          'end, no connection': 'ACCEPTED',
        });
        const figures = await cluster.check(10_000);
        reportFigures(`SIGTERM ${name} (${engine.name})`, { ...figures, violations: 0 });
      } finally {
        await silentTls.close();
      }
    });
  }
});

/** Makes calls whose endpoints let them wait, each at another point of its HTTP exchange. */
async function beginStalledCalls(cluster: Cluster, replica: Replica, silentTls: SilentServer) {
  const { recorder, callLog } = cluster;
  await recorder.script('/silent/pre', { stall: 'silent' });
  await recorder.script('/silent/post', { stall: 'silent' });
  await recorder.script('/half/pre', { stall: 'after_head' });
  const limits = { preLimitMs: LONG_LIMIT_MS, postLimitMs: LONG_LIMIT_MS };
  const urlsOf = (base: string) => ({ ...limits, preUrl: `${base}/pre`, postUrl: `${base}/post` });
  const silent = await cluster.addAgent(urlsOf(`${recorder.url}/silent`));
  const half = await cluster.addAgent(urlsOf(`${recorder.url}/half`));
  const unconnected = await cluster.addAgent(urlsOf(silentTls.url));
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
    return { name, conversationUuid, response: callLog.call(replica, call) };
  });
  const areAllUnderWay = (): boolean => {
    const requests = recorder.requests();
    const answered = requests.filter(({ answer }) => answer !== undefined);
    return requests.length === 3 && answered.length === 1 && silentTls.taken() === 2;
  };
  await until('all to be under way', areAllUnderWay);
  // The half response has left its endpoint, and arrives meanwhile.
  await wait(300);
  return calls;
}
