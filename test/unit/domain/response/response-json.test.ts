import { expect } from 'chai';
import { readResponse } from '../../../../src/domain/response/response-json.ts';

const readBytes = (body: Uint8Array) => readResponse({ status: 200, headers: [], body });
const read = (text: string) => readBytes(Buffer.from(text));

describe('readResponse, for the body of a response', () => {
  const messages: [string, Uint8Array, string][] = [
    ['is not UTF-8', Buffer.from([0x22, 0xff, 0x22]), 'the response body is not valid UTF-8'],
    ['is nested deeper than 64', Buffer.from('['.repeat(65)), 'the response body is nested deeper than 64'],
    [
      'holds a number that is not finite',
      Buffer.from('[1e999]'),
      'the response body holds a number that is not finite',
    ],
    ['is not JSON', Buffer.from('hunter2'), 'the response body is not JSON'],
    ['is blank', Buffer.from(' '), 'the response body is not JSON'],
    ['is an unclosed text', Buffer.from('"a\\'), 'the response body is not JSON'],
  ];
  for (const [title, bytes, message] of messages) {
    it(`refuses a body that ${title}, and shows nothing of it`, () => {
      expect(readBytes(bytes)).to.deep.equal({ ok: false, message });
    });
  }

  const nested = (depth: number, openings: readonly string[]): string => {
    const open = Array.from({ length: depth }, (_, i) => openings[i % openings.length] as string);
    const close = open.toReversed().map((opening) => (opening === '[' ? ']' : '}'));
    return `${open.join('')}1${close.join('')}`;
  };
  for (const openings of [['['], ['{"a":'], ['[', '{"a":'], ['[', '[', '[', '{"a":']]) {
    it(`reads 64 levels of ${openings.join('')}, and refuses 65`, () => {
      expect(read(nested(64, openings)).ok).to.equal(true);
      expect(read(nested(65, openings)))
        .to.have.property('message')
        .that.contains('deeper than 64');
    });
  }

  it('reads any number of openings that stand side by side or in strings', () => {
    const text = `[${'[],{"[{":"[["},'.repeat(100)}1]`;
    expect(read(text)).to.deep.equal({ ok: true, value: JSON.parse(text) as unknown });
  });

  it('refuses a million levels without going through all of them', () => {
    const bytes = Buffer.alloc(4_000_000, '[');
    const begun = performance.now();
    expect(readBytes(bytes).ok).to.equal(false);
    expect(performance.now() - begun).to.be.lessThan(250);
  });

  it('reads 4 MiB of long numbers, one of them too long for a double', () => {
    const text = `[${'1234567890123456,'.repeat(200_000)}12345678901234567890]`;
    const result = read(text);
    expect(result.ok && Array.isArray(result.value) ? result.value.at(-1) : undefined).to.equal(
      '12345678901234567890',
    );
    expect(result.ok && Array.isArray(result.value) ? result.value[0] : undefined).to.equal(1234567890123456);
  });

  it('keeps the order of keys', () => {
    const result = read('{"z":1,"a":{"y":12345678901234567890,"b":2},"m":"\\u0041"}');
    expect(result.ok && JSON.stringify(result.value)).to.equal(
      '{"z":1,"a":{"y":"12345678901234567890","b":2},"m":"A"}',
    );
  });

  for (const text of ['-0', '[-0]', '{"a":-0}', '[-0,1]', '-0.00', '-0e3', '-1e-999', ' -0 ']) {
    it(`reads ${text} as 0 without a sign`, () => {
      const result = read(text);
      const [zero] = [result.ok ? result.value : undefined].flatMap((value) =>
        value !== null && typeof value === 'object' ? Object.values(value) : value,
      );
      expect(Object.is(zero, 0)).to.equal(true);
    });
  }

  it('drops the key __proto__ and leaves the prototype alone', () => {
    const result = read('{"__proto__":{"polluted":true},"a":{"__proto__":null,"b":1}}');
    const value = result.ok ? (result.value as Record<string, unknown>) : {};
    expect(Object.keys(value)).to.deep.equal(['a']);
    expect(Object.getPrototypeOf(value)).to.equal(Object.prototype);
    expect(value['polluted']).to.equal(undefined);
  });
});

describe('readResponse, for the head of a response', () => {
  it('refuses a content coding whatever the body is', () => {
    const headers = [{ name: 'Content-Encoding', value: 'gzip' }];
    const result = readResponse({ status: 200, headers, body: Buffer.from('{}') });
    expect(result).to.deep.equal({
      ok: false,
      message: 'the response body has a content coding that was not asked for',
    });
  });

  it('returns nothing for a 204 and for an empty body', () => {
    for (const [status, text] of [
      [204, 'oops'],
      [200, ''],
    ] as const) {
      const result = readResponse({ status, headers: [], body: Buffer.from(text) });
      expect(result).to.deep.equal({ ok: true, value: undefined });
    }
  });
});
