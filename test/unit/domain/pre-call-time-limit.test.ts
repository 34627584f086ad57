import { expect } from 'chai';
import { preCallTimeLimit } from '../../../src/domain/pre-call-time-limit.ts';

describe('preCallTimeLimit', () => {
  const rows: [string, number, number | undefined, ReturnType<typeof preCallTimeLimit>][] = [
    ['is the own limit without a deadline', 10, undefined, { limitMs: 10_000, source: 'config' }],
    ['is the longest own limit without a deadline', 60, undefined, { limitMs: 60_000, source: 'config' }],
    ['takes an infinite deadline for none', 60, Infinity, { limitMs: 60_000, source: 'config' }],
    ['keeps back 10 %', 10, 2000, { limitMs: 1800, source: 'deadline' }],
    ['keeps back at least 100 ms', 10, 600, { limitMs: 500, source: 'deadline' }],
    ['keeps back at most 500 ms', 60, 20_000, { limitMs: 19_500, source: 'deadline' }],
    ['is the own limit where both are equal', 1.8, 2000, { limitMs: 1800, source: 'config' }],
    ['is whole milliseconds', 10, 1234.5, { limitMs: 1111, source: 'deadline' }],
    ['begins with 100 ms left', 10, 200, { limitMs: 100, source: 'deadline' }],
    ['does not begin with less', 10, 199.9, 'too_short'],
    ['does not begin with nothing', 10, 0, 'too_short'],
    ['does not begin after the deadline', 10, -1000, 'too_short'],
    ['does not count the own limit as too short', 0.1, 10_000, { limitMs: 100, source: 'config' }],
    ['does not begin with a short own limit either', 0.1, 150, 'too_short'],
  ];
  for (const [title, timeoutSecs, remainingMs, expected] of rows) {
    it(title, () => expect(preCallTimeLimit({ timeoutSecs, remainingMs })).to.deep.equal(expected));
  }
});
