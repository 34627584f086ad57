import { expect } from 'chai';
import {
  validateCallDetails,
  type CallDetailsDraft,
} from '../../../../src/domain/validation/validate-call-details.ts';
import type { JsonObject, JsonValue } from '../../../../src/domain/json.ts';

const details: CallDetailsDraft = { callerPhone: '', metadata: undefined, dynamicVariables: undefined };
const check = (draft: Partial<CallDetailsDraft>) => validateCallDetails({ ...details, ...draft });
const nested = (depth: number): JsonValue => (depth === 0 ? 1 : { a: nested(depth - 1) });
const big = (bytes: number): JsonObject => ({ a: 'x'.repeat(bytes - '{"a":""}'.length) });
const LONGEST = 315_576_000_000n;

describe('validateCallDetails', () => {
  const rows: [string, Partial<CallDetailsDraft>, string[]][] = [
    ['takes nothing at all', {}, []],
    ['takes a phone of 256 bytes', { callerPhone: '1'.repeat(256) }, []],
    ['refuses a longer phone', { callerPhone: '1'.repeat(257) }, ['caller_phone']],
    ['takes a summary of 64 KiB', { callSummary: 'x'.repeat(65_536) }, []],
    ['refuses a longer summary', { callSummary: 'x'.repeat(65_537) }, ['call_summary']],
    ['takes metadata of 1 MiB', { metadata: big(1_048_576) }, []],
    ['refuses larger metadata', { metadata: big(1_048_577) }, ['metadata']],
    ['takes metadata of depth 24', { metadata: nested(24) as JsonObject }, []],
    ['refuses deeper metadata', { metadata: nested(25) as JsonObject }, [`metadata${'.a'.repeat(24)}`]],
    ['refuses what is not finite', { metadata: { a: [Infinity] } }, ['metadata.a[0]']],
    ['takes any name in metadata', { metadata: { 'a b': 1, call: 2, constructor: 3 } }, []],
    ['takes undeclared variables', { dynamicVariables: { whatever: [1] } }, []],
    [
      'refuses names that could not be declared',
      { dynamicVariables: { agent_uuid: 1 } },
      ['dynamic_variables.agent_uuid'],
    ],
    ['refuses values over 16 KiB', { dynamicVariables: { a: 'x'.repeat(16_383) } }, ['dynamic_variables.a']],
    ['takes values of depth 24', { dynamicVariables: { a: nested(24) } }, []],
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
    ['takes a mask for what it is, a text', { dynamicVariables: { a: '••••••' } }, []],
    ['takes no duration', { callDuration: { seconds: 0n, nanos: 0 } }, []],
    ['takes the longest duration', { callDuration: { seconds: LONGEST, nanos: 0 } }, []],
    ['refuses a longer one', { callDuration: { seconds: LONGEST + 1n, nanos: 0 } }, ['call_duration']],
    ['refuses negative seconds', { callDuration: { seconds: -1n, nanos: 0 } }, ['call_duration']],
    ['refuses negative nanoseconds', { callDuration: { seconds: 0n, nanos: -1 } }, ['call_duration']],
    [
      'refuses a second of nanoseconds',
      { callDuration: { seconds: 0n, nanos: 1_000_000_000 } },
      ['call_duration'],
    ],
    [
      'tells all violations in the order of the request',
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

  it('leaves out what is missing', () => {
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
    it(`gives ${expected} s as the nearest number`, () => {
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
});
