import { expect } from 'chai';
import { decideCall, decideReply } from '../../../src/domain/call-decision.ts';
import type { Execution } from '../../../src/domain/execution.ts';
import type { StartVariables } from '../../../src/domain/call.ts';

describe('decideCall', () => {
  const proceed = { decision: 'proceed', degraded: false };
  const degraded = { decision: 'proceed', degraded: true };
  const block = { decision: 'block', degraded: false };
  const rows: [Execution['state'], Execution['failurePolicy'], object | undefined][] = [
    ['succeeded', 'proceed', proceed],
    ['succeeded', 'block', proceed],
    ['failed', 'proceed', degraded],
    ['failed', 'block', block],
    ['interrupted', 'proceed', degraded],
    ['interrupted', 'block', block],
    ['no_webhook', null, proceed],
    ['sending', 'block', undefined],
    ['accepted', 'proceed', undefined],
    ['succeeded', null, undefined],
    ['failed', null, undefined],
  ];
  for (const [state, failurePolicy, expected] of rows) {
    it(`returns ${JSON.stringify(expected)} for ${state} under ${failurePolicy}`, () => {
      expect(decideCall({ state, failurePolicy })).to.deep.equal(expected);
    });
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
      variables: start.variables,
      sources: start.sources,
    });
  });

  it('puts assigned variables over those before the webhook ran', () => {
    const reply = decideReply(
      { state: 'succeeded', failurePolicy: 'block' },
      {
        ...start,
        assigned: { plan: 'pro', tier: 1 },
        assignedSources: { plan: 'assignment', tier: 'assignment_default' },
      },
    );
    expect(reply).to.deep.equal({
      decision: 'proceed',
      degraded: false,
      variables: { plan: 'pro', city: null, tier: 1 },
      sources: { plan: 'assignment', city: 'request', tier: 'assignment_default' },
    });
  });

  it('follows the recorded failure policy after a failure', () => {
    const failed = { ...start, assigned: {}, assignedSources: {} };
    expect(decideReply({ state: 'failed', failurePolicy: 'block' }, failed)).to.deep.include({
      decision: 'block',
    });
    expect(decideReply({ state: 'interrupted', failurePolicy: 'proceed' }, start)).to.deep.include({
      degraded: true,
    });
  });

  it('throws while the pre-call is being sent', () => {
    expect(() => decideReply({ state: 'sending', failurePolicy: 'proceed' }, start)).to.throw('no reply yet');
  });
});
