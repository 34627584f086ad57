import { expect } from 'chai';
import { anOutcome, aStart } from '../store/samples.ts';
import { startTcpProxy, type TcpProxy } from '../store/tcp-proxy.ts';
import { openTested, type TestedDatabase, times } from '../store/test-database.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import { serverEngine, type FreshDatabase } from '../support/engines.ts';
import { readMetrics } from '../support/metrics.ts';
import { until } from '../support/until.ts';
import { watchExecutions } from '../support/watch.ts';

const server = serverEngine();

if (server !== undefined)
  describe(`WatchExecutions on a replica that loses its database (${server.name})`, function () {
    this.timeout(60_000);
    let fresh: FreshDatabase;
    let proxy: TcpProxy;
    let other: TestedDatabase;
    let app: TestApp;

    before(async () => {
      fresh = await server.freshDatabase();
      other = await openTested({ url: fresh.url ?? '' });
      await other.migrate();
      const url = new URL(fresh.url ?? '');
      proxy = await startTcpProxy(Number(url.port || 3306));
      url.port = String(proxy.port);
      const proxied = { ...server, freshDatabase: async () => ({ ...fresh, url: url.href }) };
      app = await startTestApp(proxied);
    });
    after(async () => {
      proxy.resume();
      await other.close();
      await proxy.close();
      await app.close();
    });

    const isAway = async () => (await readMetrics(app.opsAddress)).get('callhooks_database_up') === 0;
    /** Records executions on another replica, and returns their uuids. */
    const record = async (count: number): Promise<string[]> => {
      const starts = times(count, () => aStart());
      await other.executions.insertStarts(starts);
      await other.executions.recordOutcomes(starts.map((start) => anOutcome(start, { durationMs: 1 })));
      return starts.map(({ executionUuid }) => executionUuid);
    };

    it('keeps its streams, and tells what other replicas record meanwhile when it has its database again', async () => {
      const begunAt = new Date();
      const past = await record(3);
      const watches = [watchExecutions(app.port), watchExecutions(app.port, { finishedAtFrom: begunAt })];
      for (const watch of watches) await until('the first message', () => watch.messages.length > 0);
      const before = await record(2);
      for (const watch of watches) for (const uuid of before) await watch.untilTold(uuid);
      proxy.silence();
      await until('the replica to miss its database', isAway);
      const meanwhile = await record(3);
      proxy.cut();
      proxy.resume();
      for (const watch of watches) for (const uuid of meanwhile) await watch.untilTold(uuid, 20_000);
      const uuids = watches.map((watch) => watch.executions().map(({ executionUuid }) => executionUuid));
      expect(uuids[0]).to.have.members([...before, ...meanwhile]);
      expect(uuids[1]).to.have.members([...past, ...before, ...meanwhile]);
      for (const watch of watches) watch.cancel();
      await until(
        'nobody to watch',
        async () => (await readMetrics(app.opsAddress)).get('callhooks_watchers') === 0,
      );
    });

    it('refuses the first watcher while the database is away as DATABASE_UNAVAILABLE', async () => {
      proxy.silence();
      expect(await watchExecutions(app.port).ended).to.include({
        code: 'UNAVAILABLE',
        reason: 'DATABASE_UNAVAILABLE',
      });
      proxy.cut();
      proxy.resume();
      const next = await until('a watch to begin', async () => {
        const watch = watchExecutions(app.port);
        await Promise.race([watch.ended, until('a message', () => watch.messages.length > 0)]);
        return watch.messages.length > 0 && watch;
      });
      next.cancel();
    });
  });
