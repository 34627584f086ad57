import { expect } from 'chai';
import { makeAgent, newCall, postTo, untilFinished } from '../support/calls.ts';
import { startReceiver, type Receiver } from '../support/receiver.ts';
import { startCollector, type Collector, type ReceivedSpan } from './collector.ts';
import { describeWith } from './tools.ts';
import { startTracedServer, type TracedServer } from './traced-server.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const CALLER = 'b7ad6b7169203331';
const headers = { traceparent: `00-${TRACE}-${CALLER}-01`, tracestate: 'vendor=1', baggage: 'user=ada' };

const FAST = {
  OTEL_BSP_SCHEDULE_DELAY: '50',
  OTEL_SERVICE_NAME: 'calls',
  OTEL_RESOURCE_ATTRIBUTES: 'team=voice',
};

/** Returns the names of a span's children, in the order in which they began. */
const childrenOf = (spans: readonly ReceivedSpan[], { spanId }: ReceivedSpan) =>
  spans.filter(({ parentSpanId }) => parentSpanId === spanId);

const namesOf = (spans: readonly ReceivedSpan[]) => spans.map(({ name }) => name).toSorted();

const ms = (attributes: ReceivedSpan['attributes']) =>
  Object.fromEntries(Object.entries(attributes).filter(([name]) => !name.endsWith('_ms')));

