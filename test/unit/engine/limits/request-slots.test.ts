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
});
