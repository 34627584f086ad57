import { setTimeout as wait } from 'node:timers/promises';
import { expect } from 'chai';
import type { LockedRowFilter } from '../../../../src/engine/writes/batch-writer.ts';
import { DatabaseError } from '../../../../src/errors.ts';
import type { WriteBatch, WriteResults } from '../../../../src/store/write-batch.ts';
import { until } from '../../../support/until.ts';
import { answersTo, createDatabase, endings, turns, writerOf } from './writer-support.ts';

describe('the writer', () => {
  it('writes items of one turn in one transaction, and later ones in the next', async () => {
    const { commits, write } = createDatabase();
    const { submit } = writerOf(write);
    const first = [submit(1), submit(2)];
    await turns();
    const others = [submit(3), submit(4)];
    await turns();
    expect(commits.map(({ values }) => values)).to.deep.equal([[1, 2]]);
    commits[0]?.end();
    expect(await Promise.all(first)).to.deep.equal([1, 2]);
    await turns();
    expect(commits.map(({ values }) => values)).to.deep.equal([
      [1, 2],
      [3, 4],
    ]);
    commits[1]?.end();
    expect(await Promise.all(others)).to.deep.equal([3, 4]);
  });

  it('writes outcomes first, then starts, accepts and claims', async () => {
    const { commits, write } = createDatabase();
    const { submit } = writerOf(write);
    for (const kind of ['claims', 'postCalls', 'starts', 'outcomes'] as const) void submit(kind, { kind });
    void submit('large outcome', { kind: 'outcomes', bytes: 1024 * 1024 });
    await turns();
    commits[0]?.end();
    await turns();
    expect(commits.map(({ values }) => values)).to.deep.equal([['outcomes'], ['large outcome']]);
    commits[1]?.end();
    await turns();
    expect(commits[2]?.values).to.deep.equal(['starts', 'postCalls', 'claims']);
    commits[2]?.end();
  });

  it('puts at most 200 items into a batch', async () => {
    const { commits, write } = createDatabase();
    const { submit } = writerOf(write);
    const all = Array.from({ length: 250 }, (_, at) => submit(at));
    await turns();
    commits[0]?.end();
    await until('the rest', () => commits.length === 2);
    commits[1]?.end();
    await Promise.all(all);
    expect(commits.map(({ values }) => values.length)).to.deep.equal([200, 50]);
  });

  it('rejects only the bad row when a batch contains one', async () => {
    const write = async (batch: WriteBatch): Promise<WriteResults> => {
      if (Object.values(batch).flat().includes(5)) throw new DatabaseError('row');
      return answersTo(batch);
    };
    const { submit } = writerOf(write);
    const all = Array.from({ length: 10 }, (_, at) => submit(at));
    expect(await endings(all)).to.deep.equal([0, 1, 2, 3, 4, 'row', 6, 7, 8, 9]);
  });

  it('rejects the whole batch after one try when the connection is lost', async () => {
    let writes = 0;
    const { submit } = writerOf(() => {
      writes += 1;
      return Promise.reject(new DatabaseError('away'));
    });
    expect(await endings([submit(0), submit(1)])).to.deep.equal(['away', 'away']);
    expect(writes).to.equal(1);
  });

  it('repeats the whole batch after a conflict and while the database is busy', async () => {
    const failures = [
      new DatabaseError('conflict'),
      new DatabaseError('busy'),
      new DatabaseError('conflict'),
    ];
    const sizes: number[] = [];
    const { submit } = writerOf((batch) => {
      sizes.push(batch.starts.length);
      const failure = failures.shift();
      return failure ? Promise.reject(failure) : Promise.resolve(answersTo(batch));
    });
    expect(await endings([submit(0), submit(1)])).to.deep.equal([0, 1]);
    expect(sizes).to.deep.equal([2, 2, 2, 2]);
  });

  it('rejects items whose rows stay locked, and writes the others together', async () => {
    const written: (readonly unknown[])[] = [];
    const write = async (batch: WriteBatch): Promise<WriteResults> => {
      const values = batch.starts as readonly unknown[];
      if (values.includes(2)) throw new DatabaseError('conflict');
      written.push(values);
      return answersTo(batch);
    };
    const lockedRows: LockedRowFilter = {
      isActive: () => false,
      rejectLocked: async (items) => {
        for (const { value, reject } of items) if (value === 2) reject(new DatabaseError('conflict'));
        return items.filter(({ value }) => value !== 2);
      },
    };
    const { submit } = writerOf(write, { lockedRows });
    expect(await endings([1, 2, 3].map((value) => submit(value)))).to.deep.equal([1, 'conflict', 3]);
    expect(written).to.deep.equal([[1, 3]]);
  });

  it('begins a second transaction when the first one hangs and two are allowed', async () => {
    const { commits, write } = createDatabase();
    const { submit } = writerOf(write, { maxConcurrentBatches: 2 });
    const all = [submit(1)];
    await turns();
    all.push(submit(2));
    await turns();
    expect(commits, 'while it may still end at once').to.have.length(1);
    await until('the second one has begun', () => commits.length === 2);
    commits[1]?.end();
    commits[0]?.end();
    expect(await Promise.all(all)).to.deep.equal([1, 2]);
  });

  it('repeats an item that a node of a cluster could not decide yet', async () => {
    let tries = 0;
    const { submit } = writerOf(async () => {
      tries += 1;
      const outcomes = [tries === 1 ? 'undecided' : 'recorded'];
      return { outcomes, starts: [], postCalls: [], claims: [] } as unknown as WriteResults;
    });
    expect(await submit('outcome', { kind: 'outcomes' })).to.equal('recorded');
    expect(tries).to.equal(2);
  });

  it('returns how long the oldest item of a caller has been waiting for its turn', async () => {
    const { commits, write } = createDatabase();
    const { submit, ageMs } = writerOf(write);
    const all = [submit('in flight')];
    await turns();
    expect(ageMs(), 'while all there is is being written').to.equal(0);
    all.push(submit('report', { kind: 'claims' }));
    await wait(5);
    expect(ageMs(), 'while only a report waits').to.equal(0);
    all.push(submit('caller'));
    await until('the caller to wait for a while', () => ageMs() > 20);
    commits[0]?.end();
    await until('the next transaction', () => commits.length === 2);
    expect(ageMs()).to.equal(0);
    commits[1]?.end();
    await Promise.all(all);
  });

  it('keeps 20 places of a full batch for claims of post-calls', async () => {
    const { commits, write } = createDatabase();
    const { submit } = writerOf(write);
    const all = Array.from({ length: 300 }, (_, at) => submit(at));
    all.push(...Array.from({ length: 30 }, (_, at) => submit(`report ${at}`, { kind: 'claims' })));
    await turns();
    expect(commits[0]?.values.filter((value) => typeof value === 'string')).to.have.length(20);
    expect(commits[0]?.values).to.have.length(200);
    commits[0]?.end();
    await until('the next transaction', () => commits.length === 2);
    commits[1]?.end();
    await Promise.all(all);
  });

  it('rejects an outcome as busy when the database stays busy', async () => {
    const { submit } = writerOf(() => Promise.reject(new DatabaseError('busy')));
    expect(await endings([submit('outcome', { kind: 'outcomes' })])).to.deep.equal(['busy']);
  });
});
