import { expect } from 'chai';
import { createRequestSlots, type RequestSlot } from '../../../../src/engine/limits/request-slots.ts';

describe('request slots', () => {
  it('refuse beyond the limit of one origin, and beyond that of all', () => {
    const slots = createRequestSlots({ total: 3, perOrigin: 2 });
    expect([slots.take('a'), slots.take('a')].every((slot) => typeof slot === 'object')).to.equal(true);
    expect(slots.take('a')).to.equal('origin');
    expect(slots.free('a')).to.equal(0);
    expect(slots.take('b')).to.be.an('object');
    expect(slots.take('c')).to.equal('total');
  });

  it('are given back once when they are released twice', () => {
    const slots = createRequestSlots({ total: 2, perOrigin: 2 });
    const slot = slots.take('a') as RequestSlot;
    slots.take('a');
    slot.release();
    slot.release();
    expect(slots.inFlight()).to.equal(1);
  });

  it('move to another origin, which leaves room at the first one', () => {
    const slots = createRequestSlots({ total: 4, perOrigin: 1 });
    const slot = slots.take('a') as RequestSlot;
    expect(slot.moveTo('b')).to.equal(true);
    expect([slots.free('a'), slots.free('b'), slots.inFlight()]).to.deep.equal([1, 0, 1]);
    slot.release();
    expect([slots.free('b'), slots.inFlight()]).to.deep.equal([1, 0]);
  });

  it('stay where they are when the other origin is full', () => {
    const slots = createRequestSlots({ total: 4, perOrigin: 1 });
    const [slot, other] = [slots.take('a'), slots.take('b')] as [RequestSlot, RequestSlot];
    expect(slot.moveTo('b')).to.equal(false);
    expect([slots.free('a'), slots.free('b')]).to.deep.equal([0, 0]);
    other.release();
    expect(slot.moveTo('b')).to.equal(true);
  });

  it('do not move when they were given back', () => {
    const slots = createRequestSlots({ total: 4, perOrigin: 1 });
    const slot = slots.take('a') as RequestSlot;
    slot.release();
    expect([slot.moveTo('b'), slots.free('b'), slots.inFlight()]).to.deep.equal([false, 1, 0]);
  });
});
