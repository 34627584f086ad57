import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { goodJson } from './arbitrary-json.ts';
import type { Known } from './arbitrary-requests.ts';
import type { Reply } from './receiver.ts';

const damages: fc.Arbitrary<(bytes: Buffer) => Buffer>[] = [
  fc.nat(9_999).map((at) => (bytes) => bytes.subarray(0, at % (bytes.length + 1))),
  fc.tuple(fc.nat(9_999), fc.nat(255)).map(([at, byte]) => (bytes) => {
    const changed = Buffer.from(bytes);
    if (changed.length > 0) changed[at % changed.length] = byte;
    return changed;
  }),
  fc.tuple(fc.nat(9_999), fc.uint8Array({ maxLength: 8 })).map(([at, more]) => (bytes) => {
    const split = at % (bytes.length + 1);
    return Buffer.concat([bytes.subarray(0, split), more, bytes.subarray(split)]);
  }),
  // These are whole fields behind the message: unknown ones, groups, a Timestamp far out, text that is not UTF-8.
  fc
    .constantFrom(
      'f80701',
      '0b0c',
      '4a0b08ffffffffffffffff7f10ff',
      '1203eda080',
      '0a02c328',
      '00',
      '42022080',
    )
    .map((hex) => (bytes) => Buffer.concat([bytes, Buffer.from(hex, 'hex')])),
];

/** Generates a function that damages the bytes of a message as a broken client or network might. */
export const anyDamage: fc.Arbitrary<(bytes: Buffer) => Buffer> = fc.oneof(...damages);

/** Generates the gRPC headers that callhooks reads: good, broken and contradictory ones that HTTP/2 allows. */
export function anyHeaders(known: Known): fc.Arbitrary<Record<string, string>> {
  const ascii = fc.string({ maxLength: 60 }).map((text) => text.replaceAll(/[^ -~]/g, '?').trim());
  const execution = fc.nat(1_000_000).map((n) => {
    const { executionUuids } = known;
    return executionUuids[n % executionUuids.length] ?? randomUUID();
  });
  const baggage = fc
    .array(
      fc.oneof(
        execution.map((uuid) => `callhooks.execution=${uuid};p=1`),
        ascii,
      ),
      { maxLength: 4 },
    )
    .map((members) => members.join(','));
  const traceparent = fc.oneof(
    fc.constantFrom(
      '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
      '00-00000000000000000000000000000000-0000000000000000-00',
      'ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    ),
    ascii,
  );
  return fc.record(
    { 'callhooks-execution': fc.oneof(execution, ascii), baggage, traceparent, tracestate: ascii },
    { requiredKeys: [] },
  );
}

const noJson = fc.constantFrom<string | Uint8Array>(
  '',
  '{',
  'null',
  '"text"',
  '[]',
  '\ufeff{"a":1}',
  '{"a":1e400}',
  '{"a":12345678901234567890,"b":-0,"items":[{"sku":9007199254740993}]}',
  '{"a":"\\ud800","b":{"__proto__":{"x":1}},"length":-0.0}',
  `${'[1,'.repeat(70)}0${']'.repeat(70)}`,
  `{"a":"${'x'.repeat(20_000)}"}`,
  `{"a":"${'x'.repeat(300_000)}"}`,
  new Uint8Array([0xff, 0xfe, 0, 1]),
  '<html>no</html>',
);

/**
 * Generates replies of an endpoint. Most are JSON in which rules find something. The others have garbage, other
 * statuses and codings.
 */
export const anyReply: fc.Arbitrary<Reply> = fc.record(
  {
    status: fc.oneof(
      { weight: 6, arbitrary: fc.constantFrom(200, 201) },
      { weight: 1, arbitrary: fc.constantFrom(204, 301, 404, 429, 500, 599) },
    ),
    body: fc.oneof(
      {
        weight: 4,
        arbitrary: fc
          .dictionary(fc.constantFrom('a', 'b', 'a.b.1', 'items', 'toString'), goodJson)
          // The receiver would send an object as JSON too, but JSON.stringify writes -0 as 0.
          .map((body) =>
            JSON.stringify(body, (_, value: unknown) =>
              Object.is(value, -0) ? 'minus zero' : value,
            ).replaceAll('"minus zero"', '-0'),
          ),
      },
      { weight: 2, arbitrary: noJson },
    ),
    headers: fc.oneof(
      { weight: 6, arbitrary: fc.constant({}) },
      {
        weight: 1,
        arbitrary: fc.constantFrom(
          { 'content-encoding': 'gzip' },
          { 'set-cookie': 'a=b' },
          { 'x-long': 'y'.repeat(20_000) },
        ),
      },
    ) as fc.Arbitrary<Record<string, string>>,
  },
  { requiredKeys: ['body'] },
);
