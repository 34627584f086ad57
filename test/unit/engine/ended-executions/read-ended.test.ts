import { expect } from 'chai';
import type { Execution } from '../../../../src/domain/execution.ts';
import { createEndedReads } from '../../../../src/engine/ended-executions/read-ended.ts';
import { DatabaseError } from '../../../../src/errors.ts';
import { anEnded, createFakeStore } from './fake-store.ts';

const HOUR_MS = 3_600_000;

async function begin(limit?: number, availableForMs = HOUR_MS) {
  const fake = createFakeStore(limit);
  const health = { availableForMs };
  const reads = createEndedReads({ store: fake.store, availableForMs: () => health.availableForMs });
  await reads.begin();
  /** Lets time pass and reads once a second. Returns the uuids that were found. */
  const afterSeconds = async (seconds: number): Promise<string[]> => {
    const found: string[] = [];
    for (let second = 0; second < seconds; second += 1) {
      fake.nowMs += 1_000;
      const { executions, corrected } = await reads.round();
      found.push(...[...executions, ...corrected].map(({ executionUuid }) => executionUuid));
    }
    return found;
  };
  return { fake, reads, health, afterSeconds };
}

function uuidsOf(...executions: readonly Execution[]): string[] {
  return executions.map(({ executionUuid }) => executionUuid);
}

