import { expect } from 'chai';
import fc from 'fast-check';
import type { Assignment } from '../../../../src/domain/agent.ts';
import { assign } from '../../../../src/domain/assignments/assign.ts';
import { compileAssignments } from '../../../../src/domain/assignments/compile-assignments.ts';
import { jsonBytes, jsonDepth, type JsonObject, type JsonValue } from '../../../../src/domain/json.ts';
import { awkwardJson } from '../../../support/arbitrary-drafts.ts';

const nested = (depth: number): JsonValue => (depth === 0 ? 1 : [nested(depth - 1)]);

describe('assign, for any response', () => {
  it('keeps every value and the variables of the conversation within their limits', () => {
    const rule = fc.record({
      attributeName: fc.constantFrom('a', 'b', 'a.b', 'a.0', 'c'),
      dynamicVariable: fc.constantFrom('a', 'b', 'c', 'd'),
      required: fc.constant(false),
    });
    const long = fc.integer({ min: 0, max: 20_000 }).map((length) => 'x'.repeat(length));
    const body = fc.dictionary(
      fc.constantFrom('a', 'b', 'c'),
      fc.oneof(awkwardJson, long, fc.array(long, { maxLength: 3 })),
    );
    fc.assert(
      fc.property(
        fc.array(rule, { maxLength: 8 }),
        body,
        fc.integer({ min: 200_000, max: 262_000 }),
        (rules, found, size) => {
          const before: JsonObject = { big: 'x'.repeat(size) };
          const result = assign(compileAssignments(rules, []), found, before);
          if (!result.ok) throw new Error('nothing is required');
          expect(jsonBytes({ ...before, ...result.assigned })).to.be.at.most(262_144);
          for (const value of Object.values(result.assigned)) {
            expect(jsonBytes(value)).to.be.at.most(16_384);
            expect(jsonDepth(value)).to.be.at.most(24);
          }
          expect(Object.keys(result.sources)).to.deep.equal(Object.keys(result.assigned));
        },
      ),
      { numRuns: 300 },
    );
  });

  it('assigns exactly the values that fit when all variables are measured', () => {
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
        const result = assign(compileAssignments(rules, []), found, variables);
        if (!result.ok) throw new Error('nothing is required');
        expect(result.assigned).to.deep.equal(measured(rules, found, variables));
      }),
      { numRuns: 500 },
    );
  });
});

/** Returns the values that fit by the letter of the rules: each is within its own limits, and all variables within theirs. */
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