describeWith(['otelcol'], 'Traces in the OpenTelemetry collector', function () {
  this.timeout(60_000);

  for (const protocol of ['http/protobuf', 'grpc'] as const)
    describe(`over ${protocol}`, () => {
      let collector: Collector;
      let endpoint: Receiver;
      let server: TracedServer;

      before(async () => {
        [collector, endpoint] = await Promise.all([
          startCollector(),
          startReceiver({ body: { name: 'Ada' } }),
        ]);
        const url = protocol === 'grpc' ? collector.grpcUrl : collector.httpUrl;
        const env = { OTEL_EXPORTER_OTLP_ENDPOINT: url, OTEL_EXPORTER_OTLP_PROTOCOL: protocol };
        server = await startTracedServer({ ...env, ...FAST });
      });
      after(() => Promise.all([server.stop(), collector.close(), endpoint.close()]));

      it('show a start with its claim, its request and its outcome in the trace of the caller', async () => {
        const agent = await makeAgent(server.rpc, { pre: postTo(`${endpoint.url}/lookup?key=1`) });
        const call = newCall(agent);
        const { execution } = await server.rpc.calls.onCallStart(call, { headers });
        const rpc = await collector.span(
          'the span of the RPC',
          ({ attributes, kind }) =>
            kind === 'server' && attributes['callhooks.conversation_uuid'] === call.conversationUuid,
        );
        expect(rpc).to.include({ traceId: TRACE, parentSpanId: CALLER, isError: false });
        expect(rpc.name).to.equal('callhooks.v1.CallLifecycle/OnCallStart');
        expect(rpc.resource).to.include({ 'service.name': 'calls', team: 'voice' });
        const names = {
          executionUuid: execution?.executionUuid ?? '',
          webhookUuid: agent.pre?.webhookUuid ?? '',
        };
        const { 'callhooks.request_id': requestId, ...attributes } = rpc.attributes;
        expect(requestId).to.match(/^[0-9a-f-]{36}$/);
        expect(attributes).to.deep.equal({
          'rpc.system.name': 'grpc',
          'rpc.method': 'callhooks.v1.CallLifecycle/OnCallStart',
          'rpc.response.status_code': 'OK',
          'callhooks.agent_uuid': agent.agentUuid,
          'callhooks.conversation_uuid': call.conversationUuid,
          'callhooks.execution_uuid': names.executionUuid,
          'callhooks.webhook_uuid': names.webhookUuid,
          'callhooks.webhook_type': 'pre_call',
          'callhooks.outcome': 'succeeded',
          'callhooks.decision': 'proceed',
          'callhooks.degraded': false,
          'callhooks.rejected': false,
          'callhooks.recorded': true,
          'callhooks.replayed': false,
        });
        const children = childrenOf(collector.spans(), rpc);
        expect(namesOf(children)).to.include.members(['INSERT executions', 'POST', 'UPDATE executions']);
        expect(children.every(({ kind, traceId }) => kind === 'client' && traceId === TRACE)).to.equal(true);
        const insert = children.find(({ name }) => name === 'INSERT executions');
        expect(insert?.attributes).to.deep.equal({
          'db.system.name': 'sqlite',
          'db.operation.name': 'INSERT',
          'db.collection.name': 'executions',
          'callhooks.statement': 'insertStart',
        });
        const request = children.find(({ name }) => name === 'POST');
        expect(ms(request?.attributes ?? {})).to.deep.equal({
          'http.request.method': 'POST',
          'http.response.status_code': 200,
          'network.protocol.version': '1.1',
          'server.address': '127.0.0.1',
          'server.port': endpoint.port,
          'url.scheme': 'http',
          'callhooks.execution_uuid': names.executionUuid,
        });
        expect(request?.attributes).to.include.keys('callhooks.connect_ms', 'callhooks.first_byte_ms');
        const sent = endpoint.requests.at(-1)?.headers ?? {};
        expect(sent['traceparent']).to.equal(`00-${TRACE}-${request?.spanId}-01`);
        expect(sent).to.not.have.property('tracestate');
        expect(sent['baggage']).to.equal(`callhooks.execution=${names.executionUuid}`);
      });

      it('show a post-call below the report that led to it, in the same trace', async () => {
        const agent = await makeAgent(server.rpc, { post: postTo(`${endpoint.url}/calls`) });
        const call = newCall(agent);
        const { execution } = await server.rpc.calls.onCallEnd(call, { headers });
        await untilFinished(server.rpc, execution?.executionUuid);
        const run = await collector.span(
          'the span of the post-call',
          ({ name, attributes }) =>
            name === 'post_call' && attributes['callhooks.execution_uuid'] === execution?.executionUuid,
        );
        const spans = collector.spans();
        const rpc = spans.find(({ spanId }) => spanId === run.parentSpanId);
        expect(rpc).to.include({ name: 'callhooks.v1.CallLifecycle/OnCallEnd', parentSpanId: CALLER });
        expect(namesOf(childrenOf(spans, rpc as ReceivedSpan))).to.include.members([
          'INSERT executions',
          'post_call',
        ]);
        const children = childrenOf(spans, run);
        expect(namesOf(children)).to.deep.equal(['POST', 'UPDATE executions', 'UPDATE executions']);
        expect(children.map(({ attributes }) => attributes['callhooks.statement'])).to.have.members([
          'claimPostCall',
          undefined,
          'recordOutcome',
        ]);
        expect(ms(run.attributes)).to.include({
          'callhooks.conversation_uuid': call.conversationUuid,
          'callhooks.webhook_uuid': agent.post?.webhookUuid ?? '',
          'callhooks.outcome': 'succeeded',
        });
        const request = children.find(({ name }) => name === 'POST');
        expect(endpoint.requests.at(-1)?.headers['traceparent']).to.equal(
          `00-${TRACE}-${request?.spanId}-01`,
        );
      });
    });

  describe('of callers that trace in other ways', () => {
    let collector: Collector;
    let endpoint: Receiver;
    let server: TracedServer;

    before(async () => {
      [collector, endpoint] = await Promise.all([startCollector(), startReceiver()]);
      server = await startTracedServer({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.httpUrl, ...FAST });
    });
    after(() => Promise.all([server.stop(), collector.close(), endpoint.close()]));

    it('begin where the caller has none, and the log names them', async () => {
      const agent = await makeAgent(server.rpc, { pre: postTo(`${endpoint.url}/`) });
      const call = newCall(agent);
      await server.rpc.calls.onCallStart(call, { headers: { traceparent: 'x'.repeat(4_000) } });
      const ofCall = ({ conversation_uuid: uuid }: Record<string, unknown>) => uuid === call.conversationUuid;
      const lines = await Promise.all(
        ['rpc', 'execution'].map((msg) =>
          server.process.logged((line) => line['msg'] === msg && ofCall(line)),
        ),
      );
      const rpc = await collector.span(
        'the span of the RPC',
        ({ attributes, kind }) =>
          kind === 'server' && attributes['callhooks.conversation_uuid'] === call.conversationUuid,
      );
      expect(rpc.parentSpanId).to.equal('');
      expect(lines.map((line) => line['trace_id'])).to.deep.equal([rpc.traceId, rpc.traceId]);
      expect(endpoint.requests.at(-1)?.headers['traceparent']).to.match(new RegExp(`^00-${rpc.traceId}-`));
    });

    it('are not exported where the caller does not sample, and are still passed on', async () => {
      const agent = await makeAgent(server.rpc, { pre: postTo(`${endpoint.url}/`) });
      const trace = '1'.repeat(32);
      const unsampled = { traceparent: `00-${trace}-${CALLER}-00` };
      await server.rpc.calls.onCallStart(newCall(agent), { headers: unsampled });
      expect(endpoint.requests.at(-1)?.headers['traceparent']).to.match(
        new RegExp(`^00-${trace}-(?!${CALLER})[0-9a-f]{16}-00$`),
      );
      await server.rpc.calls.onCallStart(newCall(agent), { headers });
      await collector.span(
        'the span of a later RPC',
        ({ traceId, kind }) => traceId === TRACE && kind === 'server',
      );
      expect(collector.spans().filter(({ traceId }) => traceId === trace)).to.deep.equal([]);
    });

    it('tell a failure by its code, and an error of the caller by its status', async () => {
      endpoint.respond({ status: 503 });
      const agent = await makeAgent(server.rpc, { pre: postTo(`${endpoint.url}/`) });
      const call = newCall(agent);
      await server.rpc.calls.onCallStart(call);
      await server.rpc.calls
        .onCallStart({ agentUuid: call.conversationUuid, conversationUuid: call.agentUuid })
        .catch(() => undefined);
      const rpc = await collector.span(
        'the span of the RPC',
        ({ attributes, kind }) =>
          kind === 'server' && attributes['callhooks.conversation_uuid'] === call.conversationUuid,
      );
      expect(rpc.attributes).to.include({
        'callhooks.failure_code': 'HTTP_STATUS',
        'callhooks.outcome': 'failed',
      });
      const request = childrenOf(collector.spans(), rpc).find(({ name }) => name === 'POST');
      expect(request?.isError).to.equal(true);
      expect(request?.attributes).to.include({ 'error.type': '503', 'http.response.status_code': 503 });
      const refused = await collector.span(
        'the refused RPC',
        ({ attributes }) => attributes['rpc.response.status_code'] === 'NOT_FOUND',
      );
      expect(refused.isError).to.equal(false);
      expect(refused.attributes).to.include({ 'callhooks.reason': 'AGENT_NOT_FOUND' });
    });
  });
});
