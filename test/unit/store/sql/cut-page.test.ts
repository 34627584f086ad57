import { expect } from 'chai';
import { cutPage } from '../../../../src/store/sql/cut-page.ts';

const KIB = 1024;

describe('cutPage', () => {
  const rows: [title: string, sizes: number[], pageSize: number, items: number, isCut: boolean][] = [
    ['all rows when they fit', [1, 1], 3, 2, false],
    ['all rows when they just fill the page', [1, 1, 1], 3, 3, false],
    ['no row of an empty list', [], 3, 0, false],
    ['as many rows as the page may hold, and says that there are more', [1, 1, 1, 1], 3, 3, true],
    ['rows of 1 MiB together', [512 * KIB, 512 * KIB], 3, 2, false],
    ['the rows before the one that would pass 1 MiB', [500 * KIB, 500 * KIB, 500 * KIB], 3, 2, true],
    ['a row that is larger than a page, alone', [2048 * KIB, 10], 3, 1, true],
    ['the rows before one that is larger than a page', [10, 2048 * KIB], 3, 1, true],
  ];
  for (const [title, sizes, pageSize, items, isCut] of rows) {
    it(`returns ${title}`, () => {
      expect(cutPage(sizes, pageSize, (size) => size)).to.deep.equal({ items: sizes.slice(0, items), isCut });
    });
  }
});
