import { expect } from 'chai';
import { preCallTimeLimit } from '../../../src/domain/pre-call-time-limit.ts';

describe('preCallTimeLimit', () => {
  const rows: [string, number, number | undefined, ReturnType<typeof preCallTimeLimit>][] = [
    [
      "returns the webhook's own limit without a deadline",
      10,
      undefined,
      { limitMs: 10_000, source: 'config' },
    ],
    [
      'returns the longest own limit without a deadline',
      60,
      undefined,
      { limitMs: 60_000, source: 'config' },
    ],
    ['treats an infinite deadline as none', 60, Infinity, { limitMs: 60_000, source: 'config' }],
    ['reserves 10 % of the time left', 10, 2000, { limitMs: 1800, source: 'deadline' }],
    ['reserves at least 100 ms', 10, 600, { limitMs: 500, source: 'deadline' }],
    ['reserves at most 500 ms', 60, 20_000, { limitMs: 19_500, source: 'deadline' }],
    ['returns the own limit when both are equal', 1.8, 2000, { limitMs: 1800, source: 'config' }],
    ['returns whole milliseconds', 10, 1234.5, { limitMs: 1111, source: 'deadline' }],
    ['returns a limit when 100 ms are left', 10, 200, { limitMs: 100, source: 'deadline' }],
    ['returns too_short when less is left', 10, 199.9, 'too_short'],
    ['returns too_short when nothing is left', 10, 0, 'too_short'],
    ['returns too_short after the deadline', 10, -1000, 'too_short'],
    [
      'returns an own limit of 100 ms when the deadline leaves enough',
      0.1,
      10_000,
      { limitMs: 100, source: 'config' },
    ],
    [
      'returns too_short for a short own limit too when the deadline leaves too little',
      0.1,
      150,
      'too_short',
    ],
  ];
  for (const [title, timeoutSecs, remainingMs, expected] of rows) {
    it(title, () => expect(preCallTimeLimit({ timeoutSecs, remainingMs })).to.deep.equal(expected));
  }
});
