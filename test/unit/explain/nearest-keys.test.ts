import { expect } from 'chai';
import fc from 'fast-check';
import { editDistance } from '../../../src/config/nearest-name.ts';
import { createEditCounter, nearestKeys, plainKey } from '../../../src/explain/nearest-keys.ts';

describe('createEditCounter', () => {
  it('returns the distance that a whole table has, for all texts of up to 32 characters', () => {
    const few = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 32 });
    const any = fc.string({ unit: 'binary' }).map((text) => text.slice(0, 32));
    fc.assert(
      fc.property(fc.oneof(few, any), fc.oneof(few, any), (wanted, text) => {
        expect(createEditCounter(wanted)(text)).to.equal(editDistance(wanted, text));
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('nearestKeys', () => {
  const nearest = (keys: string[], wanted: string, count = 8) =>
    nearestKeys(keys, keys.map(plainKey), wanted, count);

  it('returns the nearest key first, whatever its case and its `_` and `-`', () => {
    expect(nearest(['plan', 'phone', 'Full-Name'], 'full_name')).to.deep.equal([
      'Full-Name',
      'plan',
      'phone',
    ]);
  });

  it('returns keys that contain the wanted one before others, the shortest first', () => {
    expect(nearest(['tags', 'id', 'first_name', 'plan', 'full_name', 'nam'], 'name', 4)).to.deep.equal([
      'nam',
      'full_name',
      'first_name',
      'tags',
    ]);
    expect(nearest(['names', 'name', 'game'], 'name')).to.deep.equal(['name', 'names', 'game']);
  });

  it('returns keys that the wanted one contains before others', () => {
    expect(nearest(['customer_of_day', 'name'], 'customer_name', 1)).to.deep.equal(['name']);
  });

  it('keeps the order of keys that are equally near', () => {
    expect(nearest(['b1', 'b2', 'b3'], 'b', 2)).to.deep.equal(['b1', 'b2']);
  });
});
