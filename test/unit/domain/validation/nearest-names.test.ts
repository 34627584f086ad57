import { expect } from 'chai';
import { createNearestNames } from '../../../../src/domain/validation/nearest-names.ts';

describe('createNearestNames', () => {
  const declared = new Set(['customer_name', 'customer_tier', 'plan', 'id', 'email_address']);
  const rows: [title: string, name: string, nearest: string[]][] = [
    ['a name with a letter too few', 'custmer_name', ['customer_name']],
    ['a name with two letters changed', 'customer_mane', ['customer_name']],
    ['a name in another case and without underscores', 'CustomerTier', ['customer_tier']],
    ['names with dashes', 'e-mail-address', ['email_address']],
    ['nothing for a name that resembles none', 'conversation', []],
    ['nothing for a short name, of which most letters would change', 'ix', []],
    ['a short name with one wrong letter of four', 'plam', ['plan']],
    ['nothing for an empty name', '', []],
  ];
  for (const [title, name, nearest] of rows) {
    it(`returns ${nearest.length === 0 ? title : `the nearest for ${title}`}`, () => {
      expect(createNearestNames(declared)(name)).to.deep.equal(nearest);
    });
  }

  it('returns three names at most, the nearest first', () => {
    const near = createNearestNames(new Set(['name_12', 'name_123', 'name_1', 'name_1234']));
    expect(near('name_12')).to.deep.equal(['name_12', 'name_123', 'name_1']);
  });

  it('returns nothing after it was asked 32 times', () => {
    const near = createNearestNames(declared);
    for (let i = 0; i < 32; i += 1) expect(near('plam')).to.deep.equal(['plan']);
    expect(near('plam')).to.deep.equal([]);
  });
});
