import { getEventListeners } from 'node:events';
import { expect } from 'chai';
import { createTimeLimits, type EndReason } from '../../../../src/http/client/deadline.ts';

describe('time limits of requests', () => {
  const inAMinute = () => performance.now() + 60_000;

  it('listen once to a signal that many requests share, and end with it', () => {
    const limits = createTimeLimits();
    const [stop, other] = [new AbortController(), new AbortController()];
    const ended: (readonly [name: string, reason: EndReason])[] = [];
    const start = (name: string, signal?: AbortSignal) => {
      const limit = limits.start(inAMinute(), signal);
      limit.onEnd((reason) => ended.push([name, reason]));
      return limit;
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
    for (const limit of rest) {
      expect(limit.reason()).to.equal(undefined);
      limit.stop();
    }
  });

  it('end a race that began before, and one that begins after', async () => {
    const limits = createTimeLimits();
    const limit = limits.start(inAMinute());
    const never = new Promise<string>(() => undefined);
    expect(await limit.race(Promise.resolve('work'))).to.equal('work');
    const before = limit.race(never);
    const unraced = limits.start(inAMinute());
    limits.endAll('shutdown');
    expect(await before).to.deep.equal({ ended: 'shutdown' });
    expect(await unraced.race(never)).to.deep.equal({ ended: 'shutdown' });
    expect(limit.reason()).to.equal('shutdown');
  });

  it('end by their timer, and never once they are stopped', async () => {
    const limits = createTimeLimits();
    const stopped = limits.start(performance.now() + 5);
    stopped.onEnd(() => expect.fail('called back after its stop'));
    stopped.stop();
    const limit = limits.start(performance.now() + 20);
    expect(await limit.race(new Promise(() => undefined))).to.deep.equal({ ended: 'timeout' });
    limits.endAll('shutdown');
    expect(limit.reason()).to.equal('timeout');
  });
});