describe('createEndedReads', () => {
  it('finds each execution once, in the order of the ends', async () => {
    const { fake, afterSeconds } = await begin();
    const [second, first] = [anEnded(fake.nowMs + 700), anEnded(fake.nowMs + 300)];
    fake.commit(second, first);
    expect(await afterSeconds(1)).to.deep.equal(uuidsOf(first, second));
    expect(await afterSeconds(120)).to.deep.equal([]);
  });

  it('finds nothing twice of what ended right before it began', async () => {
    const { fake, afterSeconds } = await begin();
    fake.commit(anEnded(fake.nowMs - 11_000));
    const recent = anEnded(fake.nowMs - 5_000);
    fake.commit(recent);
    expect(await afterSeconds(90)).to.deep.equal(uuidsOf(recent));
  });

  for (const [lateMs, foundAfterSeconds] of [
    [1_000, 3],
    [4_000, 12],
    [30_000, 75],
  ] as const)
    it(`finds an execution that is committed ${lateMs} ms after its end within ${foundAfterSeconds} s`, async () => {
      const { fake, afterSeconds } = await begin();
      await afterSeconds(120);
      const late = anEnded(fake.nowMs);
      fake.commit(anEnded(fake.nowMs + 500));
      expect(await afterSeconds(lateMs / 1_000)).to.have.length(1);
      fake.commit(late);
      expect(await afterSeconds(foundAfterSeconds)).to.deep.equal(uuidsOf(late));
      expect(await afterSeconds(90)).to.deep.equal([]);
    });

  it('finds an execution again that ends in another state', async () => {
    const { fake, afterSeconds } = await begin();
    const interrupted = anEnded(fake.nowMs + 100, { state: 'interrupted' });
    fake.commit(interrupted);
    expect(await afterSeconds(3)).to.deep.equal(uuidsOf(interrupted));
    fake.commit({ ...interrupted, state: 'failed', finishedAtMs: fake.nowMs });
    expect(await afterSeconds(90)).to.deep.equal(uuidsOf(interrupted));
  });

  it('finds the corrected outcome of a post-call, however long before its mark the request ended', async () => {
    const { fake, afterSeconds } = await begin();
    const marked = anEnded(fake.nowMs + 100, { state: 'interrupted', webhookType: 'post_call' });
    fake.commit(marked);
    expect(await afterSeconds(300)).to.deep.equal(uuidsOf(marked));
    fake.commit({ ...marked, state: 'succeeded', finishedAtMs: fake.nowMs - HOUR_MS });
    expect(await afterSeconds(5)).to.deep.equal(uuidsOf(marked));
    expect(await afterSeconds(90)).to.deep.equal([]);
  });

  it('counts what is beyond its limit as unread, by state, and never finds it later', async () => {
    const { fake, reads, afterSeconds } = await begin(10);
    const atMs = fake.nowMs;
    for (let at = 0; at < 25; at += 1) fake.commit(anEnded(atMs + 10 * at));
    for (let at = 0; at < 4; at += 1) fake.commit(anEnded(atMs + 300 + at, { state: 'failed' }));
    fake.nowMs += 1_000;
    const { executions, unread } = await reads.round();
    expect(executions).to.have.length(10);
    expect(Object.fromEntries(unread)).to.deep.equal({ succeeded: 15, failed: 4 });
    expect(await afterSeconds(120)).to.deep.equal([]);
  });

  describe('behind a burst that ended before it began', () => {
    const beginBehindBurst = async () => {
      const { fake, reads } = await begin(10);
      const beganMs = fake.nowMs;
      for (let at = 0; at < 500; at += 1) fake.commit(anEnded(beganMs - 9_000 + 10 * at));
      /** Lets a second pass in which three executions end. Returns those that are not found at once. */
      const missedIn = async (wantedFromMs: number): Promise<string[]> => {
        const ended = [1, 2, 3].map((at) => anEnded(fake.nowMs + 100 * at));
        fake.commit(...ended);
        fake.nowMs += 1_000;
        const { executions } = await reads.round(wantedFromMs);
        const found = new Set(uuidsOf(...executions));
        return uuidsOf(...ended).filter((uuid) => !found.has(uuid));
      };
      return { fake, reads, beganMs, missedIn };
    };

    it('finds each new execution at once if nobody wants the burst', async () => {
      const { reads, beganMs, missedIn } = await beginBehindBurst();
      for (let second = 0; second < 60; second += 1) expect(await missedIn(beganMs)).to.deep.equal([]);
      expect((await reads.round(beganMs)).executions).to.deep.equal([]);
    });

    it('finds each new execution at once if somebody wants the burst, too, which then comes later', async () => {
      const { fake, reads, missedIn } = await beginBehindBurst();
      for (let second = 0; second < 60; second += 1) expect(await missedIn(0)).to.deep.equal([]);
      expect(reads.settledToMs()).to.be.at.least(fake.nowMs - 30_000);
    });
  });

  it('reads on where a failed round was', async () => {
    const { fake, reads, afterSeconds } = await begin();
    const execution = anEnded(fake.nowMs + 500);
    fake.commit(execution);
    fake.failure = new DatabaseError('away');
    fake.nowMs += 60_000;
    const error: unknown = await reads.round().then(
      () => undefined,
      (rejection: unknown) => rejection,
    );
    expect(error).to.equal(fake.failure);
    fake.failure = undefined;
    expect(await afterSeconds(1)).to.deep.equal(uuidsOf(execution));
  });

  it('settles nothing of an outage until the database has been back for 10 s, and then finds what was written late', async () => {
    const { fake, reads, health, afterSeconds } = await begin();
    await afterSeconds(30);
    const settledMs = reads.settledToMs();
    const duringOutage = anEnded(fake.nowMs + 5_000);
    fake.nowMs += 50_000;
    for (let second = 1; second < 10; second += 1) {
      health.availableForMs = second * 1_000;
      expect(await afterSeconds(1)).to.deep.equal([]);
      if (second === 4) fake.commit(duringOutage);
    }
    expect(reads.settledToMs()).to.equal(settledMs);
    health.availableForMs = 10_000;
    expect(await afterSeconds(1)).to.deep.equal(uuidsOf(duringOutage));
    expect(reads.settledToMs()).to.equal(fake.nowMs - 10_000);
  });

  it('goes on at the time of the clock when that has stepped back', async () => {
    const { fake, afterSeconds } = await begin();
    await afterSeconds(90);
    fake.nowMs -= HOUR_MS;
    await afterSeconds(1);
    const execution = anEnded(fake.nowMs + 500);
    fake.commit(execution);
    expect(await afterSeconds(1)).to.deep.equal(uuidsOf(execution));
  });

  it('reads the database once in a round without news', async () => {
    const { fake, afterSeconds } = await begin();
    fake.calls.length = 0;
    await afterSeconds(10);
    expect(fake.calls).to.deep.equal(Array(10).fill('listEndedKeys'));
  });

  it('goes on at the time of the clock also when that stepped back in an outage', async () => {
    const { fake, reads, health, afterSeconds } = await begin();
    await afterSeconds(90);
    health.availableForMs = 0;
    fake.nowMs -= HOUR_MS;
    await afterSeconds(5);
    health.availableForMs = HOUR_MS;
    await afterSeconds(10);
    expect(reads.settledToMs()).to.equal(fake.nowMs - 10_000);
    const late = anEnded(fake.nowMs);
    await afterSeconds(5);
    fake.commit(late);
    expect(await afterSeconds(10)).to.deep.equal(uuidsOf(late));
  });
});
