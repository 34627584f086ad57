import { expect } from 'chai';
import { jsonProblems } from '../../../../src/domain/validation/validate-json.ts';

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
