import { expect } from 'chai';
import { createByteBudget } from '../../src/engine/limits/byte-budget.ts';
import { createSlots, type Slot } from '../../src/engine/limits/request-slots.ts';

describe('slots', () => {
  it('refuse beyond the limit of one origin and leave the others room', () => {
    const slots = createSlots({ total: 3, perOrigin: 2 });
    expect([slots.take('a'), slots.take('a')].every((slot) => typeof slot === 'object')).to.equal(true);
    expect(slots.take('a')).to.equal('origin');
    expect(slots.free('a')).to.equal(0);
    expect(slots.take('b')).to.be.an('object');
    expect(slots.take('c')).to.equal('total');
  });

  it('come back once, however often they are released', () => {
    const slots = createSlots({ total: 2, perOrigin: 2 });
    const slot = slots.take('a') as Slot;
    slots.take('a');
    slot.release();
    slot.release();
    expect(slots.inFlight()).to.equal(1);
  });
});

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
