import { getEventListeners } from 'node:events';
import { expect } from 'chai';
import { createDeadlines, type EndReason } from '../../../../src/http/client/deadline.ts';

describe('createDeadlines', () => {
  const inAMinute = () => performance.now() + 60_000;

  it('listens once to a signal that many deadlines share, and ends them when it is aborted', () => {
    const deadlines = createDeadlines();
    const [stop, other] = [new AbortController(), new AbortController()];
    const ended: (readonly [name: string, reason: EndReason])[] = [];
    const start = (name: string, signal?: AbortSignal) => {
      const deadline = deadlines.start(inAMinute(), signal);
      deadline.onEnd((reason) => ended.push([name, reason]));
      return deadline;
    };
    start('one', stop.signal);
    start('stopped', stop.signal).stop();
    start('two', stop.signal);
    const rest = [start('other', other.signal), start('none')];
    expect(getEventListeners(stop.signal, 'abort')).to.have.length(1);
    stop.abort();
    expect(ended).to.deep.equal([
      ['one', 'shutdown'],
      ['two', 'shutdown'],
    ]);
    for (const deadline of rest) {
      expect(deadline.reason()).to.equal(undefined);
      deadline.stop();
    }
  });

  it('ends a race that began before the deadline, and one that begins after it', async () => {
    const deadlines = createDeadlines();
    const deadline = deadlines.start(inAMinute());
    const never = new Promise<string>(() => undefined);
    expect(await deadline.race(Promise.resolve('work'))).to.equal('work');
    const before = deadline.race(never);
    const unraced = deadlines.start(inAMinute());
    deadlines.endAll('shutdown');
    expect(await before).to.deep.equal({ ended: 'shutdown' });
    expect(await unraced.race(never)).to.deep.equal({ ended: 'shutdown' });
    expect(deadline.reason()).to.equal('shutdown');
  });

  it('ends a deadline by its timer, and never one that is stopped', async () => {
    const deadlines = createDeadlines();
    const stopped = deadlines.start(performance.now() + 5);
    stopped.onEnd(() => expect.fail('called back after its stop'));
    stopped.stop();
    const deadline = deadlines.start(performance.now() + 20);
    expect(await deadline.race(new Promise(() => undefined))).to.deep.equal({ ended: 'timeout' });
    deadlines.endAll('shutdown');
    expect(deadline.reason()).to.equal('timeout');
  });
});
