import { expect } from 'chai';
import { countedOutcome } from '../../../src/domain/counted-outcome.ts';

describe('countedOutcome', () => {
  for (const [state, decision, outcome] of [
    ['succeeded', undefined, 'succeeded'],
    ['succeeded', 'proceed', 'succeeded'],
    ['succeeded', 'block_rejected', 'rejected'],
    ['failed', 'proceed_degraded', 'degraded'],
    ['failed', 'block', 'blocked'],
    ['failed', undefined, 'failed'],
    ['interrupted', undefined, 'interrupted'],
    ['interrupted', 'proceed_degraded', 'interrupted'],
    ['interrupted', 'block', 'interrupted'],
  ] as const)
    it(`counts an execution that has ${state}, with the decision ${decision ?? '(none)'}, as ${outcome}`, () => {
      expect(countedOutcome(state, decision)).to.equal(outcome);
    });

  it('counts a decision of a newer release by the state', () => {
    expect(countedOutcome('failed', 'unknown_17' as 'block')).to.equal('failed');
  });
});
