import { expect } from 'chai';
import { createBatcher } from '../../src/engine/writes/write-batcher.ts';
import { DatabaseError } from '../../src/errors.ts';

/** A writer whose commits end when the test says so. */
const createWriter = () => {
  const commits: { items: readonly number[]; end: (error?: DatabaseError) => void }[] = [];
  const write = (items: readonly number[]): Promise<readonly string[]> =>
    new Promise((resolve, reject) => {
      commits.push({
        items,
        end: (error) => (error ? reject(error) : resolve(items.map((item) => `done ${item}`))),
      });
    });
  return { commits, write };
};

const PLAIN = { keyOf: String, findHeld: async () => [] };

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('batches', () => {
  it('writes at once who is alone, and shares the next commit among those who came meanwhile', async () => {
    const { commits, write } = createWriter();
    const { submit } = createBatcher({ write, ...PLAIN, bytesOf: () => 1 });
    const first = submit(1);
    const others = [submit(2), submit(3)];
    expect(commits.map(({ items }) => items)).to.deep.equal([[1]]);
    commits[0]?.end();
    expect(await first).to.equal('done 1');
    await turn();
    expect(commits.map(({ items }) => items)).to.deep.equal([[1], [2, 3]]);
    commits[1]?.end();
    expect(await Promise.all(others)).to.deep.equal(['done 2', 'done 3']);
  });

  for (const { title, maxItems, maxBytes, expected } of [
    { title: 'so many items', maxItems: 2, maxBytes: 1_000, expected: [[0], [1, 2], [3]] },
    { title: 'so many bytes', maxItems: 100, maxBytes: 25, expected: [[0], [1, 2], [3]] },
    {
      title: 'an item larger than a batch, alone',
      maxItems: 100,
      maxBytes: 5,
      expected: [[0], [1], [2], [3]],
    },
  ]) {
    it(`ends a batch at ${title}`, async () => {
      const seen: (readonly number[])[] = [];
      const write = async (items: readonly number[]): Promise<readonly number[]> => {
        seen.push(items);
        await turn();
        return items;
      };
      const { submit } = createBatcher({ write, ...PLAIN, bytesOf: () => 10, maxItems, maxBytes });
      expect(await Promise.all([0, 1, 2, 3].map(submit))).to.deep.equal([0, 1, 2, 3]);
      expect(seen).to.deep.equal(expected);
    });
  }

  it('splits around a bad row, so that only its caller gets the error', async () => {
    const write = async (items: readonly number[]): Promise<readonly number[]> => {
      await turn();
      if (items.includes(5)) throw new DatabaseError('row');
      return items;
    };
    const { submit } = createBatcher({ write, ...PLAIN, bytesOf: () => 1 });
    const results = await Promise.allSettled([...Array(10).keys()].map(submit));
    expect(results.map(({ status }) => status === 'rejected')).to.deep.equal(
      [...Array(10).keys()].map((item) => item === 5),
    );
  });

  it('tells held rows apart after a conflict, and writes the others together', async () => {
    const seen: (readonly number[])[] = [];
    let isFree = false;
    const write = async (items: readonly number[]): Promise<readonly number[]> => {
      seen.push(items);
      await turn();
      if (items.includes(2) && !isFree) throw new DatabaseError('conflict');
      return items;
    };
    const asked: (readonly string[])[] = [];
    const findHeld = async (keys: readonly string[]) => {
      asked.push(keys);
      return isFree ? [] : keys.filter((key) => key === '2');
    };
    const { submit } = createBatcher({ write, bytesOf: () => 1, keyOf: String, findHeld });
    const results = await Promise.allSettled([0, 1, 2, 3].map(submit));
    expect(results.map(({ status }) => status === 'rejected')).to.deep.equal([false, false, true, false]);
    expect(seen).to.deep.equal([[0], [1, 2, 3], [1, 3]]);
    // Its caller repeats it: it gets into no batch while it is held.
    const [again] = await Promise.allSettled([submit(2)]);
    expect(again?.status === 'rejected' && (again.reason as DatabaseError).kind).to.equal('conflict');
    expect(seen).to.have.length(3);
    isFree = true;
    expect(await submit(2)).to.equal(2);
    expect(asked).to.deep.equal([['1', '2', '3'], ['2'], ['2']]);
  });

  it('splits after a conflict that nobody is found to hold', async () => {
    const write = async (items: readonly number[]): Promise<readonly number[]> => {
      await turn();
      if (items.includes(2)) throw new DatabaseError('conflict');
      return items;
    };
    const { submit } = createBatcher({ write, ...PLAIN, bytesOf: () => 1 });
    const results = await Promise.allSettled([0, 1, 2, 3].map(submit));
    expect(results.map(({ status }) => status === 'rejected')).to.deep.equal([false, false, true, false]);
  });

  it('does not split when the connection is lost: nobody knows what became of any row', async () => {
    let writes = 0;
    const write = async (): Promise<readonly number[]> => {
      await turn();
      writes += 1;
      if (writes > 1) throw new DatabaseError('away');
      return [0];
    };
    const { submit } = createBatcher({ write, ...PLAIN, bytesOf: () => 1 });
    const results = await Promise.allSettled([submit(0), submit(1), submit(2)]);
    expect(results.map(({ status }) => status)).to.deep.equal(['fulfilled', 'rejected', 'rejected']);
    expect(writes).to.equal(2);
  });

  it('keeps as many commits in flight as it has lanes', async () => {
    const { commits, write } = createWriter();
    const { submit } = createBatcher({ write, ...PLAIN, bytesOf: () => 1, lanes: 2 });
    void submit(1);
    void submit(2);
    void submit(3);
    expect(commits.map(({ items }) => items)).to.deep.equal([[1], [2]]);
    commits[1]?.end();
    await turn();
    expect(commits.map(({ items }) => items)).to.deep.equal([[1], [2], [3]]);
  });

  it('goes after what waits in another queue, but not after what comes there later', async () => {
    const urgent = createWriter();
    const patient = createWriter();
    const first = createBatcher({ write: urgent.write, ...PLAIN, bytesOf: () => 1, maxItems: 1 });
    const second = createBatcher({ write: patient.write, ...PLAIN, bytesOf: () => 1, goesAfter: [first] });
    void first.submit(1);
    void first.submit(2);
    void second.submit(10);
    void second.submit(11);
    void first.submit(3);
    await turn();
    expect(patient.commits).to.deep.equal([]);
    urgent.commits[0]?.end();
    await turn();
    expect(urgent.commits.map(({ items }) => items)).to.deep.equal([[1], [2]]);
    expect(patient.commits.map(({ items }) => items)).to.deep.equal([[10, 11]]);
  });

  it('waits for no queue that is empty', () => {
    const { commits, write } = createWriter();
    const idle = createBatcher({ write, ...PLAIN, bytesOf: () => 1 });
    const { submit } = createBatcher({ write, ...PLAIN, bytesOf: () => 1, goesAfter: [idle] });
    void submit(1);
    expect(commits.map(({ items }) => items)).to.deep.equal([[1]]);
  });
});
