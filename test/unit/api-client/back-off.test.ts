import { expect } from 'chai';
import { createBackOff } from '../../../src/api-client/back-off.ts';

describe('the back-off of a watch', () => {
  it('waits twice as long each time, up to 10 s', () => {
    const backOff = createBackOff(
      () => 0,
      () => 1,
    );
    const waits = Array.from({ length: 7 }, () => backOff.nextMs());
    expect(waits).to.deep.equal([500, 1_000, 2_000, 4_000, 8_000, 10_000, 10_000]);
  });

  it('takes up to half of a wait away by chance', () => {
    const backOff = createBackOff(
      () => 0,
      () => 0,
    );
    expect([backOff.nextMs(), backOff.nextMs()]).to.deep.equal([250, 500]);
  });

  it('begins anew after a try that lasted for more than 10 s, and not after a shorter one', () => {
    let nowMs = 0;
    const backOff = createBackOff(
      () => nowMs,
      () => 1,
    );
    const waitAfter = (triedMs: number): number => {
      backOff.begins();
      nowMs += triedMs;
      return backOff.nextMs();
    };
    expect([0, 0, 10_000, 10_001, 0].map(waitAfter)).to.deep.equal([500, 1_000, 2_000, 500, 1_000]);
  });

  it('waits as long as the server asks for', () => {
    const backOff = createBackOff(
      () => 0,
      () => 1,
    );
    expect([backOff.nextMs(700), backOff.nextMs(700)]).to.deep.equal([700, 1_000]);
  });
});
