import { expect } from 'chai';
import { replaceBetween } from '../../../bench/report.ts';
import { isReached, isWorse, toText } from '../../../bench/rig/figures.ts';
import { sharesOf } from '../../../bench/rig/profile.ts';
import { quantileOf, slopeOf, spreadOf } from '../../../bench/rig/statistics.ts';
import { recoveryOf } from '../../../bench/scenarios/overload.ts';

describe('the arithmetic of the bench', () => {
  it('takes quantiles between two neighbours', () => {
    expect(spreadOf([4, 1, 3, 2])).to.deep.equal({ median: 2.5, low: 1.75, high: 3.25 });
    expect(quantileOf([7], 0.99)).to.equal(7);
  });

  it('finds the slope of points on a line', () => {
    expect(slopeOf([0, 1, 2, 3].map((x) => [x, 5 - 2 * x]))).to.be.closeTo(-2, 1e-9);
  });

  it('calls a figure worse only when it fell by over 10 % and the quartiles do not overlap', () => {
    const before = { key: 'start-sqlite', value: 0.4, low: 0.39, high: 0.41 };
    const now = (value: number, spread: number) => ({
      ...before,
      value,
      low: value - spread,
      high: value + spread,
    });
    expect(isWorse(now(0.35, 0.01), before)).to.equal(true);
    expect(isWorse(now(0.35, 0.05), before), 'overlapping quartiles').to.equal(false);
    expect(isWorse(now(0.37, 0.001), before), 'less than 10 %').to.equal(false);
    expect(isWorse(now(0.6, 0.01), before), 'better').to.equal(false);
    const cpu = { ...before, key: 'start-cpu-sqlite' };
    expect(isWorse({ ...now(0.6, 0.01), key: 'start-cpu-sqlite' }, cpu), 'less is better').to.equal(true);
  });

  it('knows which way a goal lies', () => {
    expect(isReached({ key: 'start-sqlite', value: 0.38 })).to.equal(true);
    expect(isReached({ key: 'start-sqlite', value: 0.37 })).to.equal(false);
    expect(isReached({ key: 'lost-repeats', value: 1 })).to.equal(false);
  });

  it('writes values with as many digits as they deserve', () => {
    expect([toText(0.384, '×'), toText(12.34, 'ms'), toText(987.6, 'MB'), toText(0, '')]).to.deep.equal([
      '0.38',
      '12.3 ms',
      '988 MB',
      '0',
    ]);
  });

  it('finds the first of ten calm buckets in a row after an overload', () => {
    const bucket = (bad: number, p50: number) => ({ atMs: 0, due: 1, good: 1, bad, p50, p99: p50 });
    const calm = Array.from({ length: 10 }, () => bucket(0, 5));
    expect(recoveryOf([bucket(3, 5), bucket(0, 50), ...calm], 10)).to.equal(0.2);
    expect(recoveryOf([bucket(3, 5), ...calm.slice(1)], 10)).to.equal(undefined);
  });

  it('gives native functions to the area that called them, and leaves out idle time and what came before', () => {
    const frame = (functionName: string, url = '') => ({ functionName, url });
    const profile = {
      nodes: [
        { id: 1, callFrame: frame('(root)'), children: [2, 4, 5, 7] },
        {
          id: 2,
          callFrame: frame('run', 'file:///x/node_modules/better-sqlite3/lib/database.js'),
          children: [3],
        },
        { id: 3, callFrame: frame('step') },
        { id: 4, callFrame: frame('(idle)') },
        { id: 5, callFrame: frame('render', 'file:///x/dist/src/domain/render.js'), children: [6] },
        { id: 6, callFrame: frame('replace') },
        { id: 7, callFrame: frame('commit', 'file:///x/dist/src/store/sql/sqlite.js'), children: [8] },
        { id: 8, callFrame: frame('run') },
      ],
      startTime: 1000,
      samples: [5, 3, 2, 4, 5, 6, 8],
      timeDeltas: [10, 20, 40, 500, 15, 10, 15],
    };
    expect(sharesOf(profile, 1015)).to.deep.equal([
      ['SQLite', 0.75],
      ['callhooks: domain', 0.25],
    ]);
  });

  it('replaces what stands between the markers of the page, and nothing else', () => {
    const page = 'a\n<!-- bench: made by bench/report.ts from bench/results/ -->\nold\n<!-- /bench -->\nb';
    const made = replaceBetween(page, 'new');
    expect(made).to.match(/^a\n<!-- bench:[^>]*-->\n\nnew\n\n<!-- \/bench -->\nb$/);
    expect(() => replaceBetween('no markers', 'new')).to.throw('docs/performance.md');
  });
});
