import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { overview, type Overview } from '../../src/commands/overview.ts';
import { createMinutes } from '../../src/engine/minutes/minutes.ts';
import { FailurePolicy } from '../../src/gen/index.callhooks.v1.ts';
import { openDatabase } from '../../src/store/database.ts';
import type { MinuteStore } from '../../src/store/minute-store.ts';
import { createMinuteStore } from '../../src/store/minute-store.ts';
import { connectDirectly, optionsOf } from '../store/test-database.ts';
import { startTcpProxy } from '../store/tcp-proxy.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import { makeAgent, newCall, postTo, untilFinished, type CallAgent } from '../support/calls.ts';
import { describeEachEngine, type Engine, type FreshDatabase } from '../support/engines.ts';
import { startReceiver, type Receiver } from '../support/receiver.ts';
import { until } from '../support/until.ts';

const ENV = { CALLHOOKS_EGRESS_ALLOW: '127.0.0.0/8' };
const OFTEN = { everyMs: { writeMinutes: 20 } };

/** Returns an engine whose database is this one. It stays when an app on it ends. */
function sharing(engine: Engine, database: FreshDatabase): Engine {
  return { ...engine, freshDatabase: async () => ({ ...database, cleanup: async () => undefined }) };
}

/** Reads what others counted, as a replica does that has counted nothing. */
function readOverview(store: MinuteStore): Promise<Overview> {
  const minutes = createMinutes({
    ...{ store, newUuid: randomUUID, now: Date.now, databaseNowMs: async () => Date.now() },
    elapsedMs: () => performance.now(),
    onError: (error) => {
      throw error;
    },
  });
  const figures = () => ({ pendingPostCalls: 0, oldestPendingAgeMs: 0, overdue: 0 });
  return overview({ minutes, figures });
}

async function readClosed(database: FreshDatabase): Promise<Overview> {
  const opened = await openDatabase(optionsOf(database));
  try {
    return await readOverview(opened.minutes);
  } finally {
    await opened.close();
  }
}

describeEachEngine('The overview', (engine) => {
  let database: FreshDatabase;
  let receiver: Receiver;
  beforeEach(async () => {
    database = await engine.freshDatabase();
    receiver = await startReceiver(({ url }) => ({ status: url === '/fails' ? 500 : 200, body: {} }));
  });
  afterEach(async () => {
    await receiver.close();
    await database.cleanup();
  });

  interface Agents {
    readonly works: CallAgent;
    readonly degrades: CallAgent;
    readonly blocks: CallAgent;
  }
  const makeAgents = async ({ rpc }: TestApp): Promise<Agents> => {
    const fails = (failurePolicy: FailurePolicy) => ({
      pre: postTo(`${receiver.url}/fails`, undefined, { failurePolicy }),
    });
    return {
      works: await makeAgent(rpc, { pre: postTo(receiver.url), post: postTo(receiver.url) }),
      degrades: await makeAgent(rpc, fails(FailurePolicy.FAILURE_POLICY_PROCEED)),
      blocks: await makeAgent(rpc, fails(FailurePolicy.FAILURE_POLICY_BLOCK)),
    };
  };
  /** Makes five executions and a refusal. */
  const play = async ({ rpc }: TestApp, { works, degrades, blocks }: Agents): Promise<void> => {
    const call = newCall(works);
    await rpc.calls.onCallStart(call);
    const { execution } = await rpc.calls.onCallEnd(call);
    await untilFinished(rpc, execution?.executionUuid);
    await rpc.calls.onCallStart(newCall(degrades));
    for (let count = 0; count < 2; count += 1) await rpc.calls.onCallStart(newCall(blocks));
    await rpc.calls.onCallStart(newCall({ agentUuid: randomUUID() })).catch(() => undefined);
  };

  it('has the executions of all replicas, of their earlier processes too, and the refusals', async () => {
    const shared = sharing(engine, database);
    const replicas = [await startTestApp(shared, ENV)];
    if (engine.name !== 'sqlite') replicas.push(await startTestApp(shared, ENV));
    const [first] = replicas as [TestApp];
    const agents = await makeAgents(first);
    for (const replica of replicas) await play(replica, agents);
    await first.restart();
    await play(first, agents);
    for (const replica of replicas) await replica.close();

    const times = replicas.length + 1;
    const { hour, day } = await readClosed(database);
    for (const period of [hour, day]) {
      expect(period.outcomes).to.deep.equal({
        ...{ succeeded: 2 * times, rejected: 0, degraded: times, blocked: 2 * times },
        ...{ failed: 0, interrupted: 0 },
      });
      expect(period.failures).to.deep.equal([{ word: 'HTTP_STATUS', count: 3 * times }]);
      expect(period.refusals).to.deep.equal([{ word: 'AGENT_NOT_FOUND', count: times }]);
      const { pre_call: preCalls, post_call: postCalls } = period.latency;
      expect([preCalls.count, postCalls.count]).to.deep.equal([4 * times, times]);
      expect(preCalls.p99Ms).to.be.within(0.25, 20_000);
      expect(
        period.failingWebhooks.map(({ webhookUuid, failures }) => [webhookUuid, failures]),
      ).to.deep.equal([
        [agents.blocks.pre?.webhookUuid, 2 * times],
        [agents.degrades.pre?.webhookUuid, times],
      ]);
    }
  }).timeout(30_000);

  it('costs no call and no readiness when its table can not be used, and has all of it later', async () => {
    const app = await startTestApp(sharing(engine, database), ENV, OFTEN);
    const beside = connectDirectly(database);
    const rename = (from: string, to: string) =>
      beside.use((session) => session.change(`ALTER TABLE ${from} RENAME TO ${to}`));
    const agents = await makeAgents(app);
    await rename('execution_minutes', 'gone');
    await play(app, agents);
    await until('a write to fail', () => app.logLines.some(({ level }) => level === 'error'));
    await play(app, agents);
    expect((await fetch(`http://${app.opsAddress}/readyz`)).status).to.equal(200);
    await rename('gone', 'execution_minutes');
    const store = createMinuteStore(beside);
    await until('the executions', async () => (await readOverview(store)).hour.executions === 10);
    await beside.close();
    await app.close();
  }).timeout(30_000);

  if (engine.name !== 'sqlite')
    it('has later what happened while the database was silent', async () => {
      const url = new URL(database.url ?? '');
      const proxy = await startTcpProxy(Number(url.port || 3306));
      url.port = String(proxy.port);
      url.searchParams.set('ssl-mode', 'DISABLED');
      const app = await startTestApp(sharing(engine, { ...database, url: url.href }), ENV, OFTEN);
      const agents = await makeAgents(app);
      await play(app, agents);
      proxy.silence();
      const refused = await app.rpc.calls.onCallStart(newCall(agents.works)).catch(() => 'refused');
      expect(refused).to.equal('refused');
      await until('a write to fail', () => app.logLines.some(({ level }) => level === 'error'));
      proxy.resume();
      const beside = connectDirectly(database);
      const store = createMinuteStore(beside);
      const shown = await until('the refusal', async () => {
        const { hour } = await readOverview(store);
        return hour.refusals.length === 2 && hour;
      });
      expect(shown.refusals.map(({ word }) => word)).to.have.members([
        'AGENT_NOT_FOUND',
        'DATABASE_UNAVAILABLE',
      ]);
      expect(shown.executions).to.equal(5);
      await beside.close();
      await app.close();
      await proxy.close();
    }).timeout(40_000);
});
