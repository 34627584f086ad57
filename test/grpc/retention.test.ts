import { expect } from 'chai';
import type { Connections } from '../../src/store/sql/connections.ts';
import { connectDirectly } from '../store/test-database.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import { makeAgent, newCall, postTo, untilFinished, type CallAgent } from '../support/calls.ts';
import { describeEachEngine } from '../support/engines.ts';
import { startReceiver, type Receiver } from '../support/receiver.ts';
import { errorOf } from '../support/rpc.ts';
import { until } from '../support/until.ts';

const DAY_MS = 86_400_000;
const RETENTION_DAYS = 3;
const KEY_RETENTION_DAYS = 5;

describeEachEngine('A server with a short retention', (engine) => {
  let app: TestApp;
  let beside: Connections;
  let receiver: Receiver;
  let agent: CallAgent;

  before(async () => {
    receiver = await startReceiver();
    app = await startTestApp(
      engine,
      {
        CALLHOOKS_EGRESS_ALLOW: '127.0.0.0/8',
        CALLHOOKS_RETENTION_DAYS: String(RETENTION_DAYS),
        CALLHOOKS_KEY_RETENTION_DAYS: String(KEY_RETENTION_DAYS),
      },
      { everyMs: { purge: 50, forgetKeys: 50 } },
    );
    beside = connectDirectly(app.database);
    agent = await makeAgent(app.rpc, { pre: postTo(receiver.url), post: postTo(receiver.url) });
  });
  after(async () => {
    await beside.close();
    await app.close();
    await receiver.close();
  });

  const change = (sql: string): Promise<number> => beside.use((session) => session.change(sql));
  const count = async (table: string): Promise<number> => {
    const [row] = await beside.use((session) => session.rows(`SELECT COUNT(*) AS n FROM ${table}`));
    return row?.n as number;
  };
  const has = (table: string, rows: number): Promise<true> =>
    until(`${table} to have ${rows} rows`, async () => (await count(table)) === rows);

  /** Makes a call whose pre-call and report are sent. */
  const aWholeCall = async () => {
    const call = newCall(agent);
    await app.rpc.calls.onCallStart(call);
    const { execution } = await app.rpc.calls.onCallEnd(call);
    await untilFinished(app.rpc, execution?.executionUuid);
    return call;
  };

  it('removes executions that are finished for so long, later their keys, and runs the conversation again only then', async () => {
    const old = await aWholeCall();
    await change(`UPDATE executions SET state_at = state_at - ${(RETENTION_DAYS + 1) * DAY_MS}`);
    const young = await aWholeCall();
    await change(`UPDATE executions SET state_at = state_at - ${(RETENTION_DAYS - 1) * DAY_MS}`);
    await has('executions', 2);
    await has('purged_keys', 2);
    for (const call of [app.rpc.calls.onCallStart, app.rpc.calls.onCallEnd]) {
      expect((await call(young)).replayed).to.equal(true);
      expect((await errorOf(call(old))).reason).to.equal('CONVERSATION_PURGED');
    }
    expect(receiver.requests).to.have.length(4);

    await change(
      `UPDATE purged_keys SET purged_day = purged_day - ${KEY_RETENTION_DAYS + 1} WHERE webhook_type = 1`,
    );
    await change(
      `UPDATE purged_keys SET purged_day = purged_day - ${KEY_RETENTION_DAYS - 1} WHERE webhook_type = 2`,
    );
    await has('purged_keys', 1);
    expect((await app.rpc.calls.onCallStart(old)).replayed).to.equal(false);
    expect((await errorOf(app.rpc.calls.onCallEnd(old))).reason).to.equal('CONVERSATION_PURGED');
    expect(receiver.requests).to.have.length(5);
  }).timeout(40_000);
});
