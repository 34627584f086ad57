import { randomBytes, randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { expect } from 'chai';
import { createConnection, type Connection, type RowDataPacket } from 'mysql2/promise';
import { describeEachEngine } from '../support/engines.ts';
import { startMariadb, type MariaDb } from '../support/mariadb.ts';
import { describeTold } from './support/describe-told.ts';
import type { Call, Told } from './support/journal.ts';
import { startLoad } from './support/load.ts';
import { inForm, report } from './support/long.ts';
import { watchOutage, type Answer, type OutageWatch } from './support/outage.ts';
import { addProxiedReplica, untilThere, type ProxiedReplica } from './support/proxied.ts';
import { until } from '../support/until.ts';
import { createWorldAt, type World } from './support/world.ts';

const AWAY_MS = 15_000;
const LIMIT_MS = 6_000;
// The database is lost while the endpoint works.
const WORKS_MS = 3_000;
// What only reads may still be answered until then.
const NOTICED_WITHIN_MS = 2_000;
const NOT_READY_AFTER_MS = 10_000;
const READY_AFTER_MS = 2_000;
const REFUSED = 'UNAVAILABLE DATABASE_UNAVAILABLE';
const WITHDRAWN = 'RESOURCE_EXHAUSTED LIMIT_REACHED';
const ALL_ENDED_WITHIN_MS = 30_000;
// When the database is back.
const LABELLED_AFTER_MS = 15_000;
// What a call takes on a busy machine.
const NOISE_MS = 500;
// What a busy machine may add to what is said to happen at an instant; never before it.
const SLACK_MS = 2_000;
const AT_ONCE_MS = 1_000;

/** A server of the test's own with a user who may only use one database, and one who may do all. */
interface Server {
  readonly mariadb: MariaDb;
  readonly url: string;
  root(): Promise<Connection>;
}

const startServer = async (): Promise<Server> => {
  const mariadb = await startMariadb();
  const root = () => createConnection(mariadb.url(''));
  const connection = await root();
  const password = randomBytes(12).toString('hex');
  await connection.query('CREATE DATABASE callhooks');
  await connection.query("CREATE USER 'app'@'127.0.0.1' IDENTIFIED BY ?", [password]);
  await connection.query("GRANT ALL ON callhooks.* TO 'app'@'127.0.0.1'");
  await connection.end();
  return { mariadb, root, url: `mysql://app:${password}@127.0.0.1:${mariadb.port}/callhooks` };
};

/** A way in which a database is lost. Resolves when it is; what it gives brings the database back. */
interface Loss {
  readonly title: string;
  readonly lose: (server: Server, through: ProxiedReplica) => Promise<() => Promise<unknown>>;
}

const LOSSES: readonly Loss[] = [
  {
    title: 'is killed',
    lose: async ({ mariadb }) => {
      await mariadb.end('SIGKILL');
      return () => mariadb.begin();
    },
  },
  {
    title: 'shuts down',
    lose: async ({ mariadb }) => {
      await mariadb.end('SIGTERM');
      return () => mariadb.begin();
    },
  },
  {
    title: 'is silent',
    lose: async (_, { proxy }) => {
      proxy.silence('both');
      return async () => proxy.restore();
    },
  },
  {
    title: 'hears nothing',
    lose: async (_, { proxy }) => {
      proxy.silence('to_server');
      return async () => proxy.restore();
    },
  },
  {
    title: 'freezes',
    lose: async ({ mariadb }) => {
      process.kill(mariadb.pid, 'SIGSTOP');
      return async () => process.kill(mariadb.pid, 'SIGCONT');
    },
  },
  {
    title: 'becomes read-only',
    lose: async ({ root }) => {
      const connection = await root();
      await connection.query('SET GLOBAL read_only = 1');
      return async () => {
        await connection.query('SET GLOBAL read_only = 0');
        await connection.end();
      };
    },
  },
  {
    title: 'has no connection to give',
    lose: async (server) => {
      const root = await server.root();
      await root.query('SET GLOBAL max_connections = 10');
      const taken = await takeAllConnections(server, root);
      return () => Promise.all([...taken, root].map((connection) => connection.end()));
    },
  },
];

// The replica tries to have its own back as often as they are killed.
const takeAllConnections = async ({ url }: Server, root: Connection): Promise<readonly Connection[]> => {
  const taken: Connection[] = [];
  for (let others = 1; others > 0;) {
    const ours = [root, ...taken].map(({ threadId }) => threadId);
    const [rows] = await root.query<RowDataPacket[]>(
      "SELECT id FROM information_schema.processlist WHERE user = 'app' AND id NOT IN (?)",
      [ours],
    );
    others = rows.length;
    for (const { id } of rows) await root.query(`KILL CONNECTION ${String(id)}`).catch(isGone);
    const added = await Promise.allSettled(Array.from({ length: 10 }, () => createConnection(url)));
    taken.push(...added.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : [])));
  }
  return taken;
};

