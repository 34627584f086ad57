import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect } from 'chai';
import { createStreamTurns } from '../../../src/grpc/stream-turns.ts';

const AT_ONCE = 160;

describe('createStreamTurns', () => {
  it('serves 160 streams at once, and the others in later turns and in their order', async () => {
    const serveInTurn = createStreamTurns();
    const served: number[] = [];
    const all = Array.from({ length: 3 * AT_ONCE }, (_, index) => index);
    for (const index of all) serveInTurn({ closed: false }, () => served.push(index));
    expect(served).to.deep.equal(all.slice(0, AT_ONCE));
    while (served.length < all.length) await nextTurn();
    expect(served).to.deep.equal(all);
  });

  it('forgets a stream that is closed before its turn', async () => {
    const serveInTurn = createStreamTurns();
    const served: number[] = [];
    const streams = Array.from({ length: AT_ONCE + 2 }, () => ({ closed: false }));
    for (const [index, stream] of streams.entries()) serveInTurn(stream, () => served.push(index));
    Object.assign(streams[AT_ONCE] ?? {}, { closed: true });
    while (served.length < AT_ONCE + 1) await nextTurn();
    expect(served.slice(AT_ONCE - 1)).to.deep.equal([AT_ONCE - 1, AT_ONCE + 1]);
  });

  it('serves waiting streams for 20 ms of a turn', async () => {
    const serveInTurn = createStreamTurns();
    let served = 0;
    for (let count = 0; count < AT_ONCE; count++) serveInTurn({ closed: false }, () => undefined);
    for (let count = 0; count < 3; count++)
      serveInTurn({ closed: false }, () => {
        served += 1;
        const endsAtMs = performance.now() + 21;
        while (performance.now() < endsAtMs);
      });
    expect(served).to.equal(0);
    await nextTurn();
    expect(served).to.equal(1);
    await nextTurn();
    expect(served).to.equal(2);
  });
});
