import { expect } from 'chai';
import { decideCall, decideReply, partsOfDecision } from '../../../src/domain/call-decision.ts';
import type { FailurePolicy } from '../../../src/domain/agent.ts';
import type { StartVariables, StoredDecision } from '../../../src/domain/call.ts';
import { failureOf } from '../../../src/domain/failures.ts';

describe('decideCall', () => {
  const failed = { failure: failureOf('HTTP_STATUS') };
  const rejected = { rejection: { reason: 'spam' } };
  const rows: [string, FailurePolicy | null, Parameters<typeof decideCall>[1], StoredDecision | undefined][] =
    [
      ['a success under proceed', 'proceed', {}, 'proceed'],
      ['a success under block', 'block', {}, 'proceed'],
      ['a failure under proceed', 'proceed', failed, 'proceed_degraded'],
      ['a failure under block', 'block', failed, 'block'],
      ['a rejection under proceed', 'proceed', rejected, 'block_rejected'],
      ['a rejection under block', 'block', rejected, 'block_rejected'],
      ['a post-call that succeeded', null, {}, undefined],
      ['a post-call that failed', null, failed, undefined],
    ];
  for (const [title, failurePolicy, run, expected] of rows) {
    it(`returns ${expected} for ${title}`, () => expect(decideCall(failurePolicy, run)).to.equal(expected));
  }
});

describe('partsOfDecision', () => {
  const rows: [StoredDecision | undefined, object][] = [
    ['proceed', { decision: 'proceed', degraded: false, rejected: false }],
    ['proceed_degraded', { decision: 'proceed', degraded: true, rejected: false }],
    ['block', { decision: 'block', degraded: false, rejected: false }],
    ['block_rejected', { decision: 'block', degraded: false, rejected: true }],
    [undefined, { decision: undefined, degraded: false, rejected: false }],
    ['unknown_17' as StoredDecision, { decision: undefined, degraded: false, rejected: false }],
  ];
  for (const [stored, parts] of rows) {
    it(`returns ${JSON.stringify(parts)} for ${stored}`, () =>
      expect(partsOfDecision(stored)).to.deep.equal(parts));
  }
});

describe('decideReply', () => {
  const start: StartVariables = {
    callerPhone: '+1',
    variables: { plan: 'free', city: null },
    sources: { plan: 'default', city: 'request' },
  };

  it('returns the variables as they were when no webhook ran', () => {
    expect(decideReply(undefined, start)).to.deep.equal({
      decision: 'proceed',
      degraded: false,
      rejected: false,
      rejectReason: '',
      variables: start.variables,
      sources: start.sources,
    });
  });

  it('puts assigned variables over those before the webhook ran', () => {
    const reply = decideReply(
      { state: 'succeeded', decision: 'proceed' },
      {
        ...start,
        assigned: { plan: 'pro', tier: 1 },
        assignedSources: { plan: 'assignment', tier: 'assignment_default' },
      },
    );
    expect(reply).to.deep.equal({
      decision: 'proceed',
      degraded: false,
      rejected: false,
      rejectReason: '',
      variables: { plan: 'pro', city: null, tier: 1 },
      sources: { plan: 'assignment', city: 'request', tier: 'assignment_default' },
    });
  });

  it('returns the recorded decision after a failure', () => {
    const failed = { ...start, assigned: {}, assignedSources: {} };
    expect(decideReply({ state: 'failed', decision: 'block' }, failed)).to.deep.include({
      decision: 'block',
      degraded: false,
    });
    expect(decideReply({ state: 'interrupted', decision: 'proceed_degraded' }, start)).to.deep.include({
      decision: 'proceed',
      degraded: true,
    });
  });

  it('returns the recorded reason after a rejection, and the variables as they were before', () => {
    const rejected = { ...start, assigned: {}, assignedSources: {} };
    const execution = { state: 'succeeded', decision: 'block_rejected', rejectReason: 'spam' } as const;
    expect(decideReply(execution, rejected)).to.deep.equal({
      ...{ decision: 'block', degraded: false, rejected: true, rejectReason: 'spam' },
      ...{ variables: start.variables, sources: start.sources },
    });
  });

  it('throws while the pre-call is being sent', () => {
    expect(() => decideReply({ state: 'sending' }, start)).to.throw('no reply yet');
  });
});
