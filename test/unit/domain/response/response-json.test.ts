import { expect } from 'chai';
import { createMasker } from '../../../../src/domain/redaction/redact.ts';
import { readResponse } from '../../../../src/domain/response/response-json.ts';

const readBytes = (body: Uint8Array, contentType = 'application/json') =>
  readResponse(
    { status: 200, headers: [{ name: 'Content-Type', value: contentType }], body },
    createMasker(['hunter2"hunter2', 'opensesame'], []),
  );
const read = (text: string) => readBytes(Buffer.from(text));

describe('readResponse, for the body of a response', () => {
  const messages: [title: string, body: Uint8Array | string, message: string][] = [
    ['is nested deeper than 64', '['.repeat(65), 'the response body is nested deeper than 64'],
    ['holds a number that is not finite', '[1e999]', 'the response body holds a number that is not finite'],
    [
      'is a page',
      '<!DOCTYPE html>\n<html lang="en">',
      'it begins with "<!DOCTYPE html>\\n<html lang=\\"en\\">"',
    ],
    ['begins with a warning', '<br />\n<b>Warning</b>: x\n{"a":1}', 'it begins with "<br />\\n<b>Warning'],
    ['begins with a prefix against scripts', ")]}'\n{}", 'it begins with ")]}\'\\n{}"'],
    ['has a comma too many', '{"a":1,\n}', '"}" stands at line 2, column 1'],
    ['has a comment', '{"a":1} // one', 'behind its value stands "// one" at line 1, column 9'],
    [
      'is several lines of JSON',
      '{"a":1}\n{"a":2}\n',
      'behind its value stands "{\\"a\\":2}\\n" at line 2, column 1',
    ],
    ['has NaN in it', '{"a":NaN}', '"NaN}" stands at line 1, column 6'],
    ['has single quotes', "{'a':1}", '"\'a\':1}" stands at line 1, column 2'],
    ['has a line end in a string', '{"a":"b\nc"}', '"\\nc\\"}" stands at line 1, column 8'],
    ['has an escape that JSON lacks', '{"a":"b\\x"}', '"\\\\x\\"}" stands at line 1, column 8'],
    ['ends early', '{"a": [1,', 'it breaks off at line 1, column 10'],
    ['is an unclosed text', '"a\\', 'stands at line 1, column 3'],
    ['is gzip', Buffer.from([0x1f, 0x8b, 8, 0]), 'is gzip, but no Content-Encoding header says so'],
    ['is not UTF-8', Buffer.from([0x22, 0xff, 0x22]), 'the response body is not valid UTF-8'],
    ['shows a long text', 'x'.repeat(100), `it begins with "${'x'.repeat(80)}…"`],
    ['shows a secret', 'say opensesame, please', 'it begins with "say ••••••, please"'],
    ['has a secret across the cut', `${'x'.repeat(75)}opensesame`, `begins with "${'x'.repeat(75)}•••••…"`],
    ['breaks off within a secret', '{"a":"hunter2"hunter2"}', '"••••••" stands at line 1, column 15'],
    ['has a secret before the break', '["opensesame" "b"]', '"\\"b\\"]" stands at line 1, column 15'],
  ];
  for (const [title, body, message] of messages) {
    it(`says so when the body ${title}`, () => {
      const result = readBytes(Buffer.from(body as string));
      expect(result.ok || result.message).to.contain(message);
      expect(result.ok || result.message).to.not.contain('hunter2');
    });
  }

  it('names the content type, cut and without secrets', () => {
    expect(readBytes(Buffer.from('<a>'), 'text/html; charset=utf-8')).to.deep.equal({
      ok: false,
      message:
        'the response body is not JSON: it begins with "<a>"; its Content-Type is "text/html; charset=utf-8"',
    });
    const long = readBytes(Buffer.from('<a>'), `opensesame ${'x'.repeat(200)}`);
    expect(long.ok || long.message).to.match(/its Content-Type is "•••••• x{93}…"$/);
  });

  it('says so when there is no content type', () => {
    const result = readResponse({ status: 200, headers: [], body: Buffer.from('a') }, (text) => text);
    expect(result.ok || result.message).to.match(/; it has no Content-Type$/);
  });

  for (const [title, body, contentType] of [
    ['ISO-8859-1', Buffer.from('"José"', 'latin1'), 'application/json; charset=ISO-8859-1'],
    ['windows-1252 in quotes', Buffer.from('"José"', 'latin1'), 'text/json;Charset="windows-1252"'],
    ['UTF-16', Buffer.from('"José"', 'utf16le'), 'application/json; charset=utf-16'],
    ['UTF-16, big end first', Buffer.from('"José"', 'utf16le').swap16(), 'text/plain; charset=utf-16be'],
    ['UTF-16 by its mark', Buffer.from('\uFEFF"José"', 'utf16le'), 'application/json'],
    ['UTF-8, whatever is declared', Buffer.from('"José"'), 'application/json; charset=iso-8859-1'],
    ['UTF-8 in an unknown charset', Buffer.from('"José"'), 'application/json; charset=utf-7'],
    ['UTF-8 with two marks', Buffer.from('\uFEFF\uFEFF"José"'), 'application/json'],
  ] as const) {
    it(`reads a body in ${title}`, () => {
      expect(readBytes(body, contentType)).to.deep.equal({ ok: true, value: 'José' });
    });
  }

  it('names a charset that it does not know', () => {
    const result = readBytes(Buffer.from('"José"', 'latin1'), 'application/json; charset=x-ebcdic');
    expect(result.ok || result.message).to.contain(
      'is not valid UTF-8, and it can not be read as "x-ebcdic"',
    );
  });

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

describe('readResponse, for a response without content', () => {
  it('returns nothing for a 204, and for an empty or blank body', () => {
    for (const [status, text] of [
      [204, 'oops'],
      [200, ''],
      [200, ' \r\n\t'],
      [201, '\uFEFF\n'],
    ] as const) {
      const result = readResponse({ status, headers: [], body: Buffer.from(text) }, (text) => text);
      expect(result).to.deep.equal({ ok: true, value: undefined });
    }
  });
});
