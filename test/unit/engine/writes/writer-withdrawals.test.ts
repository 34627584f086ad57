import { setTimeout as wait } from 'node:timers/promises';
import { expect } from 'chai';
import { DatabaseError } from '../../../../src/errors.ts';
import type { WriteBatch, WriteResults } from '../../../../src/store/write-batch.ts';
import { until } from '../../../support/until.ts';
import { answersTo, createDatabase, endings, turns, writerOf } from './writer-support.ts';

const LOCK_WAIT_MS = 1_000;

describe('the writer, with items that wait for too long', () => {
  it('withdraws an item that waits too long for its turn, and writes nothing of it', async () => {
    const { commits, write } = createDatabase();
    const { submit } = writerOf(write);
    const first = submit('first');
    await turns();
    const late = submit('late', { withdrawAtMs: performance.now() + 5 });
    const patient = submit('patient');
    expect(await endings([late])).to.deep.equal(['LIMIT_REACHED']);
    commits[0]?.end();
    await turns();
    commits[1]?.end();
    expect(await endings([first, patient])).to.deep.equal(['first', 'patient']);
    expect(commits.map(({ values }) => values)).to.deep.equal([['first'], ['patient']]);
  });

  it('withdraws an item whose caller is gone', async () => {
    const { commits, write } = createDatabase();
    const { submit } = writerOf(write);
    const gone = submit('gone', { withdrawAtMs: performance.now() + 60_000, isCancelled: () => true });
    expect(await endings([gone])).to.deep.equal(['LIMIT_REACHED']);
    await turns();
    expect(commits).to.deep.equal([]);
  });

  it('withdraws an item that is late after a conflict', async () => {
    const { commits, write } = createDatabase();
    const { submit } = writerOf(write);
    const late = submit('late', { withdrawAtMs: performance.now() + 1 });
    const patient = submit('patient');
    await until('the batch is under way', () => commits.length === 1);
    await wait(5);
    commits[0]?.end(new DatabaseError('conflict'));
    await until('it is repeated', () => commits.length === 2);
    commits[1]?.end();
    expect(await endings([late, patient])).to.deep.equal(['LIMIT_REACHED', 'patient']);
    expect(commits[1]?.values).to.deep.equal(['patient']);
  });

  it('withdraws an item that is late after a lock wait, when no locked row is found', async () => {
    const written: (readonly unknown[])[] = [];
    const write = async (batch: WriteBatch): Promise<WriteResults> => {
      written.push(Object.values(batch).flat() as readonly unknown[]);
      if (written.length > 1) return answersTo(batch);
      await new Promise((resolve) => {
        setTimeout(resolve, LOCK_WAIT_MS);
      });
      throw new DatabaseError('conflict');
    };
    const { submit } = writerOf(write);
    const late = submit('late', { withdrawAtMs: performance.now() + LOCK_WAIT_MS / 2 });
    const outcome = submit('outcome', { kind: 'outcomes' });
    expect(await endings([late, outcome])).to.deep.equal(['LIMIT_REACHED', 'outcome']);
    expect(written).to.deep.equal([['outcome', 'late'], ['outcome']]);
  });

  it('never withdraws an item after an unknown error, because it may be committed', async () => {
    let tries = 0;
    const write = async (batch: WriteBatch): Promise<WriteResults> => {
      tries += 1;
      if (tries === 1) throw new DatabaseError('bug');
      // One item alone is written in the end; pairs meet locks.
      if (Object.values(batch).flat().length > 1) throw new DatabaseError('conflict');
      return answersTo(batch);
    };
    const { submit } = writerOf(write);
    const late = { withdrawAtMs: performance.now() + 5 };
    const items = ['a', 'b', 'c', 'd'].map((value) => submit(value, late));
    expect(await endings(items)).to.deep.equal(['a', 'b', 'c', 'd']);
  });

  it('writes no item that was given up, even if an earlier try may have been applied', async () => {
    const { commits, write } = createDatabase();
    const { submit } = writerOf(write);
    const first = submit('first');
    await turns();
    const late = submit('late', { giveUpAtMs: performance.now() - 1 });
    commits[0]?.end();
    expect(await endings([first, late])).to.deep.equal(['first', 'away']);
    await turns();
    expect(commits).to.have.length(1);
  });

  it('withdraws a late item behind one that is never withdrawn', async () => {
    const { commits, write } = createDatabase();
    const { submit } = writerOf(write);
    const all = [submit('in flight')];
    await turns();
    all.push(submit('patient'));
    const late = submit('late', { withdrawAtMs: performance.now() + 5 });
    expect(await endings([late])).to.deep.equal(['LIMIT_REACHED']);
    commits[0]?.end();
    await until('the next transaction', () => commits.length === 2);
    expect(commits[1]?.values).to.deep.equal(['patient']);
    commits[1]?.end();
    await Promise.all(all);
  });

  it('withdraws nothing after an unknown error: its transaction may be committed', async () => {
    const { commits, write } = createDatabase();
    const { submit } = writerOf(write);
    const all = [1, 2].map((value) => submit(value, { withdrawAtMs: performance.now() + 5 }));
    await turns();
    await wait(10);
    commits[0]?.end(new DatabaseError('bug'));
    for (const at of [1, 2]) {
      await until('each to be written by itself', () => commits.length > at);
      commits[at]?.end();
    }
    expect(await endings(all)).to.deep.equal([1, 2]);
  });
});
