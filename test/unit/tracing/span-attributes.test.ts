import { expect } from 'chai';
import { toAttributes } from '../../../src/tracing/span-attributes.ts';

describe('toAttributes', () => {
  it('takes ids and outcomes, says whether the decision was degraded, and leaves all other fields out', () => {
    const fields = {
      decision: 'proceed',
      degraded: true,
      rejected: false,
      peer: '192.0.2.1:5',
      err: new Error('x'),
    };
    expect(toAttributes(fields)).to.deep.equal({
      'callhooks.decision': 'proceed',
      'callhooks.degraded': true,
      'callhooks.rejected': false,
    });
  });
});
