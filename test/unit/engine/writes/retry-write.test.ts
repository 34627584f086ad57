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
  it('repeats a write that failed as away, full, conflict or busy until it succeeds', async () => {
    const { write, tries } = failing(['away', 'full', 'conflict', 'busy']);
    expect(await retryWrite(write)).to.equal('answered');
    expect(tries()).to.equal(5);
  });

  it('passes on that an earlier try may have been applied, from the first lost one on', async () => {
    const { write } = failing(['busy', 'conflict', 'away', 'conflict']);
    const flags: boolean[] = [];
    await retryWrite((mayBeWritten) => {
      flags.push(mayBeWritten);
      return write();
    });
    expect(flags).to.deep.equal([false, false, false, true, true]);
  });

  it('rejects at once when the row is bad', async () => {
    const { write, tries } = failing(['row']);
    expect(await kindOf(retryWrite(write))).to.equal('row');
    expect(tries()).to.equal(1);
  });

  it('tries six times when the error is unknown', async () => {
    const passing = failing(['bug', 'away', 'bug']);
    expect(await retryWrite(passing.write)).to.equal('answered');
    const lasting = failing(Array.from({ length: 20 }, () => 'bug' as const));
    expect(await kindOf(retryWrite(lasting.write))).to.equal('bug');
    expect(lasting.tries()).to.equal(6);
  });

  it('tries once when the time is over already', async () => {
    const { write, tries } = failing(['away', 'away', 'away', 'away', 'away', 'away', 'away', 'away']);
    expect(await kindOf(retryWrite(write, { giveUpAtMs: performance.now() - 1 }))).to.equal('away');
    expect(tries()).to.equal(1);
  });

  it('rejects after the first failure when the signal is aborted', async () => {
    const abort = new AbortController();
    abort.abort();
    const { write } = failing(['away', 'away']);
    expect(await kindOf(retryWrite(write, { signal: abort.signal }))).to.equal('away');
  });
});

describe('withTimeout', () => {
  it('rejects as away when the write takes too long', async () => {
    const write = Promise.withResolvers<string>();
    const startedAtMs = performance.now();
    expect(await kindOf(withTimeout(write.promise, startedAtMs + 30))).to.equal('away');
    expect(performance.now() - startedAtMs).to.be.within(25, 1_000);
    write.reject(new Error('much later'));
  });

  it('returns the result or the error of a write that is in time', async () => {
    expect(await withTimeout(Promise.resolve('answered'), performance.now() + 1_000)).to.equal('answered');
    const failed = withTimeout(Promise.reject(new DatabaseError('full')), performance.now() + 1_000);
    expect(await kindOf(failed)).to.equal('full');
  });
});
