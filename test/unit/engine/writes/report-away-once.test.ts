import { expect } from 'chai';
import { reportAwayOnce } from '../../../../src/engine/writes/database-health.ts';
import { DatabaseError } from '../../../../src/errors.ts';

const OUTCOMES = {
  works: () => Promise.resolve(),
  away: () => Promise.reject(new DatabaseError('away')),
  busy: () => Promise.reject(new DatabaseError('busy')),
  bug: () => Promise.reject(new DatabaseError('bug')),
  mistake: () => Promise.reject(new TypeError('x is not a function')),
};

describe('reportAwayOnce', () => {
  for (const { title, rounds, reported } of [
    { title: 'nothing while the work succeeds', rounds: ['works', 'works'], reported: 0 },
    {
      title: 'the first of several failures when the database stays away',
      rounds: ['works', 'away', 'away', 'away'],
      reported: 1,
    },
    {
      title: 'the first of several failures when the database is busy and then away',
      rounds: ['busy', 'busy', 'away'],
      reported: 1,
    },
    {
      title: 'both failures when the database was back in between',
      rounds: ['away', 'works', 'away'],
      reported: 2,
    },
    { title: 'every other error', rounds: ['bug', 'bug', 'mistake', 'mistake'], reported: 4 },
    {
      title: 'other errors while the database is away',
      rounds: ['away', 'bug', 'away', 'away'],
      reported: 3,
    },
  ] as const)
    it(`reports ${title}`, async () => {
      const errors: unknown[] = [];
      const run = reportAwayOnce((error) => errors.push(error));
      for (const round of rounds) await run(OUTCOMES[round]);
      expect(errors).to.have.length(reported);
    });
});
