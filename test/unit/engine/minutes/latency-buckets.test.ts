import { expect } from 'chai';
import { assert, double, property } from 'fast-check';
import {
  bucketMs,
  bucketOf,
  countOf,
  LATENCY_BUCKETS,
  quantileMs,
} from '../../../../src/engine/minutes/latency-buckets.ts';

const MAX_ERROR = 0.072;

function histogramOf(durations: readonly number[]): Uint32Array {
  const counts = new Uint32Array(LATENCY_BUCKETS);
  for (const ms of durations) counts[bucketOf(ms)] = (counts[bucketOf(ms)] ?? 0) + 1;
  return counts;
}

describe('the buckets of durations', () => {
  it('stand for each duration from 0.25 ms to 262 s with an error of at most 7.2 %', () => {
    assert(
      property(double({ min: 0.25, max: 262_143, noNaN: true }), (ms) => {
        expect(Math.abs(bucketMs(bucketOf(ms)) / ms - 1)).to.be.at.most(MAX_ERROR);
      }),
    );
  });

  for (const [title, ms, bucket] of [
    ['nothing', 0, 0],
    ['a negative duration', -1, 0],
    ['no number', NaN, 0],
    ['0.25 ms', 0.25, 1],
    ['a day', 86_400_000, LATENCY_BUCKETS - 1],
    ['an infinite duration', Infinity, LATENCY_BUCKETS - 1],
  ] as const)
    it(`put ${title} into bucket ${bucket}`, () => {
      expect(bucketOf(ms)).to.equal(bucket);
      expect(bucketMs(bucket)).to.be.within(0.2, 262_144);
    });
});

describe('quantileMs', () => {
  it('returns the median and p99 of 1 to 1,000 ms within the error of a bucket', () => {
    const counts = histogramOf(Array.from({ length: 1_000 }, (_, at) => at + 1));
    expect(countOf(counts)).to.equal(1_000);
    expect(quantileMs(counts, 1_000, 0.5)).to.be.closeTo(500, 500 * MAX_ERROR);
    expect(quantileMs(counts, 1_000, 0.99)).to.be.closeTo(990, 990 * MAX_ERROR);
  });

  it('returns the duration of the only execution for each share', () => {
    const counts = histogramOf([42]);
    for (const share of [0, 0.5, 0.99, 1])
      expect(quantileMs(counts, 1, share)).to.be.closeTo(42, 42 * MAX_ERROR);
  });

  it('returns undefined when nothing was counted', () => {
    expect(quantileMs(histogramOf([]), 0, 0.5)).to.equal(undefined);
  });
});
