import { expect } from 'chai';
import { createIds } from '../../src/ids.ts';

const V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

describe('createIds', () => {
  it('returns UUIDs of version 7 that begin with the time', () => {
    const uuid = createIds(() => 0x0192_3456_789a).uuid();
    expect(uuid).to.match(V7);
    expect(uuid.startsWith('01923456-789a-7')).to.equal(true);
  });

  it('returns ascending UUIDs within a millisecond, after a counter overflow and after the clock stepped back', () => {
    let nowMs = 1_000_000;
    const ids = createIds(() => nowMs);
    const made = Array.from({ length: 10_000 }, (_, index) => {
      if (index === 9_000) nowMs -= 500;
      return ids.uuid();
    });
    expect(made).to.deep.equal([...new Set(made)].toSorted());
    expect(made.every((uuid) => V7.test(uuid))).to.equal(true);
  });

  it('returns different span ids of 16 hex digits, also between UUIDs', () => {
    const ids = createIds();
    const made = Array.from({ length: 10_000 }, () => [
      ids.spanId(),
      ids.uuid().slice(-17).replace('-', ''),
    ]).flat();
    expect(made.every((id) => /^[0-9a-f]{16}$/.test(id))).to.equal(true);
    expect(new Set(made).size).to.equal(made.length);
  });

  it('returns different etags of 16 characters', () => {
    const etags = new Set(Array.from({ length: 1_000 }, createIds().etag));
    expect(etags.size).to.equal(1_000);
    expect([...etags].every((etag) => /^[\w-]{16}$/.test(etag))).to.equal(true);
  });
});
