import { mock } from 'node:test';
import { expect } from 'chai';
import { createDropCount } from '../../../src/logging/drop-count.ts';

describe('createDropCount', () => {
  const reports: number[] = [];
  let getsThrough: boolean;
  const count = () =>
    createDropCount(
      (lines) => reports.push(lines),
      () => getsThrough,
    );
  beforeEach(() => {
    mock.timers.enable({ apis: ['setTimeout'] });
    reports.length = 0;
    getsThrough = true;
  });
  afterEach(() => mock.timers.reset());

  it('reports the lines of one second together, without being asked', () => {
    const drops = count();
    drops.add(1);
    mock.timers.tick(999);
    drops.add(2);
    drops.report();
    expect(reports).to.deep.equal([]);
    mock.timers.tick(1);
    expect(reports).to.deep.equal([3]);
    drops.add(4);
    mock.timers.tick(1_000);
    expect(reports).to.deep.equal([3, 4]);
    expect(drops.total()).to.equal(7);
  });

  it('keeps the report until a line can be written again', () => {
    const drops = count();
    getsThrough = false;
    drops.add(1);
    mock.timers.tick(5_000);
    drops.report();
    drops.add(1);
    expect(reports).to.deep.equal([]);
    getsThrough = true;
    drops.report();
    expect(reports).to.deep.equal([2]);
    drops.report();
    mock.timers.tick(5_000);
    expect(reports).to.deep.equal([2]);
  });

  it('reports before the second is over when it is asked to', () => {
    const drops = count();
    drops.reportNow();
    drops.add(1);
    mock.timers.tick(500);
    drops.reportNow();
    expect(reports).to.deep.equal([1]);
    drops.add(1);
    mock.timers.tick(999);
    expect(reports).to.deep.equal([1]);
    mock.timers.tick(1);
    expect(reports).to.deep.equal([1, 1]);
  });
});
