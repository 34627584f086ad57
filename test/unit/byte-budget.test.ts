import { expect } from 'chai';
import { createByteBudget } from '../../src/engine/limits/byte-budget.ts';

describe('the byte budget', () => {
  it('bounds what all calls hold together', () => {
    const budget = createByteBudget(100);
    const first = budget.hold(60);
    expect(budget.hold(50)).to.equal(undefined);
    expect(first?.reserve(50)).to.equal(false);
    expect(first?.reserve(40)).to.equal(true);
    expect(budget.heldBytes()).to.equal(100);
    first?.become(130);
    expect(budget.heldBytes()).to.equal(130);
    const second = first?.retain();
    first?.release();
    second?.become(10);
    expect(budget.heldBytes()).to.equal(10);
    second?.release();
    expect(budget.heldBytes()).to.equal(0);
    expect(budget.hold(41, 60)).to.equal(undefined);
    expect(budget.hold(40, 60)).to.be.an('object');
  });
});
