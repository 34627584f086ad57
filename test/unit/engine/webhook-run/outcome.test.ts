import { expect } from 'chai';
import { FAILURE_CODES, type Failure } from '../../../../src/domain/failures.ts';
import type { Execution, HttpHeader } from '../../../../src/domain/execution.ts';
import type { WebhookRun } from '../../../../src/engine/webhook-run/webhook-run.ts';
import type { Recorded } from '../../../../src/engine/writes/execution-writes.ts';
import { DatabaseError } from '../../../../src/errors.ts';
import type { Outcome } from '../../../../src/store/write-batch.ts';
import {
  recordAndLog,
  type ExecutionOrigin,
  toOutcome,
  withAssignedBy,
  withOutcome,
  type ExecutionLine,
} from '../../../../src/engine/webhook-run/outcome.ts';

function failureOf(code: Failure['code']): Failure {
  return { code, message: 'why', sent: 'maybe' };
}
function runOf(change: Partial<WebhookRun> = {}): WebhookRun {
  return {
    timings: { totalMs: 12.5 },
    missingVariables: ['a'],
    missedAssignments: [],
    assigned: { x: 1 },
    assignedSources: { x: 'assignment' },
    ...change,
  };
}
function claimedOf(webhookType: 'pre_call' | 'post_call', agoMs = 0) {
  return {
    ...{ executionUuid: 'e', webhookType, claim: 'c', webhookEtag: 'w2' },
    failurePolicy: webhookType === 'pre_call' ? ('block' as const) : null,
    claimedAtMs: performance.now() - agoMs,
  };
}
const TRACE = '0af7651916cd43dd8448eb211c80319c';
const execution: Execution = {
  ...{ executionUuid: 'e', agentUuid: 'a', conversationUuid: 'v', webhookUuid: 'w', webhookEtag: 'w1' },
  ...{ webhookType: 'pre_call', state: 'sending', failurePolicy: 'block', timeLimitMs: 10 },
  ...{ missingVariables: [], missedAssignments: [], acceptedAtMs: 1_000, sendingAtMs: 1_100, instance: 'i' },
};

/** Records an outcome with a store that answers through `write`. Returns what was written and logged. */
async function recordWith(outcome: Outcome, write: () => Promise<Recorded>, origin: ExecutionOrigin = {}) {
  const lines: ExecutionLine[] = [];
  const sizes: number[] = [];
  const recording = recordAndLog(
    {
      writes: {
        recordOutcome: (_, bytes) => {
          sizes.push(bytes);
          return write();
        },
      },
      onExecution: (line) => lines.push(line),
      lastWrites: AbortSignal.abort(),
    },
    execution,
    { requestId: 'r', traceparent: `00-${TRACE}-b7ad6b7169203331-01`, ...origin },
    outcome,
  );
  const [result] = await Promise.allSettled([recording]);
  return { result, lines, bytes: sizes[0] };
}

describe('toOutcome', () => {
  it('returns a success when the run has no failure', () =>
    expect(toOutcome(claimedOf('pre_call'), runOf())).to.deep.include({
      ...{ executionUuid: 'e', webhookType: 'pre_call', claim: 'c', webhookEtag: 'w2', state: 'succeeded' },
      ...{ timings: { totalMs: 12.5 }, missingVariables: ['a'], assigned: { x: 1 } },
      assignedSources: { x: 'assignment' },
      decision: 'proceed',
    }));

  for (const code of FAILURE_CODES) {
    const state = code === 'INTERRUPTED' || code === 'SHUTDOWN' ? 'interrupted' : 'failed';
    it(`returns the state ${state} when the run failed with ${code}`, () => {
      const failure = failureOf(code);
      expect(toOutcome(claimedOf('post_call'), runOf({ failure }))).to.deep.include({ state, failure });
    });
  }

  it('leaves assigned variables and the decision out when the run is a post-call', () =>
    expect(toOutcome(claimedOf('post_call'), runOf())).to.not.have.any.keys(
      ...['assigned', 'assignedSources', 'decision'],
    ));

  it('returns the decision of the failure policy when the run of a pre-call failed', () => {
    const failure = failureOf('TIMEOUT');
    expect(toOutcome(claimedOf('pre_call'), runOf({ failure }))).to.include({ decision: 'block' });
  });

  it('returns a success with a decision and a reason when the endpoint rejects the call', () =>
    expect(toOutcome(claimedOf('pre_call'), runOf({ rejection: { reason: 'spam' } }))).to.include({
      ...{ state: 'succeeded', decision: 'block_rejected', rejectReason: 'spam' },
    }));

  it('leaves an empty reason of a rejection out', () =>
    expect(toOutcome(claimedOf('pre_call'), runOf({ rejection: { reason: '' } }))).to.not.have.any.keys(
      ...['rejectReason', 'rejection'],
    ));

  it('measures the duration from the claim in whole milliseconds, never below zero', () => {
    expect(toOutcome(claimedOf('pre_call', 250), runOf()).durationMs).to.be.within(250, 400);
    expect(toOutcome(claimedOf('pre_call', 250), runOf()).durationMs % 1).to.equal(0);
    expect(toOutcome(claimedOf('pre_call', -5_000), runOf()).durationMs).to.equal(0);
  });
});

