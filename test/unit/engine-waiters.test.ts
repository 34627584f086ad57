import { expect } from 'chai';
import { createWaiters } from '../../src/engine/start-waiters.ts';
import { DatabaseError } from '../../src/errors.ts';

/** Waiters whose database says that these starts have ended, and is asked for nobody else's. */
const waitersWith = (
  ended: readonly string[] = [],
  failures = 0,
  isRunningHere?: (conversationUuid: string) => boolean,
) => {
  const asked: (readonly string[])[] = [];
  const errors: unknown[] = [];
  const findEndedStarts = async (conversations: readonly string[]): Promise<readonly string[]> => {
    asked.push(conversations);
    if (asked.length <= failures) throw new DatabaseError('away');
    return conversations.filter((conversation) => ended.includes(conversation));
  };
  const waiters = createWaiters({
    store: { findEndedStarts },
    onError: (error) => errors.push(error),
    ...(isRunningHere === undefined ? {} : { isRunningHere }),
  });
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

  it('ask about no more than 500 at once, and wake those of the first part before the last is asked', async () => {
    const conversations = Array.from({ length: 1_200 }, (_, at) => String(at));
    const { waiters, asked } = waitersWith(conversations);
    const all = conversations.map((conversation) => waiters.waitForEnd(conversation, soon(5_000)));
    await all[0];
    expect(asked.length).to.be.below(3);
    expect(new Set(await Promise.all(all))).to.deep.equal(new Set([true]));
    expect(asked.map(({ length }) => length)).to.deep.equal([500, 500, 200]);
    waiters.close();
  });

  it('ask about no start that this process runs, and about it from when it no longer does', async () => {
    const here = new Set(['a']);
    const { waiters, asked } = waitersWith(['a', 'b'], 0, (conversation) => here.has(conversation));
    const local = waiters.waitForEnd('a', soon(5_000));
    expect(await waiters.waitForEnd('b', soon(5_000))).to.equal(true);
    expect(asked).to.deep.equal([['b']]);
    here.clear();
    expect(await local).to.equal(true);
    expect(asked).to.deep.equal([['b'], ['a']]);
    waiters.close();
  });

  it('wake by memory who waits for a start that this process runs', async () => {
    const { waiters, asked } = waitersWith([], 0, () => true);
    const local = waiters.waitForEnd('a', soon(5_000));
    await new Promise((resolve) => setTimeout(resolve, 450));
    waiters.noteEnded('a');
    expect(await local).to.equal(true);
    expect(asked).to.deep.equal([]);
    waiters.close();
  });

  it('take an end that has arrived during a stall of the event loop, although their time is over', async () => {
    const { waiters } = waitersWith();
    const waiting = waiters.waitForEnd('a', soon(20));
    setImmediate(() => waiters.noteEnded('a'));
    for (const endsAtMs = soon(60); performance.now() < endsAtMs;);
    expect(await waiting).to.equal(true);
    waiters.close();
  });

  it('ask again after the database was away, and tell of it once', async () => {
    const { waiters, errors } = waitersWith(['a'], 3);
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
