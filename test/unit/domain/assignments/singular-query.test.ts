import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import fc from 'fast-check';
import { readAttribute } from '../../../../src/domain/assignments/attribute-path.ts';
import {
  parseSingularQuery,
  printSingularQuery,
  type PathSegment,
} from '../../../../src/domain/assignments/singular-query.ts';
import type { JsonValue } from '../../../../src/domain/json.ts';

interface ComplianceTest {
  readonly name: string;
  readonly selector: string;
  readonly document?: JsonValue;
  readonly result?: readonly JsonValue[];
  readonly invalid_selector?: boolean;
}

const FOLDER = new URL('../../../vectors/jsonpath-compliance/', import.meta.url);

function testsOf(file: string): readonly ComplianceTest[] {
  return (JSON.parse(readFileSync(new URL(file, FOLDER), 'utf8')) as { tests: ComplianceTest[] }).tests;
}

/** Reports whether a valid query may find several values: it has a wildcard, a slice, a filter, a union or descendants. */
function findsMany(selector: string): boolean {
  return /[*:?,]|\.\./.test(selector.replaceAll(/'[^']*'|"[^"]*"/g, ''));
}

for (const file of [
  'basic.json',
  'index_selector.json',
  'name_selector.json',
  'slice_selector.json',
  'whitespace_selectors.json',
]) {
  describe(`parseSingularQuery, by the compliance tests of JSONPath (${file})`, () => {
    for (const { name, selector, document, result, invalid_selector: isInvalid = false } of testsOf(file)) {
      if (isInvalid) it(`refuses: ${name}`, () => expectRefused(selector));
      else if (findsMany(selector))
        it(`refuses, because it may find many: ${name}`, () => expectRefused(selector));
      else {
        it(`finds what the query finds: ${name}`, () => {
          const segments = parseSingularQuery(selector);
          if (segments === undefined) throw new Error(`${selector} is refused`);
          const found = readAttribute(document, { segments });
          expect(found === undefined ? [] : [found]).to.deep.equal(result);
        });
      }
    }
  });
}

function expectRefused(selector: string): void {
  expect(parseSingularQuery(selector)).to.equal(undefined);
}

const segment: fc.Arbitrary<PathSegment> = fc.oneof(
  fc.maxSafeInteger().map((index) => ({ index })),
  fc.string({ unit: 'binary' }).map((key) => ({ key })),
  fc
    .string({ unit: fc.constantFrom('a', 'Z', '_', '0', 'é', '😀', '"', "'", '\\', '.', '\u0000', ' ') })
    .map((key) => ({ key })),
);

describe('parseSingularQuery', () => {
  it('reads a query without its leading $', () => {
    const segments = [{ key: 'records' }, { index: -1 }, { key: 'Account.Name' }];
    expect(parseSingularQuery('records[-1]["Account.Name"]')).to.deep.equal(segments);
    expect(parseSingularQuery("$.records[-1]['Account.Name']")).to.deep.equal(segments);
    expect(parseSingularQuery('[0].a')).to.deep.equal([{ index: 0 }, { key: 'a' }]);
    expect(parseSingularQuery('a')).to.deep.equal([{ key: 'a' }]);
  });

  it('reads $ as no segment', () => {
    expect(parseSingularQuery('$')).to.deep.equal([]);
  });

  it('refuses an empty text, a leading dot and a leading blank', () => {
    for (const text of ['', '.a', ' a', ' [0]', ' $', '$ ', 'a.', '$.']) expectRefused(text);
  });

  it('reads every query that printSingularQuery writes, with and without $', () => {
    fc.assert(
      fc.property(fc.array(segment, { maxLength: 16 }), (segments) => {
        const query = printSingularQuery(segments);
        expect(parseSingularQuery(query)).to.deep.equal(segments);
        if (segments.length > 0)
          expect(parseSingularQuery(query.replace(/^\$\.?/, ''))).to.deep.equal(segments);
      }),
    );
  });

  it('writes what it read in one way only', () => {
    const query = fc.string({
      unit: fc.constantFrom('$', '.', 'a', '[', ']', "'", '"', '0', '-', '1', '\\', 'u', ' '),
    });
    fc.assert(
      fc.property(query, (text) => {
        const segments = parseSingularQuery(text);
        if (segments !== undefined)
          expect(parseSingularQuery(printSingularQuery(segments))).to.deep.equal(segments);
      }),
      { numRuns: 5_000 },
    );
  });

  // In square time each of these would take minutes.
  it('takes linear time for texts of 300,000 characters', () => {
    for (const part of [
      'a',
      '[',
      '[0]',
      '.a',
      ' ',
      "['",
      "['a']",
      '["\\',
      '\\u',
      '["\\ud83d',
      "[ '",
      '$',
      '"',
      "'\\'",
      '9',
    ])
      for (const head of ['', '$', '$[', "$['", '$["'])
        parseSingularQuery(head + part.repeat(300_000 / part.length));
  });
});
