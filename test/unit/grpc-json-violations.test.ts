import { expect } from 'chai';
import { jsonViolations } from '../../src/grpc/json-violations.ts';

const nested = (depth: number, leaf: unknown = 1): unknown =>
  depth === 0 ? leaf : { a: nested(depth - 1, leaf) };
const lists = (depth: number): unknown => (depth === 0 ? null : [lists(depth - 1)]);
const FINITE = 'must be a finite number';

describe('jsonViolations', () => {
  const rows: [string, unknown, [string, string][]][] = [
    ['takes an absent value', undefined, []],
    ['takes every kind of JSON', { a: [null, true, 1.5, 'x', { b: [] }] }, []],
    ['takes scalars', 5, []],
    ['refuses NaN', { score: NaN }, [['metadata.score', FINITE]]],
    ['refuses Infinity at the top', -Infinity, [['metadata', FINITE]]],
    ['names places in lists', { a: [1, [2, Infinity]] }, [['metadata.a[1][1]', FINITE]]],
    ['quotes odd keys', { 'a b': { '"': NaN } }, [['metadata["a b"]["\\""]', FINITE]]],
    [
      'names all of them',
      [NaN, 1, NaN],
      [
        ['metadata[0]', FINITE],
        ['metadata[2]', FINITE],
      ],
    ],
    ['refuses a list entry without a kind', [undefined], [['metadata[0]', 'must be a JSON value']]],
    ['takes objects of depth 24', nested(24), []],
    ['takes lists of depth 24', lists(24), []],
    ['refuses objects of depth 25', nested(25), [[`metadata${'.a'.repeat(24)}`, 'is nested deeper than 24']]],
    ['refuses lists of depth 25', lists(25), [[`metadata${'[0]'.repeat(24)}`, 'is nested deeper than 24']]],
    [
      'does not look below the greatest depth',
      nested(30, NaN),
      [[`metadata${'.a'.repeat(24)}`, 'is nested deeper than 24']],
    ],
  ];
  for (const [title, value, expected] of rows) {
    it(title, () => {
      const found = jsonViolations('metadata', value).map(({ field, description }) => [field, description]);
      expect(found).to.deep.equal(expected);
    });
  }

  it('stops after a thousand violations', () => {
    expect(
      jsonViolations(
        'metadata',
        Array.from({ length: 5000 }, () => NaN),
      ),
    ).to.have.length(1000);
  });
});
