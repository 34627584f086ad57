import { expect } from 'chai';
import { createRequestSlots, type RequestSlot } from '../../../../src/engine/limits/request-slots.ts';

describe('request slots', () => {
  it('refuse beyond the limit of one origin and leave the others room', () => {
    const slots = createRequestSlots({ total: 3, perOrigin: 2 });
    expect([slots.take('a'), slots.take('a')].every((slot) => typeof slot === 'object')).to.equal(true);
    expect(slots.take('a')).to.equal('origin');
    expect(slots.free('a')).to.equal(0);
    expect(slots.take('b')).to.be.an('object');
    expect(slots.take('c')).to.equal('total');
  });

  it('come back once, however often they are released', () => {
    const slots = createRequestSlots({ total: 2, perOrigin: 2 });
    const slot = slots.take('a') as RequestSlot;
    slots.take('a');
    slot.release();
    slot.release();
    expect(slots.inFlight()).to.equal(1);
  });
});
