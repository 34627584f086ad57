import { expect } from 'chai';
import { createMasker, type Masker } from '../../../../src/domain/redaction/redact.ts';
import {
  toRequestRecord,
  toResponseRecord,
  type ResponseToRecord,
} from '../../../../src/domain/redaction/redacted-record.ts';

const M = '••••••';
const noMask: Masker = (text) => text;
const responseOf = (body: string | Uint8Array, changes: Partial<ResponseToRecord> = {}): ResponseToRecord => {
  const bytes = typeof body === 'string' ? new TextEncoder().encode(body) : body;
  return { status: 200, headers: [], body: bytes, bodyBytes: bytes.length, truncated: false, ...changes };
};
const inCharset = (charset: string) => ({
  headers: [{ name: 'Content-Type', value: `text/plain; charset=${charset}` }],
});
const bodyOf = (response: ResponseToRecord, recordBytes: number, mask = noMask) => {
  const { body, bodyBinary, bodyBytes, truncated } = toResponseRecord(response, mask, recordBytes);
  return [body, bodyBinary, bodyBytes, truncated];
};

describe('toResponseRecord', () => {
  const bodies: [title: string, response: ResponseToRecord, recordBytes: number, expected: unknown[]][] = [
    ['keeps a body that fits', responseOf('hällo'), 6, ['hällo', false, 6, false]],
    ['cuts a longer body', responseOf('hällo'), 5, ['häll', false, 6, true]],
    ['cuts at a character', responseOf('a€b'), 3, ['a', false, 5, true]],
    ['never cuts an emoji in half', responseOf('😀😀'), 7, ['😀', false, 8, true]],
    ['keeps nothing of a body when recordBytes is 0', responseOf('abc'), 0, ['', false, 3, true]],
    ['reports an empty body as not truncated', responseOf(''), 0, ['', false, 0, false]],
    [
      'keeps the part that was read of a body that broke off',
      responseOf('abc', { truncated: true, bodyBytes: 9 }),
      100,
      ['abc', false, 9, true],
    ],
    [
      'reads the charset that the content type declares',
      responseOf(Buffer.from('hällo', 'latin1'), inCharset('iso-8859-1')),
      100,
      ['hällo', false, 5, false],
    ],
    [
      'drops half a character of UTF-16 at the end of a body that broke off',
      responseOf(Buffer.from('hä€', 'utf16le').subarray(0, 5), { ...inCharset('utf-16'), truncated: true }),
      100,
      ['hä', false, 5, true],
    ],
    [
      'drops half a character of Shift JIS at the end of a body that broke off',
      responseOf(Uint8Array.of(0x83, 0x65, 0x83), { ...inCharset('shift_jis'), truncated: true }),
      100,
      ['テ', false, 3, true],
    ],
    [
      'finds a body binary that declares a charset and has a NUL in it',
      responseOf(Uint8Array.of(0xe4, 0), inCharset('iso-8859-1')),
      100,
      ['', true, 2, false],
    ],
    [
      'drops half a character at the end of a body that broke off',
      responseOf(Uint8Array.of(97, 0xe2, 0x82), { truncated: true }),
      100,
      ['a', false, 3, true],
    ],
    [
      'keeps a whole character at the end of a body that broke off',
      responseOf('a€', { truncated: true }),
      100,
      ['a€', false, 4, true],
    ],
    ['treats invalid UTF-8 as binary', responseOf(Uint8Array.of(97, 0xff, 98)), 100, ['', true, 3, false]],
    [
      'treats half a character at the true end as binary',
      responseOf(Uint8Array.of(97, 0xe2, 0x82)),
      100,
      ['', true, 3, false],
    ],
    ['treats gzip as binary', responseOf(Uint8Array.of(0x1f, 0x8b, 8, 0)), 100, ['', true, 4, false]],
    ['treats a NUL as binary', responseOf('a\0b'), 100, ['', true, 3, false]],
    [
      'keeps a byte order mark and control characters',
      responseOf('\ufeffa\u0001'),
      100,
      ['\ufeffa\u0001', false, 5, false],
    ],
    [
      'looks at no bytes far behind the cut',
      responseOf(new Uint8Array(5000).fill(97).fill(0xff, 4000)),
      10,
      ['aaaaaaaaaa', false, 5000, true],
    ],
  ];
  for (const [title, response, recordBytes, expected] of bodies) {
    it(title, () => expect(bodyOf(response, recordBytes)).to.deep.equal(expected));
  }

  const mask = createMasker(['secret-value'], []);
  const cuts: [title: string, response: ResponseToRecord, recordBytes: number, body: string][] = [
    ['masks before the cut', responseOf('ab secret-value cd'), 100, `ab ${M} cd`],
    ['masks a value across the cut', responseOf('ab secret-value cd'), 9, 'ab ••'],
    [
      'masks the beginning of a value at the end of a body that broke off',
      responseOf('ab secret-v', { truncated: true }),
      100,
      `ab ${M}`,
    ],
    [
      'masks a value across the cut whose end was not read',
      responseOf('ab secret-', { truncated: true }),
      8,
      'ab •',
    ],
    [
      'keeps the beginning of a value at the cut when the rest is another text',
      responseOf('ab secretly yours'),
      9,
      'ab secret',
    ],
    ['keeps the beginning of a value at the true end', responseOf('ab secret'), 100, 'ab secret'],
  ];
  for (const [title, response, recordBytes, body] of cuts) {
    it(title, () => expect(bodyOf(response, recordBytes, mask)[0]).to.equal(body));
  }

  it('shows no beginning of a value for any cut and any end of the read part', () => {
    const whole = new TextEncoder().encode(`${'x'.repeat(20)}secret-value${'y'.repeat(20)}`);
    for (let read = 0; read <= whole.length; read += 1) {
      const response = responseOf(whole.subarray(0, read), { truncated: read < whole.length });
      for (let cut = 0; cut <= whole.length + 10; cut += 1) {
        expect(bodyOf(response, cut, mask)[0], `${read} read, cut at ${cut}`).not.to.contain('secr');
      }
    }
  });

  it('keeps at most recordBytes of a masked body', () => {
    const masker = createMasker(['abcdefgh'], []);
    for (const bytes of [1, 17, 18, 19, 64]) {
      const [body] = bodyOf(responseOf('abcdefgh'.repeat(20)), bytes, masker);
      expect(Buffer.byteLength(body as string)).to.be.at.most(bytes);
    }
  });

  it('drops set-cookie and sensitive names from the head, and masks values in other headers', () => {
    const headers = [
      { name: 'content-type', value: 'text/plain' },
      { name: 'set-cookie', value: 'sid=1' },
      { name: 'x-auth-token', value: 'abc' },
      { name: 'x-echo', value: 'a secret-value' },
      { name: 'x-echo', value: 'b' },
    ];
    expect(toResponseRecord(responseOf('', { headers }), mask, 10).headers).to.deep.equal([
      { name: 'content-type', value: 'text/plain' },
      { name: 'x-echo', value: `a ${M}` },
      { name: 'x-echo', value: 'b' },
    ]);
  });
});

