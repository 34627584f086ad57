import { expect } from 'chai';
import { readTraceparent, spanIdOf, traceIdOf, withSpanId } from '../../../src/domain/trace-context.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const SPAN = 'b7ad6b7169203331';
const VALID = `00-${TRACE}-${SPAN}-01`;

const ROWS: [title: string, text: string | undefined, expected: string | undefined][] = [
  ['a sampled trace', VALID, VALID],
  ['a trace that is not sampled', `00-${TRACE}-${SPAN}-00`, `00-${TRACE}-${SPAN}-00`],
  ['a random trace id', `00-${TRACE}-${SPAN}-03`, `00-${TRACE}-${SPAN}-03`],
  ['unknown flags, which it clears', `00-${TRACE}-${SPAN}-ff`, `00-${TRACE}-${SPAN}-03`],
  ['a later version, by the fields of version 00', `01-${TRACE}-${SPAN}-01-what-comes`, VALID],
  ['nothing', undefined, undefined],
  ['an empty text', '', undefined],
  ['another text', '+14155550123', undefined],
  ['version ff', `ff-${TRACE}-${SPAN}-01`, undefined],
  ['version 00 with more fields', `${VALID}-00`, undefined],
  ['the trace id 0', `00-${'0'.repeat(32)}-${SPAN}-01`, undefined],
  ['the span id 0', `00-${TRACE}-${'0'.repeat(16)}-01`, undefined],
  ['upper case', VALID.toUpperCase(), undefined],
  ['blanks around it', ` ${VALID} `, undefined],
  ['two headers that were joined', `${VALID}, ${VALID}`, undefined],
  ['a line feed behind it', `${VALID}\n`, undefined],
  ['a later version of 300 characters', `01-${TRACE}-${SPAN}-01-${'a'.repeat(245)}`, undefined],
];

describe('readTraceparent', () => {
  for (const [title, text, expected] of ROWS)
    it(`returns ${expected === undefined ? 'undefined for' : 'the trace context of'} ${title}`, () => {
      expect(readTraceparent(text)).to.equal(expected);
    });
});

describe('The parts of a trace context', () => {
  it('are its trace id and its span id', () => {
    expect([traceIdOf(VALID), spanIdOf(VALID)]).to.deep.equal([TRACE, SPAN]);
  });

  it('stay the same when another span id is put in', () => {
    expect(withSpanId(VALID, '1111111111111111')).to.equal(`00-${TRACE}-1111111111111111-01`);
  });
});
