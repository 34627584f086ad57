import { mock } from 'node:test';
import { expect } from 'chai';
import { createSpanDrops } from '../../../src/tracing/span-drops.ts';

describe('createSpanDrops', () => {
  let reports: [spans: number, reason: string][];
  const start = () => createSpanDrops((spans, reason) => reports.push([spans, reason]));
  beforeEach(() => {
    reports = [];
    mock.timers.enable({ apis: ['setTimeout'] });
  });
  afterEach(() => mock.timers.reset());

  it('reports the first drop at once, and all later ones of a minute together', () => {
    const drops = start();
    for (let count = 0; count < 1_000; count += 1) drops.add(1, `reason ${count}`);
    expect(reports).to.deep.equal([[1, 'reason 0']]);
    mock.timers.tick(59_999);
    expect(reports).to.have.length(1);
    mock.timers.tick(1);
    expect(reports).to.deep.equal([
      [1, 'reason 0'],
      [999, 'reason 999'],
    ]);
    expect(drops.total()).to.equal(1_000);
  });

  it('reports at once again after a minute without drops', () => {
    const drops = start();
    drops.add(2, 'a');
    mock.timers.tick(120_000);
    drops.add(3, 'b');
    expect(reports).to.deep.equal([
      [2, 'a'],
      [3, 'b'],
    ]);
  });

  it('reports the rest when it is asked to, and nothing when there is no rest', () => {
    const drops = start();
    drops.add(0, 'none');
    drops.flush();
    expect(reports).to.deep.equal([]);
    drops.add(1, 'a');
    drops.add(4, 'x'.repeat(5_000));
    drops.flush();
    expect(reports).to.deep.equal([
      [1, 'a'],
      [4, 'x'.repeat(200)],
    ]);
  });
});
