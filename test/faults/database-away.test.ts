import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { expect } from 'chai';
import { describeEachEngine } from '../support/engines.ts';
import { onQuietMachine } from '../support/quiet-machine.ts';
import { until } from '../support/until.ts';
import type { Call } from './support/call-log.ts';
import { describeResponse, type CallResponse } from './support/call-response.ts';
import { createClusterAt, type Cluster } from './support/cluster.ts';
import { LOSSES, startDatabaseServer, type DatabaseServer, type Loss } from './support/lost-database.ts';
import { watchOutage, type OutageWatch, type ProbeAnswer } from './support/outage.ts';
import { addProxiedReplica, type ProxiedReplica } from './support/proxied-replica.ts';
import { reportFigures } from './support/report-figures.ts';

const AWAY_MS = 15_000;
// The endpoint works until the database is lost, however long a busy machine takes for that.
const LIMIT_MS = 60_000;
const DEADLINE_MS = 90_000;
const NOTICED_WITHIN_MS = 2_000;
// A busy machine may refuse some calls before it has one running.
const RUNNING_WITHIN_MS = 60_000;
const NOT_READY_AFTER_MS = 10_000;
const READY_AFTER_MS = 2_000;
const REFUSED = 'UNAVAILABLE DATABASE_UNAVAILABLE';
const WITHDRAWN = 'RESOURCE_EXHAUSTED LIMIT_REACHED';
const ALL_FINISHED_WITHIN_MS = 30_000;
// After the return of the database, a replica marks within this time.
const MARKED_AFTER_MS = 15_000;
// A call takes at most so long besides.
const NOISE_MS = 500;
// Health may change so much later than promised, and never earlier.
const SLACK_MS = 2_000;
const AT_ONCE_MS = 1_000;

/** Holds everything that one loss needs. */
interface Prepared {
  readonly loss: Loss;
  readonly server: DatabaseServer;
  readonly cluster: Cluster;
  readonly through: ProxiedReplica;
  readonly agentUuid: string;
}

/** Records one loss. Instants are epoch milliseconds. */
interface Seen {
  readonly cluster: Cluster;
  readonly watch: OutageWatch;
  readonly pid: number;
  /** Says when the test began to take the database away, and when it was lost for certain. */
  readonly losingAtMs: number;
  readonly lostAtMs: number;
  /** Says when a call was refused that came when the database was lost: by then the replica had noticed it. */
  readonly noticedAtMs: number;
  /** Says when the test began to bring it back, and when it was there for certain. */
  readonly bringingAtMs: number;
  readonly backAtMs: number;
  /** Holds a start and an end that were running when the database was lost, and a start that came then. */
  readonly calls: readonly Call[];
  readonly responses: readonly CallResponse[];
}

