import { expect } from 'chai';
import { makeAgent, newCall, postTo, untilFinished } from '../support/calls.ts';
import { serverEngine } from '../support/engines.ts';
import { startReceiver, type Respond } from '../support/receiver.ts';
import { TEST_KEYS } from '../support/test-keys.ts';
import { startCollector, type ReceivedSpan } from './collector.ts';
import { describeWith } from './tools.ts';
import { startTracedServer } from './traced-server.ts';

const answer: Respond = ({ url }) =>
  url === '/token' ? { body: { access_token: 'an-access-token', token_type: 'Bearer' } } : { body: {} };

describeWith(['otelcol'], 'Traces of two replicas on a server database', function () {
  this.timeout(60_000);

  it('show one call across both replicas, with its access token and the name of the database', async function () {
    const engine = serverEngine();
    if (engine === undefined) return this.skip();
    const [collector, endpoint, database] = await Promise.all([
      startCollector(),
      startReceiver(answer),
      engine.freshDatabase(),
    ]);
    const env = {
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.httpUrl,
      OTEL_BSP_SCHEDULE_DELAY: '50',
      DATABASE_URL: database.url ?? '',
      CALLHOOKS_ENCRYPTION_KEYS: TEST_KEYS,
      CALLHOOKS_MIGRATE: 'true',
    };
    const first = await startTracedServer({ ...env, CALLHOOKS_INSTANCE: 'first' });
    const second = await startTracedServer({ ...env, CALLHOOKS_INSTANCE: 'second' });
    const oauth2 = { tokenUrl: `${endpoint.url}/token`, clientId: 'a', clientSecret: '{{secret.CRM}}' };
    const pre = postTo(`${endpoint.url}/`);
    const agent = await makeAgent(first.rpc, {
      pre: { ...pre, apiSchema: { ...pre.apiSchema, auth: { method: { $case: 'oauth2', value: oauth2 } } } },
      post: postTo(`${endpoint.url}/`),
      secrets: { CRM: 'a-secret' },
    });
    const call = newCall(agent);
    const traceId = '5'.repeat(32);
    const headers = { traceparent: `00-${traceId}-${'6'.repeat(16)}-01` };
    await first.rpc.calls.onCallStart(call, { headers });
    const { execution } = await second.rpc.calls.onCallEnd(call, { headers });
    await untilFinished(second.rpc, execution?.executionUuid);
    await Promise.all([first.stop(), second.stop()]);
    await Promise.all([collector.close(), endpoint.close(), database.cleanup()]);

    const spans = collector.spans().filter((span) => span.traceId === traceId);
    const named = (name: string) => spans.find((span) => span.name.endsWith(name)) as ReceivedSpan;
    const below = ({ spanId }: ReceivedSpan) => spans.filter(({ parentSpanId }) => parentSpanId === spanId);
    const [start, end, run] = [named('OnCallStart'), named('OnCallEnd'), named('post_call')];
    expect(start.resource['service.instance.id']).to.equal('first');
    expect(end.resource['service.instance.id']).to.equal('second');
    expect(run.parentSpanId).to.equal(end.spanId);
    const requests = below(start).filter(({ name }) => name === 'POST');
    // The request for the token comes before that of the webhook, and only the latter is an execution's.
    expect(requests.map(({ attributes }) => 'callhooks.execution_uuid' in attributes)).to.have.members([
      false,
      true,
    ]);
    const systems = spans.flatMap(({ attributes }) => attributes['db.system.name'] ?? []);
    expect(new Set(systems)).to.deep.equal(new Set([engine.name]));
    expect(below(run).map(({ name }) => name)).to.include.members(['POST', 'UPDATE executions']);
  });
});
