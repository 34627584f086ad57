import { expect } from 'chai';
import { createMetrics, type Metrics } from '../../../src/ops/metrics.ts';

const FIGURES = {
  preCallsInFlight: 0,
  postCallsInFlight: 0,
  bufferedBytes: 0,
  pendingPostCalls: 0,
  overdue: 0,
  databaseIsThere: true,
  isInsecure: false,
  isWithoutTokens: false,
  isResolvedByProxy: false,
  tlsFilesAreStale: false,
  tlsExpiresAtMs: Infinity,
  hasWeakDurability: false,
  droppedLogLines: 3,
};
const STALLS = /^callhooks_event_loop_stalls_total (\d+)$/m;

const standStill = (ms: number): void => {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
};

describe('createMetrics', () => {
  let metrics: Metrics;
  beforeEach(() => {
    metrics = createMetrics(() => FIGURES);
  });
  afterEach(() => metrics.close());

  it('shows the number of dropped log lines, also at the second scrape', async () => {
    expect((await metrics.page()).text).to.match(/^callhooks_log_lines_dropped_total 3$/m);
    expect((await metrics.page()).text).to.match(/^callhooks_log_lines_dropped_total 3$/m);
  });

  const stalls = async (): Promise<number> => Number(STALLS.exec((await metrics.page()).text)?.[1]);

  it('counts a stall of the event loop when it is over', async () => {
    const before = await stalls();
    standStill(500);
    for (let turns = 0; turns < 200 && (await stalls()) === before; turns += 1)
      await new Promise((resolve) => setTimeout(resolve, 10));
    expect(await stalls()).to.be.greaterThan(before);
  });

  it('counts refused calls by the limit that they met', async () => {
    for (const limit of ['calls_waiting', 'write_queue_age', 'calls_waiting']) metrics.countRefused(limit);
    const { text } = await metrics.page();
    expect(text).to.include('callhooks_calls_refused_total{limit="calls_waiting"} 2');
    expect(text).to.include('callhooks_calls_refused_total{limit="write_queue_age"} 1');
  });
});