describeEachEngine('A replica whose database', (engine) => {
  // SQLite is never away.
  if (engine.name === 'sqlite') return;
  const seen = new Map<string, Seen>();
  const closing: (() => Promise<void>)[] = [];
  const stopping: (() => Promise<void>)[] = [];

  // All losses run at once, each with a server and a replica of its own, because they spend their time waiting.
  before(async function () {
    this.timeout(300_000);
    // First all start, which takes both cores; nothing is measured then. The servers start one by one: this process gets no
    // turn while one fills its data folder, and would take another one, which is ready, for one that does not answer.
    const servers: DatabaseServer[] = [];
    for (const _ of LOSSES) servers.push(await start());
    const prepared = await waitForAll(LOSSES.map((loss, at) => prepare(loss, servers[at] as DatabaseServer)));
    await waitForAll(prepared.map(async (it) => void seen.set(it.loss.title, await suffer(it))));
  });
  after(async function () {
    this.timeout(60_000);
    await Promise.all(closing.map((close) => close()));
    await Promise.all(stopping.map((stop) => stop()));
  });

  const start = async (): Promise<DatabaseServer> => {
    const server = await startDatabaseServer();
    stopping.push(() => server.program.stop());
    return server;
  };
  const prepare = async (loss: Loss, server: DatabaseServer): Promise<Prepared> => {
    const closers: (() => Promise<void>)[] = [];
    closing.push(async () => {
      for (const close of closers) await close();
    });
    const cluster = await createClusterAt(server.url, async () => undefined);
    closers.push(() => cluster.close());
    const through = await addProxiedReplica(cluster);
    closers.push(() => through.proxy.close());
    const { agentUuid } = await cluster.addAgent({ preLimitMs: LIMIT_MS, postLimitMs: LIMIT_MS });
    await cluster.recorder.script('*', { stall: 'until_scripted' });
    return { loss, server, cluster, through, agentUuid };
  };

  const suffer = async ({ loss, server, cluster, through, agentUuid }: Prepared): Promise<Seen> => {
    const { replica } = through;
    const { pid } = replica;
    const newCall = (rpc: Call['rpc']): Call => {
      return { rpc, agentUuid, conversationUuid: randomUUID(), deadlineMs: DEADLINE_MS };
    };
    const call = (it: Call) => cluster.callLog.call(replica, it);
    const isSeen = ({ conversationUuid }: Call): boolean =>
      cluster.recorder.requests().some((request) => request.conversationUuid === conversationUuid);
    // Makes calls until one is not refused, and has the endpoint at work.
    const run = async (rpc: Call['rpc']): Promise<{ it: Call; responding: Promise<CallResponse> }> => {
      const it = newCall(rpc);
      const responding = call(it);
      let isRefused = false;
      void responding.then(({ kind }) => (isRefused = kind === 'error'));
      await until(`the ${rpc} to run`, () => isSeen(it) || isRefused, { timeoutMs: RUNNING_WITHIN_MS });
      return isSeen(it) ? { it, responding } : run(rpc);
    };
    const watch = watchOutage(replica);
    const running = await waitForAll([run('start'), run('end')]);
    const losingAtMs = Date.now();
    const bring = await loss.lose(server, through);
    const lostAtMs = Date.now();
    // Where reads still work, the claim of this call is what notices the loss.
    const late = newCall('start');
    const responding = call(late);
    const away = wait(AWAY_MS);
    // An outcome that came before would be written in the place of that claim.
    await responding;
    const noticedAtMs = Date.now();
    await cluster.recorder.script('*', {});
    await away;
    const responses = await Promise.all([...running.map((one) => one.responding), responding]);
    const bringingAtMs = Date.now();
    await bring();
    const backAtMs = Date.now();
    await until('health to say SERVING', () => watch.health.at(-1)?.isServing === true);
    await watch.stop();
    const calls = [...running.map(({ it }) => it), late];
    const times = { losingAtMs, lostAtMs, noticedAtMs, bringingAtMs, backAtMs };
    return { cluster, watch, pid, ...times, calls, responses };
  };

  for (const { title } of LOSSES)
    describe(title, () => {
      let loss: Seen;
      before(() => {
        loss = seen.get(title) as Seen;
      });
      const during = (fromMs: number, toMs: number): readonly ProbeAnswer[] =>
        loss.watch.answers.filter(({ sentAtMs }) => sentAtMs >= fromMs && sentAtMs <= toMs);
      const whileAway = (fromMs: number): readonly ProbeAnswer[] =>
        during(loss.lostAtMs + fromMs, loss.bringingAtMs - NOISE_MS);
      const slowestOf = (answers: readonly ProbeAnswer[]): number =>
        Math.max(...answers.map(({ tookMs }) => tookMs));
      const onQuiet = (rule: string, check: () => void): Promise<void> =>
        onQuietMachine(`${title}: ${rule}`, loss.losingAtMs, check);

      it('refuses each new call as DATABASE_UNAVAILABLE within two seconds, with when to repeat it', async () => {
        // Until the loss is noticed, calls that only read are answered, and others wait behind the writes that hang.
        const isBeforeNotice = ({ result, sentAtMs }: ProbeAnswer) =>
          (result === 'available' || result === WITHDRAWN) && sentAtMs < loss.noticedAtMs;
        const answers = whileAway(0).filter((answer) => !isBeforeNotice(answer));
        expect(answers.length).to.be.above(50);
        expect([...new Set(answers.map(({ result }) => result))]).to.deep.equal([REFUSED]);
        expect(answers.every(({ retryAfterMs }) => retryAfterMs === 1_000)).to.equal(true);
        await onQuiet('refused within two seconds', () => {
          expect(loss.noticedAtMs - loss.lostAtMs).to.be.below(NOTICED_WITHIN_MS + NOISE_MS);
          expect(slowestOf(whileAway(0))).to.be.below(2_000 + NOISE_MS);
        });
      });

      it('refuses new calls at once when its database has been away for two seconds', () =>
        onQuiet('refused at once', () =>
          expect(slowestOf(whileAway(2_000 + NOISE_MS))).to.be.below(AT_ONCE_MS),
        ));

      it('is unready after 10 s, ready 2 s after the return, and never restarts', async () => {
        const { losingAtMs, lostAtMs, bringingAtMs, backAtMs, pid, cluster } = loss;
        const { health } = loss.watch;
        expect(health.map(({ isServing }) => isServing)).to.deep.equal([true, false, true]);
        const [, unready, ready] = health.map(({ atMs }) => atMs) as [number, number, number];
        expect(unready - losingAtMs).to.be.at.least(NOT_READY_AFTER_MS - NOISE_MS);
        expect(ready - bringingAtMs).to.be.at.least(READY_AFTER_MS - NOISE_MS);
        expect(cluster.replicas[0]?.pid).to.equal(pid);
        await onQuiet('unready and ready in time', () => {
          expect(unready - lostAtMs, 'unready').to.be.at.most(NOT_READY_AFTER_MS + SLACK_MS);
          expect(ready - backAtMs, 'ready').to.be.at.most(READY_AFTER_MS + SLACK_MS);
        });
      });

      it('takes new calls within two seconds of the return', async () => {
        const refused = during(loss.backAtMs, Infinity).filter(({ result }) => result !== 'available');
        const refusedAtMs = refused.map(({ sentAtMs, tookMs }) => sentAtMs + tookMs);
        const lastMs = Math.max(loss.backAtMs, ...refusedAtMs) - loss.backAtMs;
        await onQuiet('takes calls soon', () => expect(lastMs).to.be.below(2_000 + NOISE_MS));
      });

      it('keeps each outcome meanwhile, and records it after the return', async function () {
        this.timeout(60_000);
        const { cluster, calls, lostAtMs, backAtMs } = loss;
        const responses = loss.responses.map(describeResponse);
        expect(responses).to.deep.equal(['OUTCOME_NOT_RECORDED', 'ACCEPTED', 'DATABASE_UNAVAILABLE']);
        const figures = await cluster.check(ALL_FINISHED_WITHIN_MS, {
          refusedAs: ['DATABASE_UNAVAILABLE', 'OUTCOME_NOT_RECORDED'],
          // This counts from the end of the time limit. But the start that came late gives up its claim long before that.
          interruptedWithinMs: backAtMs - lostAtMs + MARKED_AFTER_MS - LIMIT_MS,
          atLeast: { executions: 2, requests: 2, replies: 2 },
        });
        const repeat = (it: Call) => cluster.callLog.call(cluster.livingReplica(), it);
        const repeats = (await Promise.all(calls.map(repeat))).map(describeResponse);
        expect(repeats.slice(0, 2)).to.deep.equal(['replayed SUCCEEDED', 'replayed SUCCEEDED']);
        // The start that came when the database was lost had been written, or the repeat of the check has run it.
        expect(repeats[2]).to.match(/^replayed (INTERRUPTED|SUCCEEDED)$/);
        const newCalls = loss.watch.answers.length;
        reportFigures(`the database ${title} for 15 s`, { newCalls, ...figures });
      });
    });
});

// Waits for all also when one fails: what the others have started must be known to be closed.
async function waitForAll<T>(promises: readonly Promise<T>[]): Promise<readonly T[]> {
  const results = await Promise.allSettled(promises);
  return results.map((result) => {
    if (result.status === 'rejected') throw result.reason;
    return result.value;
  });
}