describe('toRequestRecord', () => {
  const request = { method: 'POST', url: 'https://a.example/x', headers: { accept: '*/*' }, body: 'ab€cd' };

  it('returns the headers and cuts the body at a character', () => {
    expect(toRequestRecord({ ...request, bodyBytes: 12 }, 4, noMask)).to.deep.equal({
      method: 'POST',
      url: 'https://a.example/x',
      headers: [{ name: 'accept', value: '*/*' }],
      body: 'ab',
      bodyBinary: false,
      bodyBytes: 12,
      truncated: true,
    });
  });

  it('measures the body when no size is given', () => {
    expect(toRequestRecord(request, 100, noMask)).to.include({
      body: 'ab€cd',
      bodyBytes: 7,
      truncated: false,
    });
  });

  it('returns an empty body for a request without one', () => {
    const { body: _, ...bodyless } = request;
    expect(toRequestRecord(bodyless, 100, noMask)).to.include({ body: '', bodyBytes: 0, truncated: false });
  });

  it('masks values that came in by another way', () => {
    const mask = createMasker(['abcdefgh'], []);
    const { url, headers, body } = toRequestRecord(
      {
        ...request,
        url: 'https://a.example/?q=abcdefgh',
        headers: { 'x-a': 'abcdefgh' },
        body: 'xx abcdefgh',
      },
      7,
      mask,
    );
    expect([url, headers[0]?.value, body]).to.deep.equal([`https://a.example/?q=${M}`, M, 'xx •']);
  });
});
