import { expect } from 'chai';
import fc from 'fast-check';
import { readResponse } from '../../../../src/domain/response/response-json.ts';
import { nearlyRightText } from '../../../support/arbitrary-drafts.ts';

const readBody = (body: Uint8Array) => readResponse({ status: 200, headers: [], body }, (text) => text);

describe('readResponse, for any body', () => {
  it('never throws, and reads JSON as JSON.parse does', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array(),
          nearlyRightText.map((it) => Buffer.from(it)),
        ),
        (bytes) => {
          readBody(bytes);
        },
      ),
    );
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 5, noUnicodeString: false }), (value) => {
        const body = JSON.stringify(value);
        const expected: unknown = JSON.parse(body);
        const isPlain = !/\\u|__proto__|[0-9]{16}/.test(body);
        const read = readBody(Buffer.from(body));
        expect(read.ok).to.equal(true);
        if (isPlain && read.ok) expect(read.value).to.deep.equal(expected);
      }),
    );
  });

  it('reads numbers as a reviver that sees every literal would', () => {
    const literal = fc.constantFrom(
      ...[
        '-0',
        '-0.0',
        '-0e1',
        '-0.0E-2',
        '0',
        '-1',
        '1.5',
        '1e5',
        '1E+5',
        '2.5e-7',
        '1e999',
        '-1.5E+400',
        '5e-999',
      ],
      ...['9007199254740991', '9007199254740993', '-9007199254740993', '1234567890123456', '123456789012345'],
      ...['12345678901234567.0', '0.12345678901234567890', `1${'0'.repeat(400)}`, '-12345678901234567890'],
      ...['"3e8f-0"', '": -0,"', '"1e999"', '"[1234567890123456"', 'null', '[]', '{"a":1}'],
    );
    const gap = fc.constantFrom('', '', ' ', '\n', '\t', '\r\n');
    const padded = fc.tuple(gap, literal, gap).map((parts) => parts.join(''));
    const body = fc.oneof(
      padded,
      fc.array(padded, { maxLength: 3 }).map((items) => `[${items.join(',')}]`),
      fc
        .array(padded, { maxLength: 3 })
        .map((items) => `{${items.map((item, i) => `"k${i}":${item}`).join(',')}}`),
    );
    fc.assert(
      fc.property(body, (text) => {
        let isFinite = true;
        const expected: unknown = JSON.parse(text, ((_key, value: unknown, context?: { source?: string }) => {
          if (typeof value !== 'number' || value === 0) return value === 0 ? 0 : value;
          if (!Number.isSafeInteger(value) && /^-?[0-9]+$/.test(context?.source ?? ''))
            return context?.source;
          isFinite &&= Number.isFinite(value);
          return value;
        }) as (key: string, value: unknown) => unknown);
        const read = readBody(Buffer.from(text));
        expect(read.ok).to.equal(isFinite);
        if (read.ok) expect(read.value).to.deep.equal(expected);
      }),
      { numRuns: 2_000 },
    );
  });

  it('keeps every digit of an integer', () => {
    fc.assert(
      fc.property(fc.bigInt(), (integer) => {
        const read = readBody(Buffer.from(`{"a":[${integer}]}`));
        const safe = integer >= Number.MIN_SAFE_INTEGER && integer <= Number.MAX_SAFE_INTEGER;
        expect(read).to.deep.equal({ ok: true, value: { a: [safe ? Number(integer) : String(integer)] } });
      }),
    );
  });
});
