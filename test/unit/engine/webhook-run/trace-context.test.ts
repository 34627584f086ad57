import { expect } from 'chai';
import { childTraceparent } from '../../../../src/engine/webhook-run/trace-context.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const PARENT = 'b7ad6b7169203331';
const OURS = '00f067aa0ba902b7';

describe('the trace context of a request', () => {
  for (const [title, incoming, expected] of [
    ['is our span in the trace of the caller', `00-${TRACE}-${PARENT}-01`, `00-${TRACE}-${OURS}-01`],
    ['keeps that the trace is not sampled', `00-${TRACE}-${PARENT}-00`, `00-${TRACE}-${OURS}-00`],
    ['keeps that the trace id is random', `00-${TRACE}-${PARENT}-03`, `00-${TRACE}-${OURS}-03`],
    ['has zeros for flags that are not defined', `00-${TRACE}-${PARENT}-fd`, `00-${TRACE}-${OURS}-01`],
    ['is none without one of the caller', undefined, undefined],
    ['is none for an empty one', '', undefined],
    ['is none for a trace of zeros', `00-${'0'.repeat(32)}-${PARENT}-01`, undefined],
    ['is none for a span of zeros', `00-${TRACE}-${'0'.repeat(16)}-01`, undefined],
    ['is none for the forbidden version', `ff-${TRACE}-${PARENT}-01`, undefined],
    ['is none for capitals', `00-${TRACE.toUpperCase()}-${PARENT}-01`, undefined],
    ['is none for what is too short', `00-${TRACE.slice(1)}-${PARENT}-01`, undefined],
    ['is none for what goes on', `00-${TRACE}-${PARENT}-01-more`, undefined],
    ['is none for two in one', `00-${TRACE}-${PARENT}-01,00-${TRACE}-${PARENT}-01`, undefined],
    ['is none with blanks around it', ` 00-${TRACE}-${PARENT}-01`, undefined],
    ['is none with a line break behind it', `00-${TRACE}-${PARENT}-01\n`, undefined],
    // A later version may add fields; its first four are those of version 00.
    [
      'follows a later version by its first fields',
      `01-${TRACE}-${PARENT}-01-more`,
      `00-${TRACE}-${OURS}-01`,
    ],
    ['follows a later version without more fields', `cc-${TRACE}-${PARENT}-01`, `00-${TRACE}-${OURS}-01`],
    ['is none for a later version that goes on without a dash', `01-${TRACE}-${PARENT}-01x`, undefined],
  ] as const) {
    it(title, () => expect(childTraceparent(incoming, () => OURS)).to.equal(expected));
  }

  it('makes a span id only for a trace that it continues', () => {
    const refuse = (): string => {
      throw new Error('a span id was made');
    };
    for (const incoming of [undefined, '', 'no trace', `ff-${TRACE}-${PARENT}-01`])
      expect(childTraceparent(incoming, refuse)).to.equal(undefined);
  });
});
