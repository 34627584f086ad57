import { setImmediate as nextPass } from 'node:timers/promises';
import { expect } from 'chai';
import { createOwnTurns } from '../../../../src/grpc/limits/own-turns.ts';

describe('createOwnTurns', () => {
  it('resolves for one caller in each pass of the event loop, in their order', async () => {
    const ownTurn = createOwnTurns();
    const done: string[] = [];
    const turns = ['a', 'b', 'c'].map((name) => ownTurn().then(() => done.push(name)));
    const passes: number[] = [];
    while (done.length < turns.length) {
      await nextPass();
      passes.push(done.length);
    }
    expect(done).to.deep.equal(['a', 'b', 'c']);
    for (const [i, count] of passes.entries()) expect(count - (passes[i - 1] ?? 0)).to.be.at.most(1);
  });
});
