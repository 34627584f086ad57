import { expect } from 'chai';
import { createWaiters } from '../../src/engine/start-waiters.ts';

/** Waiters whose database says that these starts have ended, and is asked for nobody else's. */
const waitersWith = (ended: readonly string[] = [], failures = 0) => {
  const asked: (readonly string[])[] = [];
  const errors: unknown[] = [];
  const findEndedStarts = async (conversations: readonly string[]): Promise<readonly string[]> => {
    asked.push(conversations);
    if (asked.length <= failures) throw new Error('away');
    return conversations.filter((conversation) => ended.includes(conversation));
  };
  const waiters = createWaiters({ findEndedStarts }, (error) => errors.push(error));
  return { waiters, asked, errors };
};
const soon = (ms: number): number => performance.now() + ms;

describe('the waiters', () => {
  it('wake everybody who waits for a conversation, and nobody else', async () => {
    const { waiters, asked } = waitersWith();
    const woken = [waiters.waitForEnd('a', soon(5_000)), waiters.waitForEnd('a', soon(5_000))];
    const other = waiters.waitForEnd('b', soon(50));
    waiters.noteEnded('a');
    expect(await Promise.all(woken)).to.deep.equal([true, true]);
    expect(await other).to.equal(false);
    expect(asked).to.deep.equal([]);
    waiters.close();
  });

  it('ask the database once for all of them about what other processes run', async () => {
    const { waiters, asked } = waitersWith(['a', 'b']);
    const all = ['a', 'b', 'c', 'a'].map((conversation) => waiters.waitForEnd(conversation, soon(300)));
    expect(await Promise.all(all)).to.deep.equal([true, true, false, true]);
    expect(asked[0]).to.deep.equal(['a', 'b', 'c']);
    expect(asked.slice(1).every((conversations) => conversations.join() === 'c')).to.equal(true);
    waiters.close();
  });

  it('stop asking when nobody waits any more', async () => {
    const { waiters, asked } = waitersWith(['a']);
    expect(await waiters.waitForEnd('a', soon(5_000))).to.equal(true);
    await new Promise((resolve) => setTimeout(resolve, 450));
    expect(asked).to.have.length(1);
    // And begin again with the next one.
    expect(await waiters.waitForEnd('a', soon(5_000))).to.equal(true);
    expect(asked).to.have.length(2);
    waiters.close();
  });

  it('ask again after the database was away, and tell of it', async () => {
    const { waiters, errors } = waitersWith(['a'], 1);
    expect(await waiters.waitForEnd('a', soon(5_000))).to.equal(true);
    expect(errors).to.have.length(1);
    waiters.close();
  });

  for (const [title, wait] of [
    ['at its time', (waiters: Waiters) => waiters.waitForEnd('a', soon(30))],
    ['at once when its time is over already', (waiters: Waiters) => waiters.waitForEnd('a', soon(-1_000))],
    [
      'when its caller goes away',
      (waiters: Waiters) => waiters.waitForEnd('a', soon(5_000), AbortSignal.timeout(30)),
    ],
    [
      'at once when its caller is gone already',
      (waiters: Waiters) => waiters.waitForEnd('a', soon(5_000), AbortSignal.abort()),
    ],
  ] as const) {
    it(`let one go ${title}`, async () => {
      const { waiters } = waitersWith();
      const before = performance.now();
      expect(await wait(waiters)).to.equal(false);
      expect(performance.now() - before).to.be.lessThan(1_000);
      waiters.close();
    });
  }

  it('let everybody go when they close', async () => {
    const { waiters, asked } = waitersWith();
    const all = ['a', 'b'].map((conversation) => waiters.waitForEnd(conversation, soon(5_000)));
    waiters.close();
    expect(await Promise.all(all)).to.deep.equal([false, false]);
    await new Promise((resolve) => setTimeout(resolve, 250));
    expect(asked).to.deep.equal([]);
  });
});

type Waiters = ReturnType<typeof createWaiters>;
