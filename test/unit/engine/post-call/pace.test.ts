import { expect } from 'chai';
import { createLoopUtilization, createPace } from '../../../../src/engine/post-call/pace.ts';

/** Makes a pace with figures that the test sets. Each question comes 50 ms after the one before. */
function paceOf(figures: {
  idleMs: number;
  queueAgeMs: number;
  loopUtilization: number;
  callsWaiting?: number;
}) {
  let nowMs = 0;
  return createPace({
    idleMs: () => figures.idleMs,
    queueAgeMs: () => figures.queueAgeMs,
    loopUtilization: () => figures.loopUtilization,
    callsWaiting: () => figures.callsWaiting ?? 0,
    now: () => (nowMs += 50),
  });
}
function times(count: number, ask: () => number): number[] {
  return Array.from({ length: count }, ask);
}

describe('the pace of pending post-calls', () => {
  it('allows any number while no calls come in', () => {
    const figures = { idleMs: 3_000, queueAgeMs: 0, loopUtilization: 1 };
    const { room } = paceOf(figures);
    expect(room()).to.equal(Infinity);
    figures.idleMs = 0;
    expect(room()).to.equal(8);
    figures.idleMs = 3_000;
    expect(room()).to.equal(Infinity);
  });

  it('allows one more in each window while calls come in and the event loop has time', () => {
    const { room } = paceOf({ idleMs: 0, queueAgeMs: 0, loopUtilization: 0.3 });
    expect(times(4, room)).to.deep.equal([8, 9, 10, 11]);
  });

  it('allows fewer down to 8 while the event loop is busy', () => {
    const figures = { idleMs: 0, queueAgeMs: 0, loopUtilization: 0.3 };
    const { room } = paceOf(figures);
    times(7, room);
    figures.loopUtilization = 0.9;
    expect(times(6, room)).to.deep.equal([9, 8, 8, 8, 8, 8]);
  });

  it('allows no more than 8 while writes wait', () => {
    const figures = { idleMs: 0, queueAgeMs: 60, loopUtilization: 0 };
    const { room } = paceOf(figures);
    expect(times(3, room)).to.deep.equal([8, 8, 8]);
  });

  it('counts only what has begun in the current window', () => {
    let nowMs = 0;
    const pace = createPace({
      idleMs: () => 0,
      queueAgeMs: () => 0,
      callsWaiting: () => 0,
      loopUtilization: () => 0,
      now: () => nowMs,
    });
    expect(pace.room()).to.equal(8);
    for (let begun = 0; begun < 9; begun += 1) pace.countBegun();
    expect(pace.room()).to.equal(0);
    nowMs = 50;
    expect(pace.room()).to.equal(9);
  });

  it('lets a post-call begin right after its accept unless writes wait', () => {
    const figures = { idleMs: 0, queueAgeMs: 50, loopUtilization: 0.9 };
    const { mayBeginNow } = paceOf(figures);
    expect(mayBeginNow()).to.equal(true);
    figures.queueAgeMs = 51;
    expect(mayBeginNow()).to.equal(false);
  });

  it('lets no post-call begin right after its accept while more than 32 calls wait', () => {
    const figures = { idleMs: 0, queueAgeMs: 0, loopUtilization: 0, callsWaiting: 33 };
    const { mayBeginNow, room } = paceOf(figures);
    expect(mayBeginNow()).to.equal(false);
    expect(times(3, room)).to.deep.equal([8, 8, 8]);
    figures.callsWaiting = 32;
    expect(mayBeginNow()).to.equal(true);
  });

  it('reads the utilization of the event loop since the last question', () => {
    const loopUtilization = createLoopUtilization();
    expect(loopUtilization()).to.be.within(0, 1);
  });
});
