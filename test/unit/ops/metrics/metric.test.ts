import { expect } from 'chai';
import { createCounter, createHistogram, createReadMetric } from '../../../../src/ops/metrics/metric.ts';

const LABELS = { kind: ['a', 'b', '_OTHER'] };

describe('createCounter', () => {
  it('shows the combinations from the start at 0, and others when they are counted', () => {
    const counter = createCounter({ name: 'x_total', type: 'counter', help: '', labels: LABELS }, [['a']]);
    expect(counter.samples()).to.equal('x_total{kind="a"} 0\n');
    counter.add(['b'], 3);
    counter.add(['a']);
    expect(counter.samples()).to.equal('x_total{kind="a"} 1\nx_total{kind="b"} 3\n');
  });

  it('counts values that are in no set as the last one of it, however many there are', () => {
    const counter = createCounter({ name: 'x_total', type: 'counter', help: '', labels: LABELS }, []);
    for (let at = 0; at < 1_000; at += 1) counter.add([`value ${at}`]);
    counter.add([]);
    expect(counter.samples()).to.equal('x_total{kind="_OTHER"} 1001\n');
  });

  it('has no braces without labels', () => {
    const counter = createCounter({ name: 'x_total', type: 'counter', help: '', labels: {} }, [[]]);
    expect(counter.samples()).to.equal('x_total 0\n');
  });
});

describe('createHistogram', () => {
  it('counts a value in each bucket whose bound is not below it, and adds it to the sum', () => {
    const histogram = createHistogram({ name: 'x', type: 'histogram', help: '', labels: LABELS }, [0.1, 1]);
    for (const observed of [0.1, 0.5, 7]) histogram.observe(['a'], observed);
    expect(histogram.samples()).to.equal(
      'x_bucket{kind="a",le="0.1"} 1\nx_bucket{kind="a",le="1"} 2\nx_bucket{kind="a",le="+Inf"} 3\n' +
        'x_sum{kind="a"} 7.6\nx_count{kind="a"} 3\n',
    );
  });

  it('shows nothing before the first value when it has labels, and zeros when it has none', () => {
    const labelled = createHistogram({ name: 'x', type: 'histogram', help: '', labels: LABELS }, [1]);
    expect(labelled.samples()).to.equal('');
    const plain = createHistogram({ name: 'x', type: 'histogram', help: '', labels: {} }, [1]);
    expect(plain.samples()).to.equal('x_bucket{le="1"} 0\nx_bucket{le="+Inf"} 0\nx_sum 0\nx_count 0\n');
  });
});

describe('createReadMetric', () => {
  it('reads its values each time, and writes numbers as Prometheus reads them', () => {
    let value = 0;
    const info = { name: 'x', type: 'gauge', help: '', labels: {} } as const;
    const metric = createReadMetric(info, () => [[[], value]]);
    const texts = [0, 1.5, 1e21, NaN, Infinity, -Infinity].map((next) => {
      value = next;
      return metric.samples();
    });
    expect(texts).to.deep.equal(['x 0\n', 'x 1.5\n', 'x 1e+21\n', 'x NaN\n', 'x +Inf\n', 'x -Inf\n']);
  });

  it('escapes the values of labels', () => {
    const info = { name: 'x', type: 'gauge', help: '', labels: { v: ['a"b\\c\nd'] } } as const;
    expect(createReadMetric(info, () => [[['a"b\\c\nd'], 1]]).samples()).to.equal(
      'x{v="a\\"b\\\\c\\nd"} 1\n',
    );
  });
});
