import { expect } from 'chai';
import fc from 'fast-check';
import { assign } from '../../../src/domain/assignments.ts';
import { validateCallDetails } from '../../../src/domain/validation/validate-call-details.ts';
import { jsonProblems } from '../../../src/domain/validation/validate-json.ts';
import { arePlainVariables, variablesViolations } from '../../../src/domain/validation/validate-variables.ts';
import { isLargerThan, jsonBound, jsonBytes } from '../../../src/domain/json-size.ts';
import { asStored } from '../../../src/domain/json.ts';
import type { Assignment } from '../../../src/domain/agent.ts';
import type { JsonObject, JsonValue } from '../../../src/domain/json.ts';
import { anyJson, anyStruct, goodJson } from '../../support/arbitrary-json.ts';
import { VARIABLES } from '../../support/arbitrary-webhooks.ts';

/** Texts whose JSON is one, two, three, four and six times as long as they are, in bytes per unit. */
const unit = fc.constantFrom('x', '"', '\n', '\u0001', 'é', '€', '😀', '\ud800', '\u2028');
const longText = fc.tuple(unit, fc.nat(4_000)).map(([text, times]) => text.repeat(times));
const nested = (depth: number): JsonValue =>
  depth === 0 ? 1 : depth % 2 === 0 ? [nested(depth - 1)] : { a: nested(depth - 1) };

describe('jsonBound', () => {
  it('is never below the true size, and finite only for JSON that is stored as it is', () => {
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

  it('has room for every number', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (number) => {
        expect(JSON.stringify(number).length).to.be.at.most(jsonBound(number === 0 ? 0 : number, 100));
      }),
    );
    expect(JSON.stringify(-1.2345678901234567e-6).length).to.equal(jsonBound(1, 100));
  });

  const rows: [title: string, value: unknown, isFinite: boolean][] = [
    ['takes 24 levels', nested(24), true],
    ['leaves 25 levels to a closer look', nested(25), false],
    ['leaves what is not finite', [NaN], false],
    ['leaves -0, which is stored as 0', { a: -0 }, false],
    ['leaves what JSON has no kind for', { a: undefined }, false],
    ['leaves bigints', 1n, false],
    ['leaves dates', new Date(0), false],
    ['leaves the key __proto__', JSON.parse('{"__proto__":1}'), false],
    ['leaves objects without a prototype', Object.create(null), false],
    ['takes other scalars', [true, null, 'x', 1], true],
  ];
  for (const [title, value, isFinite] of rows) {
    it(title, () => expect(Number.isFinite(jsonBound(value, 10_000))).to.equal(isFinite));
  }

  it('does not go on behind the limit', () => {
    let looked = 0;
    const spy = new Proxy([] as JsonValue[], {
      get: (list, key, receiver) => {
        if (key === 'length') return 1e6;
        if (typeof key === 'string' && /^\d+$/.test(key)) looked += 1;
        return typeof key === 'string' && /^\d+$/.test(key)
          ? 'x'
          : (Reflect.get(list, key, receiver) as unknown);
      },
    });
    expect(jsonBound(spy, 900)).to.equal(Infinity);
    expect(looked).to.be.at.most(101);
  });
});

describe('what asks the bound first', () => {
  it('isLargerThan says exactly what the size says', () => {
    fc.assert(
      fc.property(fc.oneof(goodJson, longText), fc.integer({ min: -2, max: 2 }), (json, off) => {
        const value = json as JsonValue;
        const size = jsonBytes(value);
        expect(isLargerThan(value, size + off)).to.equal(off < 0);
      }),
      { numRuns: 1_000 },
    );
  });

  it('plain variables have no violation and are stored as they are', () => {
    fc.assert(
      fc.property(anyStruct(VARIABLES), (struct) => {
        const variables = struct as JsonObject;
        if (!arePlainVariables(variables)) return;
        expect(variablesViolations(variables, 'v')).to.deep.equal([]);
        expect(asStored(variables)).to.deep.equal(variables);
      }),
      { numRuns: 1_000 },
    );
  });

  it('validateCallDetails gives what is read back later, and the violations of a closer look', () => {
    fc.assert(
      fc.property(anyStruct(VARIABLES), anyStruct(VARIABLES), (variables, metadata) => {
        const draft = {
          callerPhone: '',
          dynamicVariables: variables as JsonObject,
          metadata: metadata as JsonObject,
        };
        const { details, violations } = validateCallDetails(draft);
        const problems = jsonProblems(metadata, 'metadata');
        if (problems.length === 0 && jsonBytes(draft.metadata) > 1_048_576) return;
        const closer = [...variablesViolations(draft.dynamicVariables, 'dynamic_variables'), ...problems];
        expect(violations).to.deep.equal(closer);
        if (closer.length > 0) return;
        expect(details.metadata).to.deep.equal(asStored(draft.metadata));
        expect(details.dynamicVariables).to.deep.equal(asStored(draft.dynamicVariables));
      }),
      { numRuns: 1_000 },
    );
  });

  it('assign takes the values that a full measure of all variables takes, and no other', () => {
    const size = fc.oneof(fc.nat(3_000), fc.integer({ min: 16_300, max: 16_400 }), fc.nat(16_000));
    const text = fc
      .tuple(fc.constantFrom('x', '"', '\u0001'), size)
      .map(([char, bytes]) =>
        char.repeat(Math.floor(bytes / Buffer.byteLength(JSON.stringify(char).slice(1, -1)))),
      );
    const body = fc.record({ a: text, b: text, c: text, d: fc.constant(nested(25)) });
    const rule = fc.record({
      attributeName: fc.constantFrom('a', 'b', 'c', 'd', 'no'),
      dynamicVariable: fc.constantFrom('a', 'b', 'c', 'v0'),
      required: fc.constant(false),
    });
    // Of control characters the bound is the size itself.
    const before = fc.record({
      char: fc.constantFrom('x', '\u0001'),
      count: fc.integer({ min: 13, max: 17 }),
      bytes: fc.integer({ min: 14_000, max: 16_380 }),
    });
    fc.assert(
      fc.property(fc.array(rule, { maxLength: 8 }), body, before, (rules, found, { char, count, bytes }) => {
        const value = char.repeat(Math.floor(bytes / (char === 'x' ? 1 : 6)));
        const variables = Object.fromEntries(Array.from({ length: count }, (_, i) => [`v${i}`, value]));
        const result = assign(rules, found, variables);
        if (!result.ok) throw new Error('nothing is required');
        expect(result.assigned).to.deep.equal(measured(rules, found, variables));
      }),
      { numRuns: 500 },
    );
  });
});

/** The rules by their words: a value counts if it is within its own limits and all variables are within theirs. */
function measured(rules: readonly Assignment[], body: JsonObject, variables: JsonObject): JsonObject {
  const assigned: JsonObject = {};
  for (const { attributeName, dynamicVariable } of rules) {
    const value = body[attributeName];
    if (value === undefined || attributeName === 'd' || jsonBytes(value) > 16_384) continue;
    if (jsonBytes({ ...variables, ...assigned, [dynamicVariable]: value }) > 262_144) continue;
    assigned[dynamicVariable] = value;
  }
  return assigned;
}
