import { expect } from 'chai';
import { Hono } from 'hono';
import { overview, type Overview, type OverviewPeriod } from '../../../../../src/commands/overview.ts';
import { executionChart } from '../../../../../src/console/pages/overview/execution-chart.ts';
import { latencyChart } from '../../../../../src/console/pages/overview/latency-chart.ts';
import { createOverviewPage } from '../../../../../src/console/pages/overview/overview-page.ts';
import type { ConsoleEnv } from '../../../../../src/console/viewer.ts';
import type { CountedOutcome } from '../../../../../src/domain/counted-outcome.ts';
import { addAt, addOutcome, createCounts, mergeCounts } from '../../../../../src/engine/minutes/counts.ts';
import { bucketOf } from '../../../../../src/engine/minutes/latency-buckets.ts';
import { DatabaseError } from '../../../../../src/errors.ts';

const NOON_MS = Date.UTC(2026, 10, 28, 12);

/** Describes the pre-calls of a minute. Each one took so many milliseconds. */
type Minute = Partial<Record<CountedOutcome, number>> & { readonly ms?: number };

/** Returns what the command makes of minutes, the oldest first. */
async function overviewOf(minutes: readonly Minute[]): Promise<Overview> {
  const sum = createCounts();
  const steps = minutes.map(({ ms = 100, ...outcomes }, index) => {
    const counts = createCounts();
    for (const [outcome, count] of Object.entries(outcomes)) {
      addOutcome(counts.byType.pre_call, outcome as CountedOutcome, count);
      addAt(counts.byType.pre_call.latency, bucketOf(ms), count);
    }
    mergeCounts(sum, counts);
    return { startMs: NOON_MS + index * 60_000, counts };
  });
  const period = { stepMinutes: 1, steps, sum };
  const read = () => Promise.resolve({ nowMs: NOON_MS, hour: period, day: period });
  const figures = () => ({ pendingPostCalls: 0, oldestPendingAgeMs: 0, overdue: 0 });
  return overview({ minutes: { read }, figures });
}

async function hourOf(minutes: readonly Minute[]): Promise<OverviewPeriod> {
  return (await overviewOf(minutes)).hour;
}

/** Returns the bars of an outcome as [top, height]. */
function barsOf(chart: string, outcome: CountedOutcome): number[][] {
  const [, path = ''] = new RegExp(`fill="url\\(#fill-${outcome}\\)" d="([^"]*)"`).exec(chart) ?? [];
  return [...path.matchAll(/M\S+ (\S+?)h\S+?v([\d.]+)/g)].map(([, top, height]) => [
    Number(top),
    Number(height),
  ]);
}

describe('executionChart', () => {
  it('stacks the outcomes of a step, the good ones at the bottom', async () => {
    const chart = String(executionChart(await hourOf([{ succeeded: 60, degraded: 20 }])));
    // The plot is 168 high for 80, and its bottom is at 176.
    expect(barsOf(chart, 'succeeded')).to.deep.equal([[50, 126]]);
    expect(barsOf(chart, 'degraded')).to.deep.equal([[8, 42]]);
    expect(chart).to.include('<title>12:00 UTC: 80 (60 succeeded, 20 degraded)</title>');
  });

  it('shows a single failure among thousands', async () => {
    const chart = String(executionChart(await hourOf([{ succeeded: 50_000, blocked: 1 }])));
    expect(barsOf(chart, 'blocked')[0]?.[1]).to.be.at.least(3);
  });

  it('draws nothing for a step without executions', async () => {
    const chart = String(executionChart(await hourOf([{}, { succeeded: 1 }, {}])));
    expect(barsOf(chart, 'succeeded')).to.have.length(1);
    expect(chart.match(/<title>/g)).to.have.length(1);
  });
});

describe('latencyChart', () => {
  it('breaks its lines at a step without executions', async () => {
    const period = await hourOf([{ succeeded: 1 }, { succeeded: 1 }, {}, { succeeded: 1 }]);
    const [, path = ''] = /class="p50" d="([^"]*)"/.exec(String(latencyChart(period, 'pre_call'))) ?? [];
    expect(path.match(/[ML]/g)?.join('')).to.equal('MLM');
  });
});

describe('createOverviewPage', () => {
  const ask = (read: () => Promise<Overview>) => {
    const app = new Hono<ConsoleEnv>();
    app.use(async (c, next) => {
      c.set('viewer', { name: undefined, role: 'admin', formToken: '' });
      c.set('agentNames', { read: () => Promise.resolve(new Map()) });
      await next();
    });
    app.get('/console', createOverviewPage(read));
    return app.request('/console');
  };

  it('answers 503 with a page that says so, while the database is away', async () => {
    const answer = await ask(() => Promise.reject(new DatabaseError('away')));
    expect(answer.status).to.equal(503);
    expect(answer.headers.get('retry-after')).to.equal('1');
    expect(await answer.text()).to.include('The database does not answer now.');
  });

  it('shows a share that is not all as less than 100 %, and one that is not nothing as more than 0 %', async () => {
    const page = await (await ask(() => overviewOf([{ succeeded: 1_000_000, failed: 1 }]))).text();
    expect(page).to.include('succeeded (99.99 %)').and.include('failed (0.01 %)');
  });

  it('has at most 100 KiB when each step has each outcome', async () => {
    const minute = {
      succeeded: 90_000,
      rejected: 10,
      degraded: 10,
      blocked: 10,
      failed: 10,
      interrupted: 10,
    };
    const page = await (await ask(() => overviewOf(Array.from({ length: 96 }, () => minute)))).text();
    expect(page.length).to.be.within(50_000, 100 * 1024);
  });
});