describe('withOutcome', () => {
  it('adds the revision that ran and the time at which it finished', () => {
    const failure = failureOf('TIMEOUT');
    const outcome = { ...toOutcome(claimedOf('pre_call'), runOf({ failure })), durationMs: 42 };
    expect(withOutcome(execution, outcome)).to.deep.equal({
      ...execution,
      ...{ state: 'failed', failure, decision: 'block', webhookEtag: 'w2', timings: { totalMs: 12.5 } },
      ...{ missingVariables: ['a'], finishedAtMs: 1_142 },
    });
  });
});

describe('withOutcome of a rejection', () => {
  it('adds the decision and the reason', () => {
    const outcome = toOutcome(claimedOf('pre_call'), runOf({ rejection: { reason: 'spam' } }));
    expect(withOutcome(execution, outcome)).to.include({
      ...{ state: 'succeeded', decision: 'block_rejected', rejectReason: 'spam' },
    });
  });
});

describe('withAssignedBy', () => {
  it('adds what the outcome assigned to the variables of a start', () => {
    const start = { callerPhone: '+1', variables: { x: 0 }, sources: { x: 'default' as const } };
    const outcome = toOutcome(claimedOf('pre_call'), runOf());
    expect(withAssignedBy(start, outcome)).to.deep.equal({
      ...start,
      ...{ assigned: { x: 1 }, assignedSources: { x: 'assignment' } },
    });
  });
});

describe('recordAndLog', () => {
  const failure = { ...failureOf('HTTP_STATUS'), message: 'a secret' };
  const response = {
    status: 503,
    headers: [],
    body: 'a body',
    bodyBinary: false,
    bodyBytes: 6,
    truncated: false,
  };
  const timings = { queuedMs: 0.25, dnsMs: 1.2345, connectMs: 2, tlsMs: 3, firstByteMs: 4, totalMs: 10.5 };
  const failed = {
    ...toOutcome(claimedOf('pre_call'), runOf({ failure, response, timings })),
    durationMs: 7,
  };
  const line: ExecutionLine = {
    ...{ execution_uuid: 'e', conversation_uuid: 'v', agent_uuid: 'a', webhook_uuid: 'w' },
    ...{
      webhook_type: 'pre_call',
      outcome: 'failed',
      decision: 'block',
      failure_code: 'HTTP_STATUS',
      sent: 'maybe',
    },
    ...{ status: 503, duration_ms: 7, recorded: true, request_id: 'r', trace_id: TRACE },
    ...{ queued_ms: 0.25, dns_ms: 1.235, connect_ms: 2, tls_ms: 3, first_byte_ms: 4, total_ms: 10.5 },
  };

  it('logs names, codes and durations when the outcome is recorded, and nothing of what the endpoint said', async () => {
    const { result, lines } = await recordWith(failed, () => Promise.resolve('recorded'));
    expect(result).to.deep.equal({ status: 'fulfilled', value: 'recorded' });
    expect(lines).to.deep.equal([line]);
  });

  for (const [url, origin] of [
    ['https://a.example:8443/path/5550107733?q=1', 'https://a.example:8443'],
    ['https://a.example?q=5550107733', 'https://a.example'],
    ['http://[::1]:80#5550107733', 'http://[::1]:80'],
    ['5550107733', ''],
  ] as const)
    it(`logs of the URL ${url} no more than its origin`, async () => {
      const sent = {
        method: 'POST',
        url,
        headers: [],
        body: '',
        bodyBinary: false,
        bodyBytes: 0,
        truncated: false,
      };
      const { lines } = await recordWith({ ...failed, request: sent }, () => Promise.resolve('recorded'));
      expect(lines).to.deep.equal([{ ...line, origin }]);
    });

  it('logs no trace id when the trace context is malformed', async () => {
    const { lines } = await recordWith(failed, () => Promise.resolve('recorded'), { traceparent: 'a phone' });
    expect(lines).to.deep.equal([{ ...line, trace_id: undefined }]);
  });

  it('logs that the outcome is not recorded when the row says something else', async () => {
    const { lines } = await recordWith(failed, () => Promise.resolve('not_owner'));
    expect(lines).to.deep.equal([{ ...line, recorded: false }]);
  });

  it('logs that the outcome is not recorded when the process ends while the database is away', async () => {
    const { result, lines } = await recordWith(failed, () => Promise.reject(new DatabaseError('away')));
    expect(result?.status).to.equal('rejected');
    expect(lines).to.deep.equal([{ ...line, recorded: false }]);
  });

  const headers: readonly HttpHeader[] = Array.from({ length: 32 }, (_, index) => ({
    name: `x-wide-${index}`,
    value: 'w'.repeat(8_000),
  }));
  const body = { body: '', bodyBinary: false, bodyBytes: 0, truncated: false };
  for (const { title, parts } of [
    { title: 'request', parts: { request: { method: 'POST', url: 'https://a.example/', headers, ...body } } },
    { title: 'response', parts: { response: { status: 200, headers, ...body } } },
    { title: 'set of variables', parts: { assigned: { wide: 'w'.repeat(256_000) } } },
  ])
    it(`counts a large ${title}, so that 200 of them are not one statement`, async () => {
      const outcome: Outcome = { ...toOutcome(claimedOf('pre_call'), runOf()), ...parts };
      const { bytes } = await recordWith(outcome, () => Promise.resolve('recorded'));
      expect(bytes).to.be.above(256_000);
    });
});
