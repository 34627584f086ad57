import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import * as pb from '../../src/gen/index.callhooks.v1.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import { makeAgent, newCall, postTo } from '../support/calls.ts';
import { describeEachEngine } from '../support/engines.ts';
import { readMetrics } from '../support/metrics.ts';
import { startReceiver } from '../support/receiver.ts';

describeEachEngine('The metrics page', (engine) => {
  let app: TestApp;
  before(async () => {
    app = await startTestApp(engine, { CALLHOOKS_EGRESS_ALLOW: '127.0.0.0/8' });
  });
  after(() => app.close());

  const read = () => readMetrics(app.opsAddress);

  it('is text in the format of Prometheus', async () => {
    const { headers } = await fetch(`http://${app.opsAddress}/metrics`);
    expect(headers.get('content-type')).to.match(/^text\/plain; version=0\.0\.4/);
  });

  it('counts a failed start by type, outcome and code, its repeat with other details, and nothing in flight', async () => {
    const receiver = await startReceiver({ status: 503 });
    const { agent } = await app.rpc.agents.createAgent({
      agent: {
        webhooks: [
          {
            webhookType: pb.WebhookType.WEBHOOK_TYPE_PRE_CALL,
            webhookConfig: { apiSchema: { url: receiver.url, method: 'GET' } },
          },
        ],
      },
    });
    const call = { agentUuid: agent?.agentUuid ?? '', conversationUuid: randomUUID() };
    await app.rpc.calls.onCallStart(call);
    await app.rpc.calls.onCallStart({ ...call, callerPhone: '+14155550123' });
    await receiver.close();
    const page = await read();
    const name =
      'callhooks_executions_total{type="pre_call",outcome="failed",code="HTTP_STATUS",recorded="true"}';
    expect(page.get(name)).to.equal(1);
    expect(page.get('callhooks_executions_overdue')).to.equal(0);
    expect(page.get('callhooks_database_up')).to.equal(1);
    expect(page.get('callhooks_pre_calls_in_flight')).to.equal(0);
    expect(page.get('callhooks_buffered_bytes')).to.equal(0);
    expect(page.get('callhooks_repeats_with_other_details_total')).to.equal(1);
  });

  it('counts the decision about each call once, and a rejection beside a block', async () => {
    const receiver = await startReceiver(({ url }) => ({ status: Number(url.slice(1)) }));
    const { FAILURE_POLICY_BLOCK: failurePolicy } = pb.FailurePolicy;
    const rejection = { httpStatuses: [403] };
    const names = ['proceed', 'proceed_degraded', 'block', 'block_rejected'];
    const counts = async () => {
      const page = await read();
      return names.map((name) => page.get(`callhooks_call_decisions_total{decision="${name}"}`) ?? 0);
    };
    const before = await counts();
    for (const config of [
      postTo(`${receiver.url}/200`, undefined, { rejection }),
      postTo(`${receiver.url}/403`, undefined),
      postTo(`${receiver.url}/404`, undefined, { rejection, failurePolicy }),
      postTo(`${receiver.url}/403`, undefined, { rejection, failurePolicy }),
    ]) {
      const call = newCall(await makeAgent(app.rpc, { pre: config }));
      await app.rpc.calls.onCallStart(call);
      await app.rpc.calls.onCallStart(call);
    }
    await receiver.close();
    expect(await counts()).to.deep.equal(before.map((count) => count + 1));
  });

  it('counts a repeated OnCallEnd with other details while its report is pending', async () => {
    const receiver = await startReceiver({ delayMs: 1_000 });
    const { agent } = await app.rpc.agents.createAgent({
      agent: {
        webhooks: [
          {
            webhookType: pb.WebhookType.WEBHOOK_TYPE_POST_CALL,
            webhookConfig: {
              apiSchema: { url: receiver.url, method: 'POST', requestBody: '{{call_summary}}' },
            },
          },
        ],
      },
    });
    const call = {
      agentUuid: agent?.agentUuid ?? '',
      conversationUuid: randomUUID(),
      callSummary: 'first',
      metadata: { b: 1, a: { d: [0.5], c: null } },
    };
    const before = (await read()).get('callhooks_repeats_with_other_details_total') ?? 0;
    await app.rpc.calls.onCallEnd(call);
    await app.rpc.calls.onCallEnd({ ...call, metadata: { a: { c: null, d: [0.5] }, b: 1 } });
    expect((await read()).get('callhooks_repeats_with_other_details_total')).to.equal(before);
    await app.rpc.calls.onCallEnd({ ...call, callSummary: 'second' });
    expect((await read()).get('callhooks_repeats_with_other_details_total')).to.equal(before + 1);
    await receiver.close();
  });

  it('is the only path that the port serves: others answer 404', async () => {
    for (const path of ['/', '/metrics/x', '/health']) {
      expect((await fetch(`http://${app.opsAddress}${path}`)).status).to.equal(404);
    }
  });
});
