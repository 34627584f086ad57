import { expect } from 'chai';
import { createStartWaiters } from '../../../src/engine/start-waiters.ts';
import { DatabaseError } from '../../../src/errors.ts';

/** Makes start waiters whose database says that these starts are finished. */
function startWaitersWith(
  finished: readonly string[] = [],
  failures = 0,
  isRunningHere: (conversationUuid: string) => boolean = () => false,
) {
  const asked: (readonly string[])[] = [];
  const errors: unknown[] = [];
  const findFinishedStarts = async (conversations: readonly string[]): Promise<readonly string[]> => {
    asked.push(conversations);
    if (asked.length <= failures) throw new DatabaseError('away');
    return conversations.filter((conversation) => finished.includes(conversation));
  };
  const startWaiters = createStartWaiters({
    store: { findFinishedStarts },
    onError: (error) => errors.push(error),
    isRunningHere,
  });
  return { startWaiters, asked, errors };
}
function soon(ms: number): number {
  return performance.now() + ms;
}

describe('the start waiters', () => {
  it('wake all callers that wait for a conversation, and no others', async () => {
    const { startWaiters, asked } = startWaitersWith();
    const woken = [
      startWaiters.waitUntilFinished('a', soon(5_000)),
      startWaiters.waitUntilFinished('a', soon(5_000)),
    ];
    const other = startWaiters.waitUntilFinished('b', soon(50));
    startWaiters.notifyFinished('a');
    expect(await Promise.all(woken)).to.deep.equal([true, true]);
    expect(await other).to.equal(false);
    expect(asked).to.deep.equal([]);
    startWaiters.close();
  });

  it('ask the database once for all starts that other processes run', async () => {
    const { startWaiters, asked } = startWaitersWith(['a', 'b']);
    const all = ['a', 'b', 'c', 'a'].map((conversation) =>
      startWaiters.waitUntilFinished(conversation, soon(300)),
    );
    expect(await Promise.all(all)).to.deep.equal([true, true, false, true]);
    expect(asked[0]).to.deep.equal(['a', 'b', 'c']);
    expect(asked.slice(1).every((conversations) => conversations.join() === 'c')).to.equal(true);
    startWaiters.close();
  });

  it('stop asking when no caller waits any more', async () => {
    const { startWaiters, asked } = startWaitersWith(['a']);
    expect(await startWaiters.waitUntilFinished('a', soon(5_000))).to.equal(true);
    await new Promise((resolve) => setTimeout(resolve, 450));
    expect(asked).to.have.length(1);
    // They begin again with the next caller.
    expect(await startWaiters.waitUntilFinished('a', soon(5_000))).to.equal(true);
    expect(asked).to.have.length(2);
    startWaiters.close();
  });

  it('ask for at most 500 starts at once, and wake the callers of the first 500 before the last are asked for', async () => {
    const conversations = Array.from({ length: 1_200 }, (_, at) => String(at));
    const { startWaiters, asked } = startWaitersWith(conversations);
    const all = conversations.map((conversation) =>
      startWaiters.waitUntilFinished(conversation, soon(5_000)),
    );
    await all[0];
    expect(asked.length).to.be.below(3);
    expect(new Set(await Promise.all(all))).to.deep.equal(new Set([true]));
    expect(asked.map(({ length }) => length)).to.deep.equal([500, 500, 200]);
    startWaiters.close();
  });

  it('do not ask for a start while this process runs it', async () => {
    const here = new Set(['a']);
    const { startWaiters, asked } = startWaitersWith(['a', 'b'], 0, (conversation) => here.has(conversation));
    const local = startWaiters.waitUntilFinished('a', soon(5_000));
    expect(await startWaiters.waitUntilFinished('b', soon(5_000))).to.equal(true);
    expect(asked).to.deep.equal([['b']]);
    here.clear();
    expect(await local).to.equal(true);
    expect(asked).to.deep.equal([['b'], ['a']]);
    startWaiters.close();
  });

  it('wake a caller in memory when a start that this process runs is finished', async () => {
    const { startWaiters, asked } = startWaitersWith([], 0, () => true);
    const local = startWaiters.waitUntilFinished('a', soon(5_000));
    await new Promise((resolve) => setTimeout(resolve, 450));
    startWaiters.notifyFinished('a');
    expect(await local).to.equal(true);
    expect(asked).to.deep.equal([]);
    startWaiters.close();
  });

  it('report a start as finished when that was notified during a stall of the event loop, after the time was over', async () => {
    const { startWaiters } = startWaitersWith();
    const waiting = startWaiters.waitUntilFinished('a', soon(20));
    setImmediate(() => startWaiters.notifyFinished('a'));
    for (const endsAtMs = soon(60); performance.now() < endsAtMs;);
    expect(await waiting).to.equal(true);
    startWaiters.close();
  });

  it('ask again after the database was away, and report it once', async () => {
    const { startWaiters, errors } = startWaitersWith(['a'], 3);
    expect(await startWaiters.waitUntilFinished('a', soon(5_000))).to.equal(true);
    expect(errors).to.have.length(1);
    startWaiters.close();
  });

  for (const [title, wait] of [
    ['when the time is over', (startWaiters: StartWaiters) => startWaiters.waitUntilFinished('a', soon(30))],
    [
      'at once when the time is over already',
      (startWaiters: StartWaiters) => startWaiters.waitUntilFinished('a', soon(-1_000)),
    ],
    [
      'when the caller goes away',
      (startWaiters: StartWaiters) =>
        startWaiters.waitUntilFinished('a', soon(5_000), AbortSignal.timeout(30)),
    ],
    [
      'at once when the caller is gone already',
      (startWaiters: StartWaiters) => startWaiters.waitUntilFinished('a', soon(5_000), AbortSignal.abort()),
    ],
  ] as const) {
    it(`report a start as not finished ${title}`, async () => {
      const { startWaiters } = startWaitersWith();
      const before = performance.now();
      expect(await wait(startWaiters)).to.equal(false);
      expect(performance.now() - before).to.be.lessThan(1_000);
      startWaiters.close();
    });
  }

  it('report all starts as not finished when they close', async () => {
    const { startWaiters, asked } = startWaitersWith();
    const all = ['a', 'b'].map((conversation) => startWaiters.waitUntilFinished(conversation, soon(5_000)));
    startWaiters.close();
    expect(await Promise.all(all)).to.deep.equal([false, false]);
    await new Promise((resolve) => setTimeout(resolve, 250));
    expect(asked).to.deep.equal([]);
  });
});

type StartWaiters = ReturnType<typeof createStartWaiters>;
