import { expect } from 'chai';
import { explainTimings } from '../../../src/explain/times.ts';
import type { Timings } from '../../../src/gen/index.callhooks.v1.ts';

const NONE: Timings = {
  ...{ queued: undefined, dns: undefined, connect: undefined, tls: undefined },
  ...{ firstByte: undefined, total: undefined },
};
const ms = (milliseconds: number) => ({ seconds: 0n, nanos: milliseconds * 1e6 });

/** Returns each phase as `name begin-end`. */
function bar(timings: Partial<Timings>, isPostCall = false): string[] {
  const { phases } = explainTimings({ ...NONE, ...timings }, isPostCall);
  return phases.map(({ name, startMs, ms }) => `${name} ${startMs}-${startMs + ms}`);
}

describe('explainTimings', () => {
  it('lays the phases one after another, with the rest as the body', () => {
    const timings = {
      queued: ms(1),
      dns: ms(2),
      connect: ms(3),
      tls: ms(4),
      firstByte: ms(5),
      total: ms(20),
    };
    expect(bar(timings)).to.deep.equal([
      ...['queued 0-1', 'dns 1-3', 'connect 3-6', 'tls 6-10', 'first byte 10-15', 'body 15-20'],
    ]);
  });

  it('calls the rest waiting when no response head arrived', () => {
    expect(bar({ queued: ms(1), connect: ms(2), total: ms(500) })).to.deep.equal([
      ...['queued 0-1', 'connect 1-3', 'waiting 3-500'],
    ]);
  });

  it('puts the queue of a post-call in front of its total time', () => {
    expect(bar({ queued: ms(900), firstByte: ms(5), total: ms(7) }, true)).to.deep.equal([
      ...['queued -900-0', 'first byte 0-5', 'body 5-7'],
    ]);
  });

  it('leaves out a rest that the clock alone explains', () => {
    expect(bar({ firstByte: ms(5), total: { seconds: 0n, nanos: 5_010_000 } })).to.deep.equal([
      'first byte 0-5',
    ]);
  });

  it('returns nothing before the end', () => {
    expect(explainTimings(undefined, false)).to.deep.equal({ phases: [], totalMs: undefined });
  });
});
