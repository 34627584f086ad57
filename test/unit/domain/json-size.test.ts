import { expect } from 'chai';
import fc from 'fast-check';
import { jsonProblems } from '../../../src/domain/validation/validate-json.ts';
import { isLargerThan, jsonBound, jsonBytes } from '../../../src/domain/json-size.ts';
import { asStored } from '../../../src/domain/json.ts';
import type { JsonValue } from '../../../src/domain/json.ts';
import { anyJson, goodJson } from '../../support/arbitrary-json.ts';

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
