import { expect } from 'chai';
import type { LoadSample } from '../../support/machine-load.ts';
import { onQuietMachine, reasonOf } from '../../support/quiet-machine.ts';

const QUIET: LoadSample = { fromMs: 0, toMs: 1_000, othersShare: 0.1, stalledMs: 30, diskMs: 5 };

describe('reasonOf, over samples of the load', () => {
  const rows: readonly (readonly [title: string, change: Partial<LoadSample>, reason: string])[] = [
    ['programs that are no part of the tests', { othersShare: 0.4 }, 'other programs had 40 % of the CPU'],
    ['a process that gets no turn', { stalledMs: 400.4 }, 'the test got no turn for 400 ms'],
    ['a slow disk', { diskMs: 1_000 }, 'the disk took 1000 ms for a small write'],
  ];
  for (const [title, change, reason] of rows)
    it(`names ${title}, also in one sample of many`, () => {
      expect(reasonOf([QUIET, { ...QUIET, ...change }, QUIET])).to.equal(reason);
    });

  it('returns undefined for a quiet machine, and without samples', () => {
    expect(reasonOf([QUIET, QUIET])).to.equal(undefined);
    expect(reasonOf([])).to.equal(undefined);
  });
});

describe('onQuietMachine', () => {
  it('passes when its rule holds', () =>
    onQuietMachine('one is one', Date.now(), () => expect(1).to.equal(1)));

  it('fails with the error of its rule when nothing says that the machine was busy', async () => {
    const failure = new Error('too late');
    const check = () => Promise.reject(failure);
    // No sample is as late as this instant: what the machine does now has no part in the test.
    const fromMs = Number.POSITIVE_INFINITY;
    const caught: unknown = await onQuietMachine('it is in time', fromMs, check).catch(
      (error: unknown) => error,
    );
    expect(caught).to.equal(failure);
  });
});
