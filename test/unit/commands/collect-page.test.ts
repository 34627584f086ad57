import { expect } from 'chai';
import { fillPage } from '../../../src/commands/collect-page.ts';
import type { Page } from '../../../src/store/agent-store.ts';

interface Row {
  readonly id: number;
  readonly text: string;
}

/** A list of rows as a store gives it, which remembers how much was asked of it. */
function listOf(sizes: readonly number[]) {
  const rows: Row[] = sizes.map((size, index) => ({ id: index + 1, text: 'x'.repeat(size) }));
  const limits: number[] = [];
  const read = async (limit: number, after: number | undefined): Promise<Page<Row, number>> => {
    limits.push(limit);
    const items = rows.filter((row) => row.id > (after ?? 0)).slice(0, limit);
    const last = items.at(-1)?.id ?? 0;
    return last < rows.length && items.length > 0 ? { items, next: last } : { items };
  };
  return { limits, source: { read, keyOf: (row: Row) => row.id, chunkSize: 10 } };
}

const idsOf = (page: Page<Row, number>) => page.items.map((row) => row.id);
const KIB = 1024;

describe('fillPage', () => {
  it('reads chunk by chunk until the page is full', async () => {
    const { source, limits } = listOf(Array.from({ length: 40 }, () => 1));
    const page = await fillPage(source, 25, undefined);
    expect(idsOf(page)).to.have.length(25);
    expect(page.next).to.equal(25);
    expect(limits).to.deep.equal([10, 10, 5]);
  });

  it('has no next key at the end of the list, also when the page is just full', async () => {
    const page = await fillPage(listOf([1, 1, 1]).source, 3, undefined);
    expect(page).to.have.property('items').with.length(3);
    expect(page).not.to.have.property('next');
  });

  it('goes on after the key of the page before', async () => {
    const page = await fillPage(listOf([1, 1, 1, 1]).source, 2, 1);
    expect(idsOf(page)).to.deep.equal([2, 3]);
    expect(page.next).to.equal(3);
  });

  it('ends before the item that would pass 1 MiB, and the next page begins with it', async () => {
    const { source } = listOf([500 * KIB, 500 * KIB, 500 * KIB]);
    const page = await fillPage(source, 50, undefined);
    expect(idsOf(page)).to.deep.equal([1, 2]);
    expect(page.next).to.equal(2);
    expect(idsOf(await fillPage(source, 50, page.next))).to.deep.equal([3]);
  });

  it('gives an item that is larger than a page a page of its own', async () => {
    const { source } = listOf([10, 2048 * KIB, 10]);
    const pages = [];
    let after: number | undefined;
    do {
      const page: Page<Row, number> = await fillPage(source, 50, after);
      pages.push(idsOf(page));
      after = page.next;
    } while (after !== undefined);
    expect(pages).to.deep.equal([[1], [2], [3]]);
  });

  it('hands on a page that the store cut short, even an empty one', async () => {
    const read = async () => ({ items: [], next: 7 });
    const page = await fillPage({ read, keyOf: () => 0, chunkSize: 10 }, 50, undefined);
    expect(page).to.deep.equal({ items: [], next: 7 });
  });
});
