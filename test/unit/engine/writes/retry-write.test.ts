import { expect } from 'chai';
import { retryWrite, withTimeout } from '../../../../src/engine/writes/retry-write.ts';
import { DatabaseError, type DatabaseErrorKind } from '../../../../src/errors.ts';

function failing(kinds: readonly DatabaseErrorKind[]) {
  let tries = 0;
  return {
    write: async (): Promise<string> => {
      const kind = kinds[tries];
      tries += 1;
      if (kind !== undefined) throw new DatabaseError(kind);
      return 'answered';
    },
    tries: () => tries,
  };
}

function kindOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => 'answered',
    (error: unknown) => (error instanceof DatabaseError ? error.kind : error),
  );
}

describe('retryWrite', () => {
  it('repeats it while its fate is unknown, until it is answered', async () => {
    const { write, tries } = failing(['away', 'full', 'conflict', 'busy']);
    expect(await retryWrite(write)).to.equal('answered');
    expect(tries()).to.equal(5);
  });

  it('tells the write that an earlier try may have been applied, once one was lost', async () => {
    const { write } = failing(['busy', 'conflict', 'away', 'conflict']);
    const told: boolean[] = [];
    await retryWrite((isUnsure) => {
      told.push(isUnsure);
      return write();
    });
    expect(told).to.deep.equal([false, false, false, true, true]);
  });

  it('does not repeat what fails because of its row', async () => {
    const { write, tries } = failing(['row']);
    expect(await kindOf(retryWrite(write))).to.equal('row');
    expect(tries()).to.equal(1);
  });

  it('repeats an error that nobody knows a few times: it may pass by itself, or stay for ever', async () => {
    const passing = failing(['bug', 'away', 'bug']);
    expect(await retryWrite(passing.write)).to.equal('answered');
    const lasting = failing(Array.from({ length: 20 }, () => 'bug' as const));
    expect(await kindOf(retryWrite(lasting.write))).to.equal('bug');
    expect(lasting.tries()).to.equal(6);
  });

  it('gives up at its time, but tries at least once', async () => {
    const { write, tries } = failing(['away', 'away', 'away', 'away', 'away', 'away', 'away', 'away']);
    expect(await kindOf(retryWrite(write, { giveUpAtMs: performance.now() - 1 }))).to.equal('away');
    expect(tries()).to.equal(1);
  });

  it('stops when the process does', async () => {
    const abort = new AbortController();
    abort.abort();
    const { write } = failing(['away', 'away']);
    expect(await kindOf(retryWrite(write, { signal: abort.signal }))).to.equal('away');
  });
});

describe('withTimeout', () => {
  it('ends at its time as "away", whatever the write does later', async () => {
    const write = Promise.withResolvers<string>();
    const startedAtMs = performance.now();
    expect(await kindOf(withTimeout(write.promise, startedAtMs + 30))).to.equal('away');
    expect(performance.now() - startedAtMs).to.be.within(25, 1_000);
    write.reject(new Error('much later'));
  });

  it('gives what the write gives before', async () => {
    expect(await withTimeout(Promise.resolve('answered'), performance.now() + 1_000)).to.equal('answered');
    const failed = withTimeout(Promise.reject(new DatabaseError('full')), performance.now() + 1_000);
    expect(await kindOf(failed)).to.equal('full');
  });
});