/** All that one loss needs. */
interface Prepared {
  readonly server: Server;
  readonly world: World;
  readonly through: ProxiedReplica;
  readonly agentUuid: string;
}

// Waits for all also when one fails: what they started has to be known, to be ended.
const all = async <T>(promises: readonly Promise<T>[]): Promise<readonly T[]> => {
  const results = await Promise.allSettled(promises);
  return results.map((result) => {
    if (result.status === 'rejected') throw result.reason;
    return result.value;
  });
};

/** What was seen of one loss. */
interface Seen {
  readonly world: World;
  readonly watch: OutageWatch;
  readonly pid: number;
  /** When the test began to take it away, and when it was lost for certain. */
  readonly losingAtMs: number;
  readonly lostAtMs: number;
  /** When the test began to bring it back, and when it was there for certain. */
  readonly bringingAtMs: number;
  readonly backAtMs: number;
  /** Of a start and an end that were running when the database was lost, and of a start that came then. */
  readonly told: readonly Told[];
  readonly calls: readonly Call[];
}

describeEachEngine('A database that', (engine) => {
  // SQLite is never away.
  if (engine.name === 'sqlite') return;
  const seen = new Map<string, Seen>();
  const closing: (() => Promise<void>)[] = [];

  // All of them at once, each with a server and a replica of its own: they spend their time waiting.
  before(async function () {
    this.timeout(180_000);
    // First all start, which takes both cores; nothing is measured then.
    const ready = await all(LOSSES.map(async (loss) => ({ loss, ...(await prepare()) })));
    await all(ready.map(async (it) => void seen.set(it.loss.title, await suffer(it))));
  });
  after(async function () {
    this.timeout(60_000);
    await Promise.all(closing.map((close) => close()));
  });

  const prepare = async (): Promise<Prepared> => {
    const server = await startServer();
    const closers = [() => server.mariadb.stop()];
    closing.push(async () => {
      for (const close of closers) await close();
    });
    const world = await createWorldAt(server.url, async () => undefined);
    closers.unshift(() => world.close());
    const through = await addProxiedReplica(world);
    closers.splice(1, 0, () => through.proxy.close());
    const { agentUuid } = await world.addAgent({ preLimitMs: LIMIT_MS, postLimitMs: LIMIT_MS });
    await world.recorder.script('*', { delayMs: [WORKS_MS, WORKS_MS] });
    return { server, world, through, agentUuid };
  };

  const suffer = async ({
    loss,
    server,
    world,
    through,
    agentUuid,
  }: Prepared & { loss: Loss }): Promise<Seen> => {
    const { replica } = through;
    const { pid } = replica;
    const calls = (['start', 'end', 'start'] as const).map((rpc): Call => {
      const conversationUuid = randomUUID();
      return { rpc, agentUuid, conversationUuid, deadlineMs: 12_000 };
    });
    const call = (it: Call) => world.journal.call(replica, it);
    const watch = watchOutage(replica);
    const running = calls.slice(0, 2).map(call);
    await until('both to be running', () => world.recorder.requests().length === 2, { everyMs: 10 });
    const losingAtMs = Date.now();
    const bring = await loss.lose(server, through);
    const lostAtMs = Date.now();
    // Where reads still work, its claim is what notices the loss.
    const late = calls.slice(2).map(call);
    await wait(AWAY_MS);
    const bringingAtMs = Date.now();
    await bring();
    const backAtMs = Date.now();
    await until('health to say SERVING', () => watch.health.at(-1)?.isServing === true);
    await watch.stop();
    const told = await Promise.all([...running, ...late]);
    return { world, watch, pid, losingAtMs, lostAtMs, bringingAtMs, backAtMs, told, calls };
  };

  for (const { title } of LOSSES)
    describe(title, () => {
      let it_: Seen;
      const during = (fromMs: number, toMs: number): readonly Answer[] =>
        it_.watch.answers.filter(({ sentAtMs }) => sentAtMs >= fromMs && sentAtMs <= toMs);
      const whileAway = (fromMs: number): readonly Answer[] =>
        during(it_.lostAtMs + fromMs, it_.bringingAtMs - NOISE_MS);
      before(() => {
        it_ = seen.get(title) as Seen;
      });

      it('is told to each new call within two seconds, with when to repeat it', () => {
        // Until it is noticed, calls wait behind the writes that hang.
        const isNoLoss = ({ told, toldAtMs }: Answer) =>
          (told === 'there' || told === WITHDRAWN) && toldAtMs < it_.lostAtMs + NOTICED_WITHIN_MS;
        const answers = whileAway(0).filter((answer) => !isNoLoss(answer));
        expect(answers.length).to.be.above(50);
        expect([...new Set(answers.map(({ told }) => told))]).to.deep.equal([REFUSED]);
        expect(answers.every(({ retryAfterMs }) => retryAfterMs === 1_000)).to.equal(true);
        const slowestMs = Math.max(...answers.map(({ tookMs }) => tookMs));
        expect(slowestMs).to.be.below(2_000 + NOISE_MS);
      });

      it('is told at once when it has been away for two seconds', () => {
        const answers = whileAway(2_000 + NOISE_MS);
        const slowestMs = Math.max(...answers.map(({ tookMs }) => tookMs));
        expect(slowestMs).to.be.below(AT_ONCE_MS);
      });

      it('makes the replica unready after 10 s, ready 2 s after it is back, and never dead', () => {
        const { losingAtMs, lostAtMs, bringingAtMs, backAtMs, pid, world } = it_;
        const { health } = it_.watch;
        expect(health.map(({ isServing }) => isServing)).to.deep.equal([true, false, true]);
        const [, unready, ready] = health.map(({ atMs }) => atMs) as [number, number, number];
        expect(unready - losingAtMs).to.be.at.least(NOT_READY_AFTER_MS - NOISE_MS);
        expect(unready - lostAtMs).to.be.at.most(NOT_READY_AFTER_MS + SLACK_MS);
        expect(ready - bringingAtMs).to.be.at.least(READY_AFTER_MS - NOISE_MS);
        expect(ready - backAtMs).to.be.at.most(READY_AFTER_MS + SLACK_MS);
        expect(world.replicas[0]?.pid).to.equal(pid);
      });

      it('takes new calls within two seconds when it is back', () => {
        const refused = during(it_.backAtMs, Infinity).filter(({ told }) => told !== 'there');
        const last = Math.max(it_.backAtMs, ...refused.map(({ sentAtMs, tookMs }) => sentAtMs + tookMs));
        expect(last - it_.backAtMs).to.be.below(2_000 + NOISE_MS);
      });

      it('loses no outcome: each is kept, and on record when it is back', async function () {
        this.timeout(60_000);
        const told = it_.told.map(describeTold);
        expect(told).to.deep.equal(['OUTCOME_NOT_RECORDED', 'ACCEPTED', 'DATABASE_UNAVAILABLE']);
        const figures = await it_.world.verdict(ALL_ENDED_WITHIN_MS, {
          refusedAs: ['DATABASE_UNAVAILABLE', 'OUTCOME_NOT_RECORDED'],
          interruptedWithinMs: AWAY_MS + LABELLED_AFTER_MS,
          atLeast: { executions: 2, requests: 2, replies: 2 },
        });
        const repeat = (it: Call) => it_.world.journal.call(it_.world.living(), it);
        const repeats = (await Promise.all(it_.calls.map(repeat))).map(describeTold);
        expect(repeats.slice(0, 2)).to.deep.equal(['replayed SUCCEEDED', 'replayed SUCCEEDED']);
        // The start that came when the database was lost had been written, or the comparison's repeat has run it.
        expect(repeats[2]).to.match(/^replayed (INTERRUPTED|SUCCEEDED)$/);
        report(`the database ${title} for 15 s`, { newCalls: it_.watch.answers.length, ...figures });
      });
    });
});

