import { expect } from 'chai';
import { ConfigError } from '../../../src/errors.ts';
import { checkKeys } from '../../../src/secrets/check-keys.ts';
import { memorySealedStore } from '../../support/memory-sealed-store.ts';

const key = (id: string, fill: number) => ({ id, bytes: Buffer.alloc(32, fill) });

const refusal = async (promise: Promise<void>): Promise<readonly string[]> => {
  const error: unknown = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error instanceof ConfigError) return error.problems;
  throw new Error('was not refused', { cause: error });
};

describe('checkKeys', () => {
  it('stores a check value for each key, and accepts the same keys again', async () => {
    const sealed = memorySealedStore();
    await checkKeys([key('a', 1), key('b', 2)], sealed);
    expect([...sealed.checks.keys()]).to.deep.equal(['a', 'b']);
    await checkKeys([key('b', 2), key('a', 1)], sealed);
  });

  it('refuses a different key under a known id', async () => {
    const sealed = memorySealedStore();
    await checkKeys([key('a', 1)], sealed);
    expect(await refusal(checkKeys([key('a', 9)], sealed))).to.have.length(1);
  });

  it('refuses the second of two replicas that have different keys under one id', async () => {
    const sealed = memorySealedStore();
    const results = await Promise.allSettled([
      checkKeys([key('a', 1)], sealed),
      checkKeys([key('a', 2)], sealed),
    ]);
    expect(results.map((result) => result.status).toSorted()).to.deep.equal(['fulfilled', 'rejected']);
  });

  it('names every missing and every wrong key', async () => {
    const sealed = memorySealedStore([
      ['gone', 3],
      ['lost', 1],
      ['unused', 0],
    ]);
    await checkKeys([key('a', 1)], memorySealedStore());
    await checkKeys([key('gone', 1), key('lost', 2), key('a', 1)], sealed);
    const problems = await refusal(checkKeys([key('a', 9)], sealed));
    expect(problems).to.have.length(3);
    expect(problems[0]).to.equal('the key gone is missing, and 3 stored values are encrypted with it');
    expect(problems[2]).to.match(/^the key a is not the one/);
  });

  it('accepts the removal of a key that encrypts no values', async () => {
    const sealed = memorySealedStore([['old', 0]]);
    await checkKeys([key('new', 1), key('old', 2)], sealed);
    await checkKeys([key('new', 1)], sealed);
  });
});
