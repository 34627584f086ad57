import { expect } from 'chai';
import fc from 'fast-check';
import { parseJsonPrefix } from '../../../src/explain/json-prefix.ts';

describe('parseJsonPrefix', () => {
  const rows: [title: string, text: string, value: unknown][] = [
    ['whole JSON as it is', '{"a":[1,2]}', { a: [1, 2] }],
    ['an object that was cut in a value', '{"a":1,"b":"x', { a: 1 }],
    ['an object that was cut in a key', '{"a":1,"b', { a: 1 }],
    ['an object that was cut behind a key', '{"a":1,"b":', { a: 1 }],
    ['nested values that were cut', '{"a":{"b":[1,{"c":2},{"d":3', { a: { b: [1, { c: 2 }, {}] } }],
    ['texts with brackets and quotes', String.raw`{"a":"}]\"{","b":[tr`, { a: '}]"{', b: [] }],
    ['the beginning of an object', '{', {}],
    ['nothing of a text that is no JSON', '<html>', undefined],
    ['nothing of an empty text', '', undefined],
  ];
  for (const [title, text, value] of rows) {
    it(`returns ${title}`, () => {
      expect(parseJsonPrefix(text)).to.deep.equal(value);
    });
  }

  it('returns an object or list for every beginning of one', () => {
    const containers = fc.oneof(fc.array(fc.jsonValue()), fc.dictionary(fc.string(), fc.jsonValue()));
    fc.assert(
      fc.property(containers, fc.nat(), (value, at) => {
        const text = JSON.stringify(value);
        const cut = text.slice(0, 1 + (at % text.length));
        expect(Array.isArray(parseJsonPrefix(cut))).to.equal(Array.isArray(value));
      }),
    );
  });
});
