import { expect } from 'chai';
import fc from 'fast-check';
import { jsonProblems } from '../../../src/domain/validation/validate-json.ts';
import {
  asStored,
  isLargerThan,
  jsonBound,
  jsonBytes,
  jsonDepth,
  lookUp,
  sameJson,
  type JsonValue,
} from '../../../src/domain/json.ts';
import { anyJson, goodJson } from '../../support/arbitrary-json.ts';

describe('lookUp', () => {
  const value: JsonValue = { a: { b: [10, { c: null }], '0': 'zero', 'x.y': 1 }, s: 'text', n: 5, e: [] };
  const found: [path: string[], value: JsonValue][] = [
    [[], value],
    [['a', 'b', '0'], 10],
    [['a', 'b', '1', 'c'], null],
    [['a', '0'], 'zero'],
    [['a', 'x.y'], 1],
  ];
  for (const [path, expected] of found) {
    it(`finds ${JSON.stringify(path)}`, () =>
      expect(lookUp(value, path)).to.deep.equal({ found: true, value: expected }));
  }

  const missing = [
    ['z'],
    ['a', 'b', '2'],
    ['a', 'b', '00'],
    ['a', 'b', '-1'],
    ['a', 'b', '1.0'],
    ['a', 'b', 'length'],
    ['e', '0'],
    ['s', '0'],
    ['s', 'length'],
    ['n', 'toFixed'],
    ['toString'],
    ['__proto__'],
    ['constructor', 'name'],
    ['a', 'b', '1', 'c', 'd'],
    ['a', 'b', '99999999999999999999'],
    [''],
  ];
  for (const path of missing) {
    it(`finds nothing at ${JSON.stringify(path)}`, () =>
      expect(lookUp(value, path)).to.deep.equal({ found: false }));
  }
});

describe('jsonDepth', () => {
  const depths: [JsonValue, number][] = [
    [null, 0],
    ['a', 0],
    [[], 1],
    [{}, 1],
    [[[]], 2],
    [{ a: [{ b: 1 }] }, 3],
    [[1, [2, [3]], { a: 1 }], 3],
  ];
  for (const [value, depth] of depths) {
    it(`returns ${depth} for ${JSON.stringify(value)}`, () => expect(jsonDepth(value)).to.equal(depth));
  }

  it('measures a depth that recursion would not survive', () => {
    let deep: JsonValue = 1;
    for (let i = 0; i < 200_000; i += 1) deep = [deep];
    expect(jsonDepth(deep)).to.equal(200_000);
  });
});

describe('asStored', () => {
  it('drops the key __proto__ at any depth, and nothing else', () => {
    const value = JSON.parse('{"__proto__":{"a":1},"b":[{"__proto__":2,"constructor":3}],"c":null}');
    const dropped = asStored(value);
    expect(JSON.stringify(dropped)).to.equal('{"b":[{"constructor":3}],"c":null}');
    expect(Object.getPrototypeOf(dropped)).to.equal(Object.prototype);
  });

  it('returns 0 for -0 at any depth, because the database gives back no -0', () =>
    expect(asStored([-0, { a: [-0] }, -1, 'x'])).to.deep.equal([0, { a: [0] }, -1, 'x']));
});

describe('sameJson', () => {
  const rows: [JsonValue | undefined, JsonValue | undefined, boolean][] = [
    [undefined, undefined, true],
    [undefined, null, false],
    [null, null, true],
    [1, 1, true],
    [1, '1', false],
    [{ a: 1, b: [null, { c: 2 }] }, { b: [null, { c: 2 }], a: 1 }, true],
    [{ a: 1 }, { a: 1, b: null }, false],
    [{ a: 1, b: null }, { a: 1, c: null }, false],
    [[1, 2], [2, 1], false],
    [[1], { 0: 1 }, false],
    [[], {}, false],
    [{ constructor: 1 }, {}, false],
  ];
  for (const [one, other, expected] of rows) {
    it(`returns ${expected} for ${JSON.stringify(one)} and ${JSON.stringify(other)}`, () => {
      expect(sameJson(one, other)).to.equal(expected);
      expect(sameJson(other, one)).to.equal(expected);
    });
  }
});

/** Units whose JSON has one, two, three, four and six bytes. */
const unit = fc.constantFrom('x', '"', '\n', '\u0001', 'é', '€', '😀', '\ud800', '\u2028');
const longText = fc.tuple(unit, fc.nat(4_000)).map(([text, times]) => text.repeat(times));
const nested = (depth: number): JsonValue =>
  depth === 0 ? 1 : depth % 2 === 0 ? [nested(depth - 1)] : { a: nested(depth - 1) };

describe('jsonBytes', () => {
  it('returns bytes of UTF-8', () => expect(jsonBytes({ ü: '😀' })).to.equal(13));
});

describe('jsonBound', () => {
  it('returns at least the true size, and Infinity for a value that is not stored as it is', () => {
    fc.assert(
      fc.property(fc.oneof(anyJson, longText), fc.integer({ min: 0, max: 100_000 }), (json, limit) => {
        const bound = jsonBound(json, limit);
        if (bound === Infinity) return;
        expect(bound).to.be.at.most(limit);
        expect(jsonBytes(json as JsonValue)).to.be.at.most(bound);
        expect(jsonProblems(json, 'v')).to.deep.equal([]);
        expect(asStored(json as JsonValue)).to.deep.equal(json);
      }),
      { numRuns: 2_000 },
    );
  });

  it('returns enough for every number', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (number) => {
        expect(JSON.stringify(number).length).to.be.at.most(jsonBound(number === 0 ? 0 : number, 100));
      }),
    );
    expect(JSON.stringify(-1.2345678901234567e-6).length).to.equal(jsonBound(1, 100));
  });

  const rows: [title: string, value: unknown, isFinite: boolean][] = [
    ['returns a bound for 24 levels', nested(24), true],
    ['returns Infinity for 25 levels', nested(25), false],
    ['returns Infinity for a number that is not finite', [NaN], false],
    ['returns Infinity for -0, which is stored as 0', { a: -0 }, false],
    ['returns Infinity for undefined', { a: undefined }, false],
    ['returns Infinity for a bigint', 1n, false],
    ['returns Infinity for a date', new Date(0), false],
    ['returns Infinity for the key __proto__', JSON.parse('{"__proto__":1}'), false],
    ['returns Infinity for an object without a prototype', Object.create(null), false],
    ['returns a bound for other scalars', [true, null, 'x', 1], true],
  ];
  for (const [title, value, isFinite] of rows) {
    it(title, () => expect(Number.isFinite(jsonBound(value, 10_000))).to.equal(isFinite));
  }

  it('stops reading the value when the bound is over the limit', () => {
    let reads = 0;
    const spy = new Proxy([] as JsonValue[], {
      get: (list, key, receiver) => {
        if (key === 'length') return 1e6;
        if (typeof key === 'string' && /^\d+$/.test(key)) reads += 1;
        return typeof key === 'string' && /^\d+$/.test(key)
          ? 'x'
          : (Reflect.get(list, key, receiver) as unknown);
      },
    });
    expect(jsonBound(spy, 900)).to.equal(Infinity);
    expect(reads).to.be.at.most(101);
  });
});

describe('isLargerThan', () => {
  it('returns what the exact size says, for sizes around the limit', () => {
    fc.assert(
      fc.property(fc.oneof(goodJson, longText), fc.integer({ min: -2, max: 2 }), (json, off) => {
        const value = json as JsonValue;
        const size = jsonBytes(value);
        expect(isLargerThan(value, size + off)).to.equal(off < 0);
      }),
      { numRuns: 1_000 },
    );
  });
});
