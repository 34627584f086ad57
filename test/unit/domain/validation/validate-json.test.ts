import { expect } from 'chai';
import { configValueProblems, jsonProblems } from '../../../../src/domain/validation/validate-json.ts';

const nested = (depth: number, leaf: unknown = 1): unknown =>
  depth === 0 ? leaf : { a: nested(depth - 1, leaf) };
const FINITE = 'must be a finite number';
const NO_JSON = 'must be a JSON value';

describe('jsonProblems', () => {
  const rows: [string, unknown, [string, string][]][] = [
    ['accepts every kind of JSON', { a: [null, true, 1.5, 'x', { b: [] }], c: -0 }, []],
    ['accepts objects without a prototype', Object.assign(Object.create(null) as object, { a: 1 }), []],
    ['refuses NaN', { score: NaN }, [['v.score', FINITE]]],
    ['refuses infinity at the top', -Infinity, [['v', FINITE]]],
    ['refuses undefined', [undefined], [['v[0]', NO_JSON]]],
    [
      'refuses a hole in a list',
      Array.from({ length: 2 }),
      [
        ['v[0]', NO_JSON],
        ['v[1]', NO_JSON],
      ],
    ],
    ['refuses bigints', { a: 1n }, [['v.a', NO_JSON]]],
    [
      'refuses dates and other objects of a class',
      { a: new Date(0), b: new Map() },
      [
        ['v.a', NO_JSON],
        ['v.b', NO_JSON],
      ],
    ],
    ['quotes odd keys in paths', { 'a b': { '"': NaN } }, [['v["a b"]["\\""]', FINITE]]],
    ['accepts depth 24', nested(24), []],
    ['refuses depth 25', nested(25), [[`v${'.a'.repeat(24)}`, 'is nested deeper than 24']]],
    [
      'does not look below the greatest depth',
      nested(2_000, NaN),
      [[`v${'.a'.repeat(24)}`, 'is nested deeper than 24']],
    ],
    ['does not look below __proto__, which is dropped', JSON.parse('{"__proto__":{"a":1e999}}'), []],
  ];
  for (const [title, value, expected] of rows) {
    it(title, () => {
      const found = jsonProblems(value, 'v').map(({ field, description }) => [field, description]);
      expect(found).to.deep.equal(expected);
    });
  }

  it('returns at most a thousand violations', () => {
    expect(
      jsonProblems(
        Array.from({ length: 5000 }, () => NaN),
        'v',
      ),
    ).to.have.length(1000);
  });
});

describe('configValueProblems', () => {
  const rows: [title: string, value: unknown, paths: string[]][] = [
    ['accepts ±(2^53-1)', [2 ** 53 - 1, -(2 ** 53 - 1)], []],
    ['accepts fractions of any size', [0.1, 5e-324, 1234567890.5], []],
    ['refuses 2^53, which 2^53 + 1 was rounded to', { a: [2 ** 53] }, ['v.a[0]']],
    ['refuses -2^53', -(2 ** 53), ['v']],
    ['refuses every larger double, as all of them are integers', { a: 1e21, b: 1.7e308 }, ['v.a', 'v.b']],
    ['refuses what is no JSON', [NaN, undefined], ['v[0]', 'v[1]']],
  ];
  for (const [title, value, paths] of rows) {
    it(title, () => expect(configValueProblems(value, 'v').map(({ field }) => field)).to.deep.equal(paths));
  }
});
