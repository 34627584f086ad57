import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect } from 'chai';
import { createStreamTurns } from '../../../src/grpc/stream-turns.ts';

describe('createStreamTurns', () => {
  it('serves 100 streams at once, and the others in later turns and in their order', async () => {
    const serveInTurn = createStreamTurns();
    const served: number[] = [];
    const all = Array.from({ length: 300 }, (_, index) => index);
    for (const index of all) serveInTurn({ closed: false }, () => served.push(index));
    expect(served).to.deep.equal(all.slice(0, 100));
    while (served.length < all.length) await nextTurn();
    expect(served).to.deep.equal(all);
  });

  it('forgets a stream that is closed before its turn', async () => {
    const serveInTurn = createStreamTurns();
    const served: number[] = [];
    const streams = Array.from({ length: 102 }, () => ({ closed: false }));
    for (const [index, stream] of streams.entries()) serveInTurn(stream, () => served.push(index));
    Object.assign(streams[100] ?? {}, { closed: true });
    while (served.length < 101) await nextTurn();
    expect(served.slice(99)).to.deep.equal([99, 101]);
  });

  it('serves waiting streams for 5 ms of a turn', async () => {
    const serveInTurn = createStreamTurns();
    let served = 0;
    for (let count = 0; count < 100; count++) serveInTurn({ closed: false }, () => undefined);
    for (let count = 0; count < 3; count++)
      serveInTurn({ closed: false }, () => {
        served += 1;
        const endsAtMs = performance.now() + 6;
        while (performance.now() < endsAtMs);
      });
    expect(served).to.equal(0);
    await nextTurn();
    expect(served).to.equal(1);
    await nextTurn();
    expect(served).to.equal(2);
  });
});
