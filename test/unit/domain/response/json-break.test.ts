import { expect } from 'chai';
import fc from 'fast-check';
import { findJsonBreak } from '../../../../src/domain/response/json-break.ts';

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

describe('findJsonBreak', () => {
  const rows: readonly (readonly [text: string, at: number | undefined, isBehindValue?: boolean])[] = [
    ['{"a":[1,true,null,"x"]}', undefined],
    ['', 0],
    ['  ', 2],
    ['nope', 0],
    ['[1,]', 3],
    ['{"a":1,}', 7],
    ['{"a" 1}', 5],
    ['[1 2]', 3],
    ['[1}', 2],
    ['{"a":tru}', 5],
    ['01', 0],
    ['-', 0],
    ['1.', 0],
    ['"a\tb"', 2],
    ['"\\u12"', 1],
    ['{} {}', 3, true],
    ['[[1', 3],
  ];
  for (const [text, at, isBehindValue = false] of rows) {
    it(`finds the break of ${JSON.stringify(text)} at ${at}`, () => {
      expect(findJsonBreak(text)).to.deep.equal(at === undefined ? undefined : { at, isBehindValue });
    });
  }

  it('finds a break exactly where JSON.parse throws', () => {
    const part = fc.constantFrom(
      ...[
        '{',
        '}',
        '[',
        ']',
        ',',
        ':',
        '"',
        '"a"',
        '"\\n"',
        '\\',
        ' ',
        '\n',
        '\t',
        '0',
        '-1',
        '1.5e3',
        '1e',
        '01',
      ],
      ...['true', 'null', 'nul', 'NaN', '\u00a0', '\uFEFF', '"\\u00e9"', '\u0001', '/* */', "'a'"],
    );
    const text = fc.oneof(
      fc.array(part, { maxLength: 12 }).map((parts) => parts.join('')),
      fc.json(),
      fc.tuple(fc.json(), fc.nat(), part).map(([json, at, more]) => {
        const place = at % (json.length + 1);
        return json.slice(0, place) + more + json.slice(place);
      }),
    );
    fc.assert(
      fc.property(text, (text) => {
        expect(findJsonBreak(text) === undefined).to.equal(isJson(text));
      }),
      { numRuns: 3_000 },
    );
  });

  it('reads 4 MiB of escapes, of openings and of one string in short time', () => {
    const beganAtMs = performance.now();
    for (const text of [`"${'\\n'.repeat(2_000_000)}`, '['.repeat(4_000_000), `"${'x'.repeat(4_000_000)}`])
      expect(findJsonBreak(text)?.at).to.equal(text.length);
    expect(performance.now() - beganAtMs).to.be.lessThan(2_000);
  });
});
