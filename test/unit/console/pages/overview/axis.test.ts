import { expect } from 'chai';
import fc from 'fast-check';
import { scaleFor } from '../../../../../src/console/pages/overview/axis.ts';

describe('scaleFor', () => {
  const rows: [largest: number, ticks: number[]][] = [
    [0, [1]],
    [1, [0.5, 1]],
    [3, [1, 2, 3]],
    [7, [2, 4, 6, 8]],
    [0.4, [0.1, 0.2, 0.3, 0.4]],
    [263, [100, 200, 300]],
    [5_000, [2_000, 4_000, 6_000]],
  ];
  for (const [largest, ticks] of rows) {
    it(`gives ${ticks.join(', ')} for ${largest}`, () => {
      expect(scaleFor(largest).ticks).to.deep.equal(ticks);
    });
  }

  it('has room for each value, with one to four ticks, and wastes less than half', () => {
    fc.assert(
      fc.property(fc.double({ min: 1e-6, max: 1e12, noNaN: true }), (largest) => {
        const { max, ticks } = scaleFor(largest);
        expect(max).to.be.at.least(largest * (1 - 1e-9));
        expect(max).to.be.at.most(largest * 2.5);
        expect(ticks.length).to.be.within(1, 4);
      }),
    );
  });
});
