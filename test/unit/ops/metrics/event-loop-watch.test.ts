import { expect } from 'chai';
import { watchEventLoop, type EventLoopWatch } from '../../../../src/ops/metrics/event-loop-watch.ts';

const standStill = (ms: number): void => {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
};
// A timer that is longer than the watch's own comes after it.
const untilMeasured = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 110));

describe('watchEventLoop', () => {
  let stalls: number;
  let watch: EventLoopWatch;
  beforeEach(() => {
    stalls = 0;
    watch = watchEventLoop(() => (stalls += 1));
  });
  afterEach(() => watch.close());

  it('shows a delay that begins in the turn of a scrape, and shows it to the next scraper too', async () => {
    await untilMeasured();
    watch.maxDelaySeconds();
    standStill(300);
    await untilMeasured();
    expect(watch.maxDelaySeconds()).to.be.within(0.24, 10);
    expect(watch.maxDelaySeconds()).to.be.within(0.24, 10);
  });

  it('counts each stall of 160 ms', async () => {
    for (let count = 1; count <= 5; count += 1) {
      standStill(160);
      await untilMeasured();
      expect(stalls).to.be.at.least(count);
    }
  });

  it('shows no delay before there was one', () => {
    expect(watch.maxDelaySeconds()).to.equal(0);
  });
});
