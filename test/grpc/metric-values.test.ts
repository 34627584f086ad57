import { expect } from 'chai';
import { VERSION } from '../../src/version.ts';
import { insertOpenRow } from '../store/fill-tables.ts';
import { connectDirectly } from '../store/test-database.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import { makeAgent, newCall, postTo, untilFinished } from '../support/calls.ts';
import { describeEachEngine } from '../support/engines.ts';
import { outcomeOf } from '../support/execution-words.ts';
import { readMetrics } from '../support/metrics.ts';
import { startReceiver, type Receiver } from '../support/receiver.ts';
import { errorOf } from '../support/rpc.ts';
import { until } from '../support/until.ts';

const MINUTE_S = 60;

describeEachEngine('The values of the metrics', (engine) => {
  let app: TestApp;
  let receiver: Receiver;
  beforeEach(async () => {
    app = await startTestApp(
      engine,
      {
        CALLHOOKS_EGRESS_ALLOW: '127.0.0.0/8',
        CALLHOOKS_MAX_POST_CALLS_PER_ORIGIN: '1',
        CALLHOOKS_START_BY: '2s',
      },
      { everyMs: { count: 50 }, resolve: async () => ({ addresses: ['10.0.0.1'] }) },
    );
    receiver = await startReceiver();
  });
  afterEach(async () => {
    await receiver.close();
    await app.close();
  });

  const value = async (sample: string): Promise<number> =>
    (await readMetrics(app.opsAddress)).get(sample) ?? 0;

  it('measure a start: the RPC, its request, its writes, the execution and its phases', async () => {
    const agent = await makeAgent(app.rpc, { pre: postTo(receiver.url) });
    await app.rpc.calls.onCallStart(newCall(agent));
    const page = await readMetrics(app.opsAddress);
    const kind = engine.name;
    for (const [name, least] of [
      [
        'rpc_server_call_duration_seconds_count{rpc_system_name="grpc",rpc_method="callhooks.v1.CallLifecycle/OnCallStart",rpc_response_status_code="OK"}',
        1,
      ],
      [
        'http_client_request_duration_seconds_count{http_request_method="POST",http_response_status_code="200",error_type=""}',
        1,
      ],
      [
        `db_client_operation_duration_seconds_count{db_system_name="${kind}",db_operation_name="write",error_type=""}`,
        2,
      ],
      ['callhooks_execution_duration_seconds_count{type="pre_call",outcome="succeeded"}', 1],
      ['callhooks_execution_phase_seconds_count{phase="queued"}', 1],
      ['callhooks_execution_phase_seconds_count{phase="connect"}', 1],
      ['callhooks_execution_phase_seconds_count{phase="first_byte"}', 1],
      ['callhooks_write_batch_size_count', 2],
    ] as const)
      expect(page.get(name), name).to.be.at.least(least);
    const sum = page.get(
      'callhooks_execution_duration_seconds_sum{type="pre_call",outcome="succeeded"}',
    ) as number;
    expect(sum).to.be.greaterThan(0).and.lessThan(MINUTE_S);
    expect(page.get(`callhooks_build_info{version="${VERSION}",node="${process.version}"}`)).to.equal(1);
    const started = page.get('callhooks_start_time_seconds') as number;
    expect(Math.abs(started - (Date.now() / 1_000 - process.uptime()))).to.be.lessThan(2);
    const connections =
      (page.get('callhooks_database_connections{state="in_use"}') as number) +
      (page.get('callhooks_database_connections{state="idle"}') as number);
    if (kind === 'sqlite') expect(connections).to.equal(0);
    else expect(connections).to.be.at.least(1);
    expect(page.get('process_resident_memory_bytes')).to.be.greaterThan(10_000_000);
    expect(page.get('process_open_fds')).to.be.greaterThan(3);
  });

  it('count a post-call that no slot came free for as EXPIRED, and show how old it was meanwhile', async () => {
    receiver.respond({ delayMs: 6_000 });
    const agent = await makeAgent(app.rpc, { post: postTo(receiver.url) });
    await app.rpc.calls.onCallEnd(newCall(agent));
    await receiver.waitFor(1);
    const { execution } = await app.rpc.calls.onCallEnd(newCall(agent));
    await until('an age', async () => (await value('callhooks_oldest_accepted_age_seconds')) > 0.2);
    expect(outcomeOf(await untilFinished(app.rpc, execution?.executionUuid))).to.equal('FAILED EXPIRED NO');
    await until('the count', async () => {
      const name =
        'callhooks_executions_total{type="post_call",outcome="failed",code="EXPIRED",recorded="true"}';
      return (await value(name)) === 1;
    });
    await until('no age', async () => (await value('callhooks_oldest_accepted_age_seconds')) === 0);
    receiver.respond({});
  });

  it('measure a post-call from its accept on, with the time that it waited for a slot', async () => {
    receiver.respond({ delayMs: 600 });
    const agent = await makeAgent(app.rpc, { post: postTo(receiver.url) });
    await app.rpc.calls.onCallEnd(newCall(agent));
    await receiver.waitFor(1);
    const { execution } = await app.rpc.calls.onCallEnd(newCall(agent));
    await untilFinished(app.rpc, execution?.executionUuid);
    const name = 'callhooks_execution_duration_seconds';
    const labels = '{type="post_call",outcome="succeeded"}';
    await until('both', async () => (await value(`${name}_count${labels}`)) === 2);
    expect(await value(`${name}_sum${labels}`)).to.be.at.least(1.5);
  });

  it('count targets that the egress policy forbids, where it forbids them', async () => {
    const counts = async () => {
      const page = await readMetrics(app.opsAddress);
      return ['save', 'dial', 'redirect'].map((where) =>
        page.get(`callhooks_egress_denied_total{where="${where}"}`),
      );
    };
    await errorOf(makeAgent(app.rpc, { pre: postTo('http://10.0.0.2/') }));
    expect(await counts()).to.deep.equal([1, 0, 0]);
    const named = await makeAgent(app.rpc, { pre: postTo('http://crm.example/') });
    await app.rpc.calls.onCallStart(newCall(named));
    expect(await counts()).to.deep.equal([1, 1, 0]);
    receiver.respond({ status: 302, headers: { location: 'http://10.0.0.3/' } });
    const apiSchema = { url: receiver.url, method: 'GET', maxRedirects: 1 };
    const redirected = await makeAgent(app.rpc, { pre: { apiSchema } });
    await app.rpc.calls.onCallStart(newCall(redirected));
    expect(await counts()).to.deep.equal([1, 1, 1]);
    const denied =
      'http_client_request_duration_seconds_count{http_request_method="POST",http_response_status_code="",error_type="egress_denied"}';
    expect(await value(denied)).to.equal(1);
  });

  it('count an execution that is marked interrupted because its owner recorded nothing', async function () {
    this.timeout(40_000);
    const name =
      'callhooks_executions_total{type="pre_call",outcome="interrupted",code="INTERRUPTED",recorded="true"}';
    const beside = connectDirectly(app.database);
    await beside.use((session) => insertOpenRow(session, 'sending', 20_000));
    await beside.close();
    // On SQLite the next process marks it at its start.
    if (engine.name === 'sqlite') await app.restart();
    await until('the mark', async () => (await value(name)) === 1, { timeoutMs: 30_000 });
  });
});
