import { expect } from 'chai';
import fc from 'fast-check';
import { asStored, jsonBytes, type JsonObject, type JsonValue } from '../../../../src/domain/json.ts';
import { jsonProblems } from '../../../../src/domain/validation/validate-json.ts';
import { variablesViolations } from '../../../../src/domain/validation/validate-variables.ts';
import { anyStruct } from '../../../support/arbitrary-json.ts';
import { VARIABLES } from '../../../support/arbitrary-webhooks.ts';
import {
  arePlainVariables,
  validateCallDetails,
  type CallDetailsDraft,
} from '../../../../src/domain/validation/validate-call-details.ts';

const details: CallDetailsDraft = { callerPhone: '', metadata: undefined, dynamicVariables: undefined };
const check = (draft: Partial<CallDetailsDraft>) => validateCallDetails({ ...details, ...draft });
const nested = (depth: number): JsonValue => (depth === 0 ? 1 : { a: nested(depth - 1) });
const big = (bytes: number): JsonObject => ({ a: 'x'.repeat(bytes - '{"a":""}'.length) });
const LONGEST = 315_576_000_000n;

describe('validateCallDetails', () => {
  const rows: [string, Partial<CallDetailsDraft>, string[]][] = [
    ['accepts empty details', {}, []],
    ['accepts a phone of 256 bytes', { callerPhone: '1'.repeat(256) }, []],
    ['refuses a longer phone', { callerPhone: '1'.repeat(257) }, ['caller_phone']],
    ['accepts a summary of 64 KiB', { callSummary: 'x'.repeat(65_536) }, []],
    ['refuses a longer summary', { callSummary: 'x'.repeat(65_537) }, ['call_summary']],
    ['accepts metadata of 3 MiB', { metadata: big(3_145_728) }, []],
    ['refuses larger metadata', { metadata: big(3_145_729) }, ['metadata']],
    ['accepts metadata of depth 24', { metadata: nested(24) as JsonObject }, []],
    ['refuses deeper metadata', { metadata: nested(25) as JsonObject }, [`metadata${'.a'.repeat(24)}`]],
    ['refuses a number that is not finite', { metadata: { a: [Infinity] } }, ['metadata.a[0]']],
    ['accepts any name in metadata', { metadata: { 'a b': 1, call: 2, constructor: 3 } }, []],
    ['accepts undeclared variables', { dynamicVariables: { whatever: [1] } }, []],
    [
      'refuses names that could not be declared',
      { dynamicVariables: { agent_uuid: 1 } },
      ['dynamic_variables.agent_uuid'],
    ],
    ['refuses values over 16 KiB', { dynamicVariables: { a: 'x'.repeat(16_383) } }, ['dynamic_variables.a']],
    ['accepts values of depth 24', { dynamicVariables: { a: nested(24) } }, []],
    [
      'refuses deeper values',
      { dynamicVariables: { a: nested(25) } },
      [`dynamic_variables.a${'.a'.repeat(24)}`],
    ],
    [
      'refuses more than 256 KiB together',
      {
        dynamicVariables: Object.fromEntries(
          Array.from({ length: 17 }, (_, i) => [`v${i}`, 'x'.repeat(16_000)]),
        ),
      },
      ['dynamic_variables'],
    ],
    ['accepts a mask as a text like any other', { dynamicVariables: { a: '••••••' } }, []],
    ['accepts a duration of zero', { callDuration: { seconds: 0n, nanos: 0 } }, []],
    ['accepts the longest duration', { callDuration: { seconds: LONGEST, nanos: 0 } }, []],
    ['refuses a longer duration', { callDuration: { seconds: LONGEST + 1n, nanos: 0 } }, ['call_duration']],
    ['refuses negative seconds', { callDuration: { seconds: -1n, nanos: 0 } }, ['call_duration']],
    ['refuses negative nanoseconds', { callDuration: { seconds: 0n, nanos: -1 } }, ['call_duration']],
    [
      'refuses a second of nanoseconds',
      { callDuration: { seconds: 0n, nanos: 1_000_000_000 } },
      ['call_duration'],
    ],
    [
      'returns all violations in the order of the request',
      {
        callerPhone: '1'.repeat(257),
        dynamicVariables: { call: 1 },
        metadata: { a: NaN },
        callDuration: { seconds: -1n, nanos: 0 },
        callSummary: 'x'.repeat(65_537),
      },
      ['caller_phone', 'dynamic_variables.call', 'metadata.a', 'call_duration', 'call_summary'],
    ],
  ];
  for (const [title, draft, expected] of rows) {
    it(title, () => expect(check(draft).violations.map(({ field }) => field)).to.deep.equal(expected));
  }

  it('leaves out details that are missing', () => {
    const { details: found } = check({ callSummary: '' });
    expect(found).to.deep.equal({ callerPhone: '', metadata: {}, dynamicVariables: {} });
  });

  const durations: [bigint, number, number][] = [
    [142n, 500_000_000, 142.5],
    [0n, 1, 1e-9],
    [1n, 100_000_000, 1.1],
    [4_611_686n, 123_456_789, 4_611_686.123456789],
    [60n, 0, 60],
  ];
  for (const [seconds, nanos, expected] of durations) {
    it(`returns ${expected} s as the nearest double`, () => {
      expect(check({ callDuration: { seconds, nanos } }).details.callDurationSecs).to.equal(expected);
    });
  }

  it('drops the key __proto__ at any depth', () => {
    const value = JSON.parse('{"__proto__":1,"a":[{"__proto__":{"b":1},"c":1}]}') as JsonObject;
    const { details: found, violations } = check({ metadata: value, dynamicVariables: value });
    expect(violations).to.deep.equal([]);
    expect(found).to.deep.equal({
      callerPhone: '',
      metadata: { a: [{ c: 1 }] },
      dynamicVariables: { a: [{ c: 1 }] },
    });
  });

  it('returns the details as they are read back later, and all violations of a closer look', () => {
    fc.assert(
      fc.property(anyStruct(VARIABLES), anyStruct(VARIABLES), (variables, metadata) => {
        const draft = {
          callerPhone: '',
          dynamicVariables: variables as JsonObject,
          metadata: metadata as JsonObject,
        };
        const { details, violations } = validateCallDetails(draft);
        const problems = jsonProblems(metadata, 'metadata');
        if (problems.length === 0 && jsonBytes(draft.metadata) > 3_145_728) return;
        const closer = [...variablesViolations(draft.dynamicVariables, 'dynamic_variables'), ...problems];
        expect(violations).to.deep.equal(closer);
        if (closer.length > 0) return;
        expect(details.metadata).to.deep.equal(asStored(draft.metadata));
        expect(details.dynamicVariables).to.deep.equal(asStored(draft.dynamicVariables));
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('arePlainVariables', () => {
  it('accepts only variables that have no violation and are stored as they are', () => {
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
});
