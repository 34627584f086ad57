import { expect } from 'chai';
import { createLoopShare, createPace } from '../../../../src/engine/post-call/pace.ts';

/** A pace with figures that the test sets; each question comes 50 ms after the one before. */
function paceOf(figures: { idleMs: number; queueAgeMs: number; loopShare: number; callsWaiting?: number }) {
  let nowMs = 0;
  return createPace({
    idleMs: () => figures.idleMs,
    queueAgeMs: () => figures.queueAgeMs,
    loopShare: () => figures.loopShare,
    callsWaiting: () => figures.callsWaiting ?? 0,
    now: () => (nowMs += 50),
  });
}
function times(count: number, ask: () => number): number[] {
  return Array.from({ length: count }, ask);
}

describe('the pace of pending post-calls', () => {
  it('has no limit while no calls come in', () => {
    const figures = { idleMs: 3_000, queueAgeMs: 0, loopShare: 1 };
    const { room } = paceOf(figures);
    expect(room()).to.equal(Infinity);
    figures.idleMs = 0;
    expect(room()).to.equal(8);
    figures.idleMs = 3_000;
    expect(room()).to.equal(Infinity);
  });

  it('grows by one while calls come in and the event loop has time', () => {
    const { room } = paceOf({ idleMs: 0, queueAgeMs: 0, loopShare: 0.3 });
    expect(times(4, room)).to.deep.equal([8, 9, 10, 11]);
  });

  it('shrinks to the least while the event loop is busy, and never stops', () => {
    const figures = { idleMs: 0, queueAgeMs: 0, loopShare: 0.3 };
    const { room } = paceOf(figures);
    times(7, room);
    figures.loopShare = 0.9;
    expect(times(6, room)).to.deep.equal([9, 8, 8, 8, 8, 8]);
  });

  it('shrinks while writes wait, whatever the event loop does', () => {
    const figures = { idleMs: 0, queueAgeMs: 60, loopShare: 0 };
    const { room } = paceOf(figures);
    expect(times(3, room)).to.deep.equal([8, 8, 8]);
  });

  it('counts what has begun in one window, and nothing of the windows before', () => {
    let nowMs = 0;
    const pace = createPace({
      idleMs: () => 0,
      queueAgeMs: () => 0,
      callsWaiting: () => 0,
      loopShare: () => 0,
      now: () => nowMs,
    });
    expect(pace.room()).to.equal(8);
    for (let begun = 0; begun < 9; begun += 1) pace.noteBegun();
    expect(pace.room()).to.equal(0);
    nowMs = 50;
    expect(pace.room()).to.equal(9);
  });

  it('lets a post-call begin right after its accept unless writes wait', () => {
    const figures = { idleMs: 0, queueAgeMs: 50, loopShare: 0.9 };
    const { mayBeginNow } = paceOf(figures);
    expect(mayBeginNow()).to.equal(true);
    figures.queueAgeMs = 51;
    expect(mayBeginNow()).to.equal(false);
  });

  it('lets a post-call wait in the database while many calls wait', () => {
    const figures = { idleMs: 0, queueAgeMs: 0, loopShare: 0, callsWaiting: 33 };
    const { mayBeginNow, room } = paceOf(figures);
    expect(mayBeginNow()).to.equal(false);
    expect(times(3, room)).to.deep.equal([8, 8, 8]);
    figures.callsWaiting = 32;
    expect(mayBeginNow()).to.equal(true);
  });

  it('reads the share of the event loop since the last question', () => {
    const loopShare = createLoopShare();
    expect(loopShare()).to.be.within(0, 1);
  });
});
