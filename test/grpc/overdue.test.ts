import { expect } from 'chai';
import type { Connections } from '../../src/store/sql/connections.ts';
import { createInterrupts } from '../../src/store/executions/interrupt-executions.ts';
import { mysql } from '../../src/store/sql/mysql.ts';
import { sqlite } from '../../src/store/sql/sqlite.ts';
import { insertOpenRow } from '../store/fill-tables.ts';
import { connectDirectly, interruptOverdue } from '../store/test-database.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import { describeEachEngine } from '../support/engines.ts';
import { readMetrics } from '../support/metrics.ts';
import { until } from '../support/until.ts';

const HOUR_MS = 3_600_000;
const MARGIN_MS = 5_000;

describeEachEngine('The gauge of overdue executions', (engine) => {
  let app: TestApp;
  let beside: Connections;
  before(async () => {
    // This server marks no execution interrupted.
    const everyMs = { interrupt: HOUR_MS, count: 50 };
    app = await startTestApp(engine, { CALLHOOKS_START_BY: '1h' }, { everyMs });
    beside = connectDirectly(app.database);
  });
  after(async () => {
    await beside.close();
    await app.close();
  });

  const gauge = async (): Promise<number | undefined> =>
    (await readMetrics(app.opsAddress)).get('callhooks_executions_overdue');
  const untilGaugeIs = (count: number): Promise<true> =>
    until(`the gauge to be ${count}`, async () => (await gauge()) === count, { timeoutMs: 5_000 });

  it('counts SENDING and ACCEPTED executions past their time until they are finished', async () => {
    expect(await gauge()).to.equal(0);
    await beside.use((session) => insertOpenRow(session, 'sending', MARGIN_MS + 1_000));
    await untilGaugeIs(1);
    // These two are in time.
    await beside.use((session) => insertOpenRow(session, 'sending', -60_000));
    await beside.use((session) => insertOpenRow(session, 'accepted', HOUR_MS - 60_000, true));
    const accepted = await beside.use((session) =>
      insertOpenRow(session, 'accepted', HOUR_MS + MARGIN_MS + 1_000, true),
    );
    await untilGaugeIs(2);
    await interruptOverdue(createInterrupts(beside, engine.name === 'sqlite' ? sqlite : mysql));
    await untilGaugeIs(1);
    // Now the server's sender finds it, and finishes it as EXPIRED.
    await beside.use((session) =>
      session.change('UPDATE executions SET waiting_webhook_uuid = webhook_uuid WHERE execution_uuid = ?', [
        accepted,
      ]),
    );
    await untilGaugeIs(0);
  }).timeout(25_000);
});