describeEachEngine('A database that is restarted under load', (engine) => {
  if (engine.name === 'sqlite') return;
  let server: Server;
  let world: World;
  before(async function () {
    this.timeout(60_000);
    server = await startServer();
    world = await createWorldAt(server.url, () => server.mariadb.stop());
    await world.addReplicas(3);
  });
  after(() => world.close());

  it('makes nothing sent twice, lost or told otherwise', async function () {
    const restarts = inForm({ short: 4, long: 60 });
    this.timeout(90_000 + restarts * 20_000);
    const startedAtMs = Date.now();
    await world.recorder.script('/pre', { delayMs: [0, 120], statuses: [200, 200, 200, 500] });
    await world.recorder.script('/post', { delayMs: [0, 400], statuses: [200, 200, 200, 500] });
    const { agentUuid } = await world.addAgent({ preLimitMs: 1_000, postLimitMs: 1_000 });
    const watches = world.replicas.map(watchOutage);
    const load = startLoad({
      ...{ journal: world.journal, replicas: world.replicas, agentUuids: [agentUuid] },
      concurrency: 9,
    });
    for (let restarted = 0; restarted < restarts; restarted += 1) {
      await wait(1_000 + Math.random() * 500);
      await server.mariadb.end(restarted % 2 === 0 ? 'SIGKILL' : 'SIGTERM');
      await wait(restarted % 3 === 2 ? 2_000 : 0);
      await server.mariadb.begin();
    }
    await Promise.all(world.replicas.map((replica) => untilThere(replica)));
    await load.stop();
    await Promise.all(watches.map((watch) => watch.stop()));
    // A blip must not empty the load balancer.
    for (const { health } of watches) expect(health.map(({ isServing }) => isServing)).to.deep.equal([true]);
    const figures = await world.verdict(ALL_ENDED_WITHIN_MS, {
      refusedAs: ['DATABASE_UNAVAILABLE', 'OUTCOME_NOT_RECORDED', 'EXECUTION_RUNNING', 'LIMIT_REACHED'],
      // Each restart is an outage, after which no replica marks anything for 10 s.
      interruptedWithinMs: Date.now() - startedAtMs + LABELLED_AFTER_MS,
      atLeast: { executions: 100, requests: 100, replies: 100 },
    });
    const seconds = Math.round((Date.now() - startedAtMs) / 1000);
    report('the database restarted under load', { restarts, ...figures, violations: 0, seconds });
  });
});

const ER_NO_SUCH_THREAD = 1094;
const isGone = (error: Error & { errno?: number }): void => {
  if (error.errno !== ER_NO_SUCH_THREAD) throw error;
};
