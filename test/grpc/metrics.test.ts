import { expect } from 'chai';
import * as pb from '../../src/gen/index.callhooks.v1.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import { describeEachEngine } from '../support/engines.ts';
import { startReceiver } from '../support/receiver.ts';
import { randomUUID } from 'node:crypto';

describeEachEngine('the metrics page', (engine) => {
  let app: TestApp;
  before(async () => {
    app = await startTestApp(engine, { CALLHOOKS_EGRESS_ALLOW: '127.0.0.0/8' });
  });
  after(() => app.close());

  const read = async (): Promise<Map<string, number>> => {
    const response = await fetch(`http://${app.opsAddress}/metrics`);
    expect(response.headers.get('content-type')).to.match(/^text\/plain; version=0\.0\.4/);
    const lines = (await response.text()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    return new Map(
      lines.map((line) => [
        line.slice(0, line.lastIndexOf(' ')),
        Number(line.slice(line.lastIndexOf(' ') + 1)),
      ]),
    );
  };

  it('counts executions by type, outcome and code, and says that none is overdue', async () => {
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

  it('counts a repeated end with other details while its report is on the way', async () => {
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

  it('is all that the port serves', async () => {
    for (const path of ['/', '/metrics/x', '/health']) {
      expect((await fetch(`http://${app.opsAddress}${path}`)).status).to.equal(404);
    }
  });
});
