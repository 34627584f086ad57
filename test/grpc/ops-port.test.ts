import { expect } from 'chai';
import { startTestApp } from '../support/app.ts';
import { serverEngine } from '../support/engines.ts';
import { healthClient } from '../support/health-client.ts';
import { readMetrics } from '../support/metrics.ts';
import { until } from '../support/until.ts';
import { startTcpProxy } from '../store/tcp-proxy.ts';

const engine = serverEngine();
if (engine !== undefined) {
  describe(`The operations port while the database is silent (${engine.name})`, function () {
    this.timeout(60_000);

    it('is ready as long as gRPC health says so, alive all the time, and shows the metrics', async () => {
      const fresh = await engine.freshDatabase();
      const url = new URL(fresh.url ?? '');
      const proxy = await startTcpProxy(Number(url.port));
      url.port = String(proxy.port);
      const behindProxy = { ...fresh, url: url.href };
      const app = await startTestApp({ ...engine, freshDatabase: async () => behindProxy });
      const health = healthClient(app.port);
      const status = async (path: string) => (await fetch(`http://${app.opsAddress}${path}`)).status;
      const untilReady = (isReady: boolean) =>
        until(`/readyz ${isReady}`, async () => (await status('/readyz')) === (isReady ? 200 : 503), {
          timeoutMs: 30_000,
        });
      const databaseUp = async () => (await readMetrics(app.opsAddress)).get('callhooks_database_up');
      try {
        expect([await status('/readyz'), await health.check('')]).to.deep.equal([200, 'SERVING']);
        proxy.silence();
        app.rpc.agents.listAgents({}).catch(() => undefined);
        await until('the database to count as away', async () => (await databaseUp()) === 0);
        // A short outage does not empty the load balancer.
        expect(await status('/readyz')).to.equal(200);
        await untilReady(false);
        expect([await status('/healthz'), await health.check('')]).to.deep.equal([200, 'NOT_SERVING']);
        expect(await databaseUp()).to.equal(0);
        proxy.resume();
        await untilReady(true);
        expect([await health.check(''), await databaseUp()]).to.deep.equal(['SERVING', 1]);
      } finally {
        health[Symbol.dispose]();
        proxy.resume();
        await app.close();
        await proxy.close();
      }
    });
  });
}
