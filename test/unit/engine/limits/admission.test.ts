import { expect } from 'chai';
import { createAdmission, type AdmissionDeps } from '../../../../src/engine/limits/admission.ts';
import { createByteBudget } from '../../../../src/engine/limits/byte-budget.ts';
import { CallhooksError } from '../../../../src/errors.ts';

function admissionWith(change: Partial<AdmissionDeps> = {}) {
  const budget = createByteBudget(100);
  const admission = createAdmission({
    ...{ maxPreCalls: 2, budget },
    tooManyPending: () => false,
    ...change,
  });
  return { admission, budget };
}
function refusalOf(admit: () => unknown): string {
  try {
    admit();
  } catch (error) {
    if (!(error instanceof CallhooksError)) throw error;
    expect(error.details.retryAfterMs).to.be.greaterThan(0);
    return error.reason;
  }
  return 'admitted';
}

describe('the admission', () => {
  const rows: readonly [title: string, change: Partial<AdmissionDeps>, start: string, postCall: string][] = [
    ['admits a start and a post-call while there is room', {}, 'admitted', 'admitted'],
    ['refuses only starts when too many are in flight', { maxPreCalls: 0 }, 'LIMIT_REACHED', 'admitted'],
    [
      'refuses only post-calls when too many are pending',
      { tooManyPending: () => true },
      'admitted',
      'LIMIT_REACHED',
    ],
    [
      'refuses both when their bytes do not fit',
      { budget: createByteBudget(9) },
      'LIMIT_REACHED',
      'LIMIT_REACHED',
    ],
  ];
  for (const [title, change, start, postCall] of rows) {
    it(title, () => {
      const { admission } = admissionWith(change);
      expect(refusalOf(() => admission.admitStart(10))).to.equal(start);
      expect(refusalOf(() => admission.admitPostCall(10))).to.equal(postCall);
    });
  }

  it('refuses both while the disk is nearly full', () => {
    const { admission } = admissionWith();
    for (const [isFull, answer] of [
      [true, 'LIMIT_REACHED'],
      [false, 'admitted'],
    ] as const) {
      admission.setDiskFull(isFull);
      expect(refusalOf(() => admission.admitStart(10))).to.equal(answer);
      expect(refusalOf(() => admission.admitPostCall(10))).to.equal(answer);
    }
  });

  it('counts a start from its admission to the last release of its bytes', () => {
    const { admission } = admissionWith();
    const [first, second] = [admission.admitStart(1), admission.admitStart(1)];
    expect(refusalOf(() => admission.admitStart(1))).to.equal('LIMIT_REACHED');
    // The run outlives its RPC until its outcome is recorded.
    first.retain();
    first.release();
    expect(refusalOf(() => admission.admitStart(1))).to.equal('LIMIT_REACHED');
    first.release();
    expect(refusalOf(() => admission.admitStart(1))).to.equal('admitted');
    expect(refusalOf(() => admission.admitStart(1))).to.equal('LIMIT_REACHED');
    second.release();
    expect(refusalOf(() => admission.admitStart(1))).to.equal('admitted');
  });

  it('takes no place for a refused start or for a post-call', () => {
    const { admission } = admissionWith();
    for (let i = 0; i < 3; i += 1)
      expect(refusalOf(() => admission.admitStart(101))).to.equal('LIMIT_REACHED');
    for (let i = 0; i < 3; i += 1) admission.admitPostCall(1);
    expect(refusalOf(() => admission.admitStart(1))).to.equal('admitted');
    expect(refusalOf(() => admission.admitStart(1))).to.equal('admitted');
  });

  it('reserves the bytes of a call until they are released, and none for a refused call', () => {
    const { admission, budget } = admissionWith();
    const reservation = admission.admitStart(60);
    expect(refusalOf(() => admission.admitPostCall(50))).to.equal('LIMIT_REACHED');
    expect(budget.reservedBytes()).to.equal(60);
    reservation.release();
    expect(refusalOf(() => admission.admitPostCall(50))).to.equal('admitted');
  });

  it('refuses every call as SHUTTING_DOWN once it is shut', () => {
    const { admission } = admissionWith({ maxPreCalls: 0, tooManyPending: () => true });
    admission.shut();
    expect(refusalOf(() => admission.admitStart(1))).to.equal('SHUTTING_DOWN');
    expect(refusalOf(() => admission.admitPostCall(1))).to.equal('SHUTTING_DOWN');
  });
});
