import { expect } from 'chai';
import { FAILURE_CODES, type Failure } from '../../../../src/domain/failures.ts';
import type { Execution } from '../../../../src/domain/execution.ts';
import type { WebhookRun } from '../../../../src/engine/webhook-run/webhook-run.ts';
import {
  toExecutionLine,
  toOutcome,
  withAssignedBy,
  withOutcome,
} from '../../../../src/engine/webhook-run/outcome.ts';

const failureOf = (code: Failure['code']): Failure => ({ code, message: 'why', sent: 'maybe' });
const exchangeOf = (change: Partial<WebhookRun> = {}): WebhookRun => ({
  timings: { totalMs: 12.5 },
  missingVariables: ['a'],
  missedAssignments: [],
  assigned: { x: 1 },
  assignedSources: { x: 'assignment' },
  ...change,
});
const claimedOf = (webhookType: 'pre_call' | 'post_call', agoMs = 0) => ({
  ...{ executionUuid: 'e', webhookType, claim: 'c', webhookEtag: 'w2' },
  claimedAtMs: performance.now() - agoMs,
});
const execution: Execution = {
  ...{ executionUuid: 'e', agentUuid: 'a', conversationUuid: 'v', webhookUuid: 'w', webhookEtag: 'w1' },
  ...{ webhookType: 'pre_call', state: 'sending', failurePolicy: 'block', timeLimitMs: 10 },
  ...{ missingVariables: [], missedAssignments: [], acceptedAtMs: 1_000, sendingAtMs: 1_100, instance: 'i' },
};

describe('the outcome of an execution', () => {
  it('is a success without a failure', () =>
    expect(toOutcome(claimedOf('pre_call'), exchangeOf())).to.deep.include({
      ...{ executionUuid: 'e', webhookType: 'pre_call', claim: 'c', webhookEtag: 'w2', state: 'succeeded' },
      ...{ timings: { totalMs: 12.5 }, missingVariables: ['a'], assigned: { x: 1 } },
      assignedSources: { x: 'assignment' },
    }));

  for (const code of FAILURE_CODES) {
    const state = code === 'INTERRUPTED' || code === 'SHUTDOWN' ? 'interrupted' : 'failed';
    it(`is ${state} with ${code}`, () => {
      const failure = failureOf(code);
      expect(toOutcome(claimedOf('post_call'), exchangeOf({ failure }))).to.deep.include({ state, failure });
    });
  }

  it('assigns nothing after a call', () =>
    expect(toOutcome(claimedOf('post_call'), exchangeOf())).to.not.have.any.keys(
      'assigned',
      'assignedSources',
    ));

  it('measures from the claim in whole milliseconds, never below zero', () => {
    expect(toOutcome(claimedOf('pre_call', 250), exchangeOf()).durationMs).to.be.within(250, 400);
    expect(toOutcome(claimedOf('pre_call', 250), exchangeOf()).durationMs % 1).to.equal(0);
    expect(toOutcome(claimedOf('pre_call', -5_000), exchangeOf()).durationMs).to.equal(0);
  });

  it('goes into the execution with the revision that ran and the time of its end', () => {
    const failure = failureOf('TIMEOUT');
    const outcome = { ...toOutcome(claimedOf('pre_call'), exchangeOf({ failure })), durationMs: 42 };
    expect(withOutcome(execution, outcome)).to.deep.equal({
      ...execution,
      ...{ state: 'failed', failure, webhookEtag: 'w2', timings: { totalMs: 12.5 } },
      ...{ missingVariables: ['a'], finishedAtMs: 1_142 },
    });
  });

  it('adds to a start what it assigned', () => {
    const start = { callerPhone: '+1', variables: { x: 0 }, sources: { x: 'default' as const } };
    const outcome = toOutcome(claimedOf('pre_call'), exchangeOf());
    expect(withAssignedBy(start, outcome)).to.deep.equal({
      ...start,
      ...{ assigned: { x: 1 }, assignedSources: { x: 'assignment' } },
    });
  });

  it('is one log line of names, codes and durations, without what the endpoint said', () => {
    const failure = { ...failureOf('HTTP_STATUS'), message: 'a secret' };
    const response = {
      ...{ status: 503, headers: [], body: 'a body', bodyBinary: false, bodyBytes: 6, truncated: false },
    };
    const outcome = { ...toOutcome(claimedOf('pre_call'), exchangeOf({ failure, response })), durationMs: 7 };
    expect(toExecutionLine(execution, outcome, false)).to.deep.equal({
      ...{ execution_uuid: 'e', conversation_uuid: 'v', agent_uuid: 'a', webhook_uuid: 'w' },
      ...{ webhook_type: 'pre_call', outcome: 'failed', failure_code: 'HTTP_STATUS', sent: 'maybe' },
      ...{ status: 503, duration_ms: 7, recorded: false },
    });
  });
});
