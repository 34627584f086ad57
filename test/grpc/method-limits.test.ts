import { expect } from 'chai';
import * as pb from '../../src/gen/index.callhooks.v1.ts';
import { bindService } from '../../src/grpc/bound-service.ts';
import { errorOf } from '../support/rpc.ts';
import { until } from '../support/until.ts';
import { startTestServer } from './test-server.ts';

const MAX_OPEN = 64;
const MAX_RUNNING = 4;

/** Creates services whose `listExecutions` and `getWebhook` run until `release`, and whose other RPCs answer at once. */
function holdingServices() {
  let running = 0;
  let ended = 0;
  const { promise, resolve: release } = Promise.withResolvers<void>();
  const unused = (): Promise<never> => Promise.reject(new Error('not part of this test'));
  const hold = async (): Promise<void> => {
    running += 1;
    await promise;
    running -= 1;
    ended += 1;
  };
  const services = [
    bindService(pb.ExecutionLogService, {
      getExecution: async () => pb.GetExecutionResponse.fromPartial({}),
      listExecutions: async () => {
        await hold();
        return pb.ListExecutionsResponse.fromPartial({});
      },
      async *watchExecutions() {},
    }),
    bindService(pb.WebhookAdminService, {
      createWebhook: unused,
      updateWebhook: unused,
      deleteWebhook: unused,
      listWebhooks: unused,
      getWebhook: async () => {
        await hold();
        return pb.GetWebhookResponse.fromPartial({});
      },
      testWebhook: async () => pb.TestWebhookResponse.fromPartial({}),
    }),
    bindService(pb.CallLifecycleService, {
      onCallStart: async () => pb.OnCallStartResponse.fromPartial({}),
      onCallEnd: unused,
    }),
  ];
  return { services, release, running: () => running, ended: () => ended };
}

describe('List and admin RPCs', () => {
  it('run four at once in all services, and are refused as LIMIT_REACHED beyond 64, while other RPCs are served', async () => {
    const { services, release, running } = holdingServices();
    await using server = await startTestServer({}, { services });
    const { executions, webhooks, calls } = server.rpc;
    const held = Array.from({ length: MAX_OPEN }, (_, i) =>
      i % 2 === 0 ? executions.listExecutions() : webhooks.getWebhook(),
    );
    await until('four RPCs to run', () => running() === MAX_RUNNING);
    for (const refused of [executions.listExecutions(), webhooks.getWebhook(), webhooks.deleteWebhook()]) {
      const { code, reason, retryAfterMs } = await errorOf(refused);
      expect({ code, reason, retryAfterMs }).to.deep.equal({
        code: 'RESOURCE_EXHAUSTED',
        reason: 'LIMIT_REACHED',
        retryAfterMs: 1_000,
      });
    }
    await Promise.all([executions.getExecution(), webhooks.testWebhook(), calls.onCallStart()]);
    expect(running()).to.equal(MAX_RUNNING);
    release();
    await Promise.all(held);
    await executions.listExecutions();
  });

  it('count until their handlers have ended, also when their callers have gone', async () => {
    const { services, release, running, ended } = holdingServices();
    await using server = await startTestServer({}, { services });
    const cancel = new AbortController();
    const { executions } = server.rpc;
    const gone = Array.from({ length: MAX_OPEN }, () =>
      errorOf(executions.listExecutions({}, { signal: cancel.signal })),
    );
    await until('four RPCs to run', () => running() === MAX_RUNNING);
    cancel.abort();
    await Promise.all(gone);
    expect((await errorOf(executions.listExecutions())).reason).to.equal('LIMIT_REACHED');
    release();
    await until('all handlers to end', () => ended() === MAX_OPEN);
    await executions.listExecutions();
  });
});

describe('The size of a request', () => {
  it('is limited by its method, and the violation names the limit', async () => {
    const { services } = holdingServices();
    await using server = await startTestServer({}, { services });
    const { executions, webhooks, calls } = server.rpc;
    const text = 'x'.repeat(2 * 1024 * 1024);
    const rows: readonly [call: Promise<unknown>, name: string][] = [
      [executions.getExecution({ executionUuid: text }), '4 KiB'],
      [webhooks.createWebhook({ agentUuid: text }), '1 MiB'],
    ];
    for (const [call, name] of rows) {
      const error = await errorOf(call);
      expect(error).to.include({ code: 'INVALID_ARGUMENT', reason: 'VALIDATION_FAILED' });
      expect(error.violations).to.deep.equal([{ field: '', description: `is larger than ${name}` }]);
    }
    await calls.onCallStart({ callerPhone: text });
    await webhooks.testWebhook({ callerPhone: text });
  });
});
