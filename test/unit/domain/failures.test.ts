import { expect } from 'chai';
import { FAILURE_CODES, FAILURES, failureOf, observedFailure } from '../../../src/domain/failures.ts';
import { FailureCode } from '../../../src/gen/index.callhooks.v1.ts';

describe('FAILURES', () => {
  it('has the codes of the proto enum, in its order', () => {
    const names = Object.keys(FailureCode).filter((name) => !/^\d|_UNSPECIFIED$|^UNRECOGNIZED$/.test(name));
    expect(FAILURE_CODES.map((code) => `FAILURE_CODE_${code}`)).to.deep.equal(names);
  });
});

describe('failureOf', () => {
  it('returns the message and the sent of the table when no message is given', () => {
    expect(failureOf('EXPIRED')).to.deep.equal({
      code: 'EXPIRED',
      message: 'the request could not begin within CALLHOOKS_START_BY',
      sent: 'no',
    });
  });

  it('returns the message that is given', () => {
    expect(failureOf('HTTP_STATUS', 'HTTP 503')).to.deep.equal({
      code: 'HTTP_STATUS',
      message: 'HTTP 503',
      sent: 'yes',
    });
  });
});

describe('observedFailure', () => {
  it('returns the sent that is given, with the message of the table or another one', () => {
    const { message } = FAILURES.INTERRUPTED;
    expect(observedFailure('INTERRUPTED', 'maybe')).to.deep.equal({
      code: 'INTERRUPTED',
      message,
      sent: 'maybe',
    });
    expect(observedFailure('INTERRUPTED', 'no', 'abandoned')).to.deep.equal({
      code: 'INTERRUPTED',
      message: 'abandoned',
      sent: 'no',
    });
  });
});
