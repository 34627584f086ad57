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
    const limit = createRpcLimit(2, 'RPCs');
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
    const limit = createRpcLimit(1, 'RPCs');
    const thrown: unknown = await limit(() => {
      throw new Error('broken');
    }).catch((error: unknown) => error);
    expect(thrown).to.be.an('error');
    expect(await limit(async () => 'next')).to.equal('next');
  });
});
