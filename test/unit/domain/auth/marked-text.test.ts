import { expect } from 'chai';
import { PAYLOAD_MARKS, HEADER_MARKS } from '../../../../src/domain/auth/hmac-signature.ts';
import { fillMarks, marksOf, parseMarkedText } from '../../../../src/domain/auth/marked-text.ts';

const VALUES = { body: 'B{signature}', timestamp: '1', execution_uuid: 'u', signature: 's' };

function fill(text: string): string {
  const parsed = parseMarkedText(text, HEADER_MARKS);
  if (!parsed.ok) throw new Error(parsed.error);
  return fillMarks(parsed.parts, VALUES);
}

describe('parseMarkedText and fillMarks', () => {
  const rows: [text: string, filled: string][] = [
    ['{body}', 'B{signature}'],
    ['t={timestamp},v1={signature}', 't=1,v1=s'],
    ['{timestamp}.{body}', '1.B{signature}'],
    ['{signature}{signature}', 'ss'],
    ['v0:{execution_uuid}:}', 'v0:u:}'],
    ['no mark', 'no mark'],
    ['', ''],
  ];
  for (const [text, filled] of rows)
    it(`fill "${text}", once`, () => {
      expect(fill(text)).to.equal(filled);
    });

  const refused: [text: string, at: number][] = [
    ['{signature}', 1],
    ['a{nope}', 2],
    ['{body}{', 7],
    ['{{body}}', 1],
    ['{Body}', 1],
    ['{ body }', 1],
    ['{body', 1],
  ];
  for (const [text, at] of refused)
    it(`refuse "${text}" in a signed payload, and name the character`, () => {
      const parsed = parseMarkedText(text, PAYLOAD_MARKS);
      expect(parsed.ok || parsed.error).to.equal(
        `"{" must begin one of {body}, {timestamp}, {execution_uuid}; character ${at} begins none of them`,
      );
    });

  it('list the marks in order of use', () => {
    const parsed = parseMarkedText('{timestamp}.{body}.{timestamp}', PAYLOAD_MARKS);
    expect(parsed.ok && marksOf(parsed.parts)).to.deep.equal(['timestamp', 'body', 'timestamp']);
  });
});
