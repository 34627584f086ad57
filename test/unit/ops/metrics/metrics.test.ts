import { expect } from 'chai';
import { createMetrics, type Metrics } from '../../../../src/ops/metrics/metrics.ts';

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
  oldestPendingAgeMs: 0,
  writeQueueAgeMs: 0,
  writeQueueLength: 0,
  watchers: 0,
  watchDropped: 0,
  isOverloaded: false,
  pool: { inUse: 0, idle: 0, waits: 0 },
  droppedSpans: 4,
};
const STALLS = /^callhooks_event_loop_stalls_total (\d+)$/m;

const standStill = (ms: number): void => {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
};

describe('createMetrics', () => {
  let metrics: Metrics;
  beforeEach(() => {
    metrics = createMetrics(() => FIGURES, 'sqlite');
  });
  afterEach(() => metrics.close());

  const text = async (): Promise<string> => String((await metrics.page()).body);

  it('shows the number of dropped log lines, also at the second scrape', async () => {
    expect(await text()).to.match(/^callhooks_log_lines_dropped_total 3$/m);
    expect(await text()).to.match(/^callhooks_log_lines_dropped_total 3$/m);
  });

  it('shows the number of dropped spans', async () => {
    expect(await text()).to.match(/^callhooks_spans_dropped_total 4$/m);
  });

  it('makes one page for all who ask at the same time, and one more for those who ask next', async () => {
    const pages = await Promise.all(Array.from({ length: 200 }, () => metrics.page()));
    expect(new Set(pages).size).to.equal(1);
    const later = await Promise.all(Array.from({ length: 200 }, () => metrics.page()));
    expect(new Set([...pages, ...later]).size).to.equal(2);
  });

  const stalls = async (): Promise<number> => Number(STALLS.exec(await text())?.[1]);

  it('counts a stall of the event loop when it is over', async () => {
    const before = await stalls();
    standStill(500);
    for (let turns = 0; turns < 200 && (await stalls()) === before; turns += 1)
      await new Promise((resolve) => setTimeout(resolve, 10));
    expect(await stalls()).to.be.greaterThan(before);
  });

  it('counts refused calls by the limit that they met', async () => {
    for (const limit of ['calls_waiting', 'write_queue_age', 'calls_waiting']) metrics.grpc.onRefused(limit);
    const page = await text();
    expect(page).to.include('callhooks_calls_refused_total{limit="calls_waiting"} 2');
    expect(page).to.include('callhooks_calls_refused_total{limit="write_queue_age"} 1');
  });
});
