import { expect } from 'chai';
import { CallhooksError } from '../../../../src/errors.ts';
import { createRpcLimit } from '../../../../src/grpc/limits/rpc-limit.ts';

describe('createRpcLimit', () => {
  const refused = async (work: Promise<unknown>): Promise<CallhooksError> => {
    const error: unknown = await work.catch((thrown: unknown) => thrown);
    if (error instanceof CallhooksError) return error;
    throw new Error('was not refused');
  };

  it('refuses work as LIMIT_REACHED while the maximum runs, and accepts work again after any end', async () => {
    const limit = createRpcLimit({ maxOpen: 2, maxRunning: 2, what: 'RPCs' });
    const first = Promise.withResolvers<string>();
    const second = Promise.withResolvers<string>();
    const running = [limit(() => first.promise), limit(() => second.promise)];
    let isBegun = false;
    const third = (): Promise<string> =>
      limit(async () => {
        isBegun = true;
        return 'third';
      });
    const { reason, details } = await refused(third());
    expect([reason, details.retryAfterMs]).to.deep.equal(['LIMIT_REACHED', 1_000]);
    expect(isBegun).to.equal(false);
    first.resolve('first');
    expect(await running[0]).to.equal('first');
    expect(await third()).to.equal('third');
    second.reject(new Error('broken'));
    await running[1]?.catch(() => undefined);
    expect(await Promise.all([third(), third()])).to.deep.equal(['third', 'third']);
  });

  it('accepts work again after work that throws synchronously', async () => {
    const limit = createRpcLimit({ maxOpen: 1, maxRunning: 1, what: 'RPCs' });
    const thrown: unknown = await limit(() => {
      throw new Error('broken');
    }).catch((error: unknown) => error);
    expect(thrown).to.be.an('error');
    expect(await limit(async () => 'next')).to.equal('next');
  });

  it('runs the open work in the order in which it came, and only so much at once', async () => {
    const limit = createRpcLimit({ maxOpen: 5, maxRunning: 2, what: 'RPCs' });
    const begun: number[] = [];
    const works = [1, 2, 3, 4, 5].map((name) => ({ name, ...Promise.withResolvers<number>() }));
    const open = works.map(({ name, promise }) =>
      limit(() => {
        begun.push(name);
        return promise;
      }),
    );
    expect((await refused(limit(async () => 0))).message).to.include('5 RPCs are already open');
    expect(begun).to.deep.equal([1, 2]);
    works[1]?.resolve(2);
    await open[1];
    works[0]?.reject(new Error('broken'));
    await open[0]?.catch(() => undefined);
    expect(begun).to.deep.equal([1, 2, 3, 4]);
    for (const { name, resolve } of works) resolve(name);
    expect(await Promise.all(open.slice(1))).to.deep.equal([2, 3, 4, 5]);
  });
});
