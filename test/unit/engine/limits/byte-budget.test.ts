import { expect } from 'chai';
import { createByteBudget } from '../../../../src/engine/limits/byte-budget.ts';

describe('the byte budget', () => {
  it('refuses to reserve more bytes than fit for all calls together', () => {
    const budget = createByteBudget(100);
    const first = budget.reserve(60);
    expect(budget.reserve(50)).to.equal(undefined);
    expect(first?.grow(50)).to.equal(false);
    expect(first?.grow(40)).to.equal(true);
    expect(budget.reservedBytes()).to.equal(100);
    first?.resize(130);
    expect(budget.reservedBytes()).to.equal(130);
    const second = first?.retain();
    first?.release();
    second?.resize(10);
    expect(budget.reservedBytes()).to.equal(10);
    second?.release();
    expect(budget.reservedBytes()).to.equal(0);
    expect(budget.reserve(41, 60)).to.equal(undefined);
    expect(budget.reserve(40, 60)).to.be.an('object');
  });
});
