import { expect } from 'chai';
import fc from 'fast-check';
import { createMasker, joinMaskers } from '../../../../src/domain/redaction/redact.ts';

const SECRET = 'p"ä/s\\ s+<&\'>%w';
const M = '••••••';

/** Writes JSON as other writers do: .NET escapes HTML characters and "+" in upper case, Python all but ASCII, PHP slashes. */
const unicodeEscapes = (text: string, escaped: RegExp, upper = false) =>
  JSON.stringify(text)
    .slice(1, -1)
    .replace(escaped, (character) => {
      const code = character.charCodeAt(0).toString(16).padStart(4, '0');
      return `\\u${upper ? code.toUpperCase() : code}`;
    });
const percent = (text: string) => encodeURIComponent(text);
const xml = (text: string) => text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);

describe('createMasker', () => {
  const encodings: [title: string, text: string][] = [
    ['raw', SECRET],
    ['in JSON', JSON.stringify(SECRET).slice(1, -1)],
    ['in JSON of PHP', unicodeEscapes(SECRET, /[\u007f-\uffff]/g).replaceAll('/', '\\/')],
    ['in JSON of Go', unicodeEscapes(SECRET, /[<>&]/g)],
    ['in JSON of .NET', unicodeEscapes(SECRET, /[<>&'+\u007f-\uffff]/g, true).replaceAll('\\"', '\\u0022')],
    ['in JSON inside of JSON', JSON.stringify(JSON.stringify(SECRET).slice(1, -1)).slice(1, -1)],
    ['percent-encoded', percent(SECRET)],
    ['percent-encoded in lower case', percent(SECRET).toLowerCase()],
    ['percent-encoded by a careful writer', percent(SECRET).replaceAll("'", '%27')],
    ['twice percent-encoded', percent(percent(SECRET))],
    ['in a form', percent(SECRET).replaceAll('%20', '+')],
    ['in a form in JSON', unicodeEscapes(percent(SECRET).replaceAll('%20', '+'), /[+]/g)],
    [
      'in XML',
      SECRET.replaceAll('&', '&amp;')
        .replaceAll('<', '&lt;')
        .replaceAll('>', '&gt;')
        .replaceAll('"', '&quot;')
        .replaceAll("'", '&apos;'),
    ],
    ['in XML by numbers', xml(SECRET)],
    [
      'in XML by hexadecimal numbers',
      SECRET.replaceAll('<', '&#x3C;').replaceAll('&', '&#x26;').replace('&#x26;#x3C;', '&#x3c;'),
    ],
    ['in XML in JSON', JSON.stringify(xml(SECRET)).slice(1, -1)],
  ];
  for (const [title, text] of encodings) {
    it(`masks a value ${title}`, () => {
      expect(createMasker([SECRET], [])(`<${text}> and ${text}`)).to.equal(`<${M}> and ${M}`);
    });
  }

  const cases: [title: string, secrets: string[], headers: string[], text: string, masked: string][] = [
    [
      'leaves a text without values as it is',
      ['12345678'],
      [],
      'a 1234567 b \\n %41 &amp;',
      'a 1234567 b \\n %41 &amp;',
    ],
    [
      'masks nothing when no value is long enough',
      ['', 'short'],
      ['Basic x'],
      'short Basic x',
      'short Basic x',
    ],
    ['counts bytes, not characters', ['äöüß'], [], 'äöüß', M],
    ['keeps the escapes around a value', ['secret-1'], [], '"\\"secret-1\\"\\n"', `"\\"${M}\\"\\n"`],
    ['masks the longer of two values whole', ['abcdefgh', 'abcdefghij'], [], 'xabcdefghijx', `x${M}x`],
    ['masks values that overlap as one', ['abcdefgh', 'efghijkl'], [], '-abcdefghijkl-', `-${M}-`],
    ['masks values side by side as two', ['abcdefgh'], [], 'abcdefghabcdefgh', M + M],
    ['masks a value that overlaps itself whole', ['abababab'], [], 'ababababab.', `${M}.`],
    ['masks a header value', [], ['k-12345678'], 'k-12345678', M],
    [
      'masks the text behind the scheme word',
      [],
      ['Bearer tok-12345'],
      '{"token":"tok-12345"}',
      `{"token":"${M}"}`,
    ],
    ['masks the whole header value first', [], ['Bearer tok-12345'], 'Bearer tok-12345', M],
    [
      'masks the pair and the password of Basic',
      [],
      [`Basic ${btoa('anna:hunter2!!')}`],
      'anna:hunter2!! anna hunter2!!',
      `${M} anna ${M}`,
    ],
    ['recognizes the scheme in any case', [], [`bAsIc ${btoa('anna:hunter2!!')}`], 'hunter2!!', M],
    ['keeps a short password of Basic', [], [`Basic ${btoa('anna:pw')}`], 'pw anna:pw', `pw anna:pw`],
    ['masks the values of cookies', [], ['sid=abcdefgh1; theme=dark'], 'abcdefgh1 dark', `${M} dark`],
    ['treats a large letter behind a backslash as the letter', ['tok-NNNN'], [], 'tok-\\NNNN', M],
    [
      'masks a value whose UTF-8 was read as Latin-1',
      ['schlüssel-ß'],
      [],
      'x schlÃ¼ssel-Ã\u009f y',
      `x ${M} y`,
    ],
    ['masks a value whose Latin-1 was read as UTF-8', ['schlüssel-ß'], [], 'schl\ufffdssel-\ufffd', M],
    [
      'masks a header value whose UTF-8 was read as Latin-1 and percent-encoded',
      [],
      ['Token schlüssel-ß'],
      encodeURIComponent('schlÃ¼ssel-Ã\u009f'),
      M,
    ],
    ['masks a value whose beginning repeats', ['aaaaaaab'], [], 'aaaaaaaaaab', `aaa${M}`],
  ];
  for (const [title, secrets, headers, text, masked] of cases) {
    it(title, () => expect(createMasker(secrets, headers)(text)).to.equal(masked));
  }

  const cuts: [title: string, secret: string, text: string, masked: string][] = [
    ['its beginning', 'abcdefgh', 'x abcdef', `x ${M}`],
    ['its beginning in JSON', 'ab"cd"ef', 'x ab\\"cd\\', `x ${M}`],
    ['its beginning in JSON, cut in an escape', 'abcdéfgh', 'x abcd\\u00', `x ${M}`],
    ['its beginning in JSON inside of JSON', 'abcd"efg', 'x abcd\\\\\\', `x ${M}`],
    ['its beginning percent-encoded, cut in a sequence', 'abcd€fgh', 'x abcd%E2%82', `x ${M}`],
    ['its beginning in XML', 'abcd<efg', 'x abcd&l', `x ${M}`],
  ];
  for (const [title, secret, text, masked] of cuts) {
    it(`masks at the end of a text that was cut ${title}`, () => {
      expect(createMasker([secret], [])(text, true)).to.equal(masked);
      expect(createMasker([secret], [])(text)).to.equal(text);
    });
  }

  it('keeps three characters at the end, which give nothing away', () => {
    expect(createMasker(['abcdefgh'], [])('x abc', true)).to.equal('x abc');
  });

  it('leaves no secret in any text, however it is encoded', () => {
    const characters = fc.constantFrom(
      'a',
      'b',
      '"',
      '\\',
      '%',
      '&',
      '<',
      '+',
      ' ',
      'ä',
      '€',
      '😀',
      '4',
      '1',
    );
    const secretOf = fc.array(characters, { minLength: 8, maxLength: 12 }).map((all) => all.join(''));
    const encoded = (secret: string) =>
      fc.constantFrom(
        secret,
        JSON.stringify(secret),
        percent(secret),
        xml(secret),
        JSON.stringify(xml(secret)),
      );
    const noise = fc.array(characters, { maxLength: 6 }).map((all) => all.join(''));
    fc.assert(
      fc.property(
        secretOf.chain((secret) =>
          fc.tuple(fc.constant(secret), noise, encoded(secret), noise, encoded(secret)),
        ),
        ([secret, ...pieces]) => {
          const masked = createMasker([secret], [])(pieces.join('.'));
          for (const encoding of [
            secret,
            JSON.stringify(secret).slice(1, -1),
            percent(secret),
            xml(secret),
          ]) {
            expect(masked).not.to.contain(encoding);
          }
        },
      ),
    );
  });

  it('masks a text the same with and without another value beside it', () => {
    // The value beside it makes the masker look for everything; without it a quick look may end the search.
    const form = (text: string) => percent(text).replaceAll('%20', '+');
    const codes = (text: string) => unicodeEscapes(text, /[A-Za-z]/g);
    const ascii = (text: string) => unicodeEscapes(text, /[\u007f-\uffff]/g);
    const largeLetters = (text: string) => text.replace(/[BFNRT]/g, '\\$&');
    const encodings = [
      (text: string) => text,
      JSON.stringify,
      percent,
      form,
      xml,
      codes,
      ascii,
      largeLetters,
    ];
    const alphabet = fc.constantFrom(
      ['a', 'b', '"', '\\', '%', '&', '+', ' ', 'ä', '41'],
      ['a', 'N', '-', '%', '41', 'ä'],
    );
    const word = alphabet
      .chain((all) => fc.array(fc.constantFrom(...all), { minLength: 8, maxLength: 9 }))
      .map((all) => all.join(''));
    const values = fc.tuple(word, word, fc.constantFrom('Bearer ', 'a b=', '')).map(([one, two, scheme]) => ({
      secrets: [one],
      headers: [scheme + one, `${scheme}${two}; c=${two}`],
      pieces: [
        one,
        two,
        `Bearer ${one}`,
        scheme + two,
        one.slice(1),
        two.slice(0, -1),
        'a+b=',
        '\\u00',
        '&#x',
      ],
    }));
    const encoded = fc.tuple(fc.nat(8), fc.constantFrom(...encodings), fc.constantFrom(...encodings));
    fc.assert(
      fc.property(values, fc.array(encoded, { maxLength: 3 }), ({ secrets, headers, pieces }, parts) => {
        const text = parts.map(([piece, inner, outer]) => outer(inner(pieces[piece] as string))).join('-');
        const mask = createMasker(secrets, headers);
        expect(mask(`${text}|${secrets[0]}`)).to.equal(`${mask(text)}|${M}`);
      }),
      { numRuns: 2_000 },
    );
  });

  it('shows at most three characters of a secret for any cut of the text', () => {
    const text = JSON.stringify({ a: SECRET, b: [percent(SECRET)] });
    const mask = createMasker([SECRET], []);
    for (let end = 0; end <= text.length; end += 1) {
      const masked = mask(text.slice(0, end), end < text.length);
      expect(masked, `cut at ${end}`).not.to.match(/p\\*"ä\/|p%22%C3%A4%2F/);
    }
  });

  const hostile: [title: string, values: string[], text: string][] = [
    [
      '14,000 values',
      Array.from({ length: 31 }, (_, h) =>
        Array.from({ length: 450 }, (_, i) => `wo-rd ${h}x${i}abc`).join(';'),
      ),
      'a\\n%41 wo-rd '.repeat(5_000),
    ],
    [
      '14,000 values with one beginning',
      Array.from({ length: 31 }, (_, h) =>
        Array.from({ length: 450 }, (_, i) => `aaaaaaaaa ${h}x${i}`).join(';'),
      ),
      'aaaaaaaaa'.repeat(7_000),
    ],
    ['values that occur at every place', ['a'.repeat(4_096), `${'a'.repeat(2_000)}b`], 'a'.repeat(65_536)],
    ['escapes of four kinds', ['a b"c%d<e&f é'], '\\u0041%41&#65;+%255Cu0041'.repeat(2_600)],
  ];
  for (const [title, values, text] of hostile) {
    it(`takes little time to mask a text of 64 KiB with ${title}`, () => {
      const mask = createMasker([], values);
      const begun = performance.now();
      mask(text);
      mask(text, true);
      // About 30 ms on a quiet machine; without bounds up to 2 seconds.
      expect(performance.now() - begun).to.be.below(400);
    });
  }

  it('masks the name of a header whole when a secret is in it, in any case', () => {
    const { headerName } = createMasker(['S3cret-Name', 'p ä'.repeat(3)], ['Bearer Tok-123456']);
    expect(headerName?.('X-s3Cret-name-1')).to.equal(M);
    expect(headerName?.('TOK-123456')).to.equal(M);
    expect(headerName?.(`X-${percent('p ä'.repeat(3))}`)).to.equal(`x-${M}`);
    expect(headerName?.('X-Secret-Name')).to.equal('x-secret-name');
  });

  it('masks a text whole when it would take too long to search', () => {
    const secret = 'a'.repeat(4_096);
    expect(createMasker([secret], [])(`${'a'.repeat(60_000)} and more`)).to.equal(M);
  });

  it('takes linear time for a text that is all beginnings of a value', () => {
    const secret = `${'a'.repeat(4095)}b`;
    const text = 'a'.repeat(64 * 1024);
    const begun = performance.now();
    expect(createMasker([secret], [])(text)).to.equal(text);
    createMasker(['a'.repeat(4096)], [])(text, true);
    expect(performance.now() - begun).to.be.below(1000);
  });
});

describe('joinMaskers', () => {
  const joined = joinMaskers(createMasker(['first-value'], []), createMasker(['second-value'], []));

  it('masks the values of both maskers, also one that is cut off at the end', () => {
    expect(joined('a first-value, a second-value')).to.equal(`a ${M}, a ${M}`);
    expect(joined('a second-val', true)).to.equal(`a ${M}`);
    expect(joined('a first-val', true)).to.equal(`a ${M}`);
  });

  it('masks header names that hold a value of either', () => {
    expect(joined.headerName?.('X-First-Value')).to.equal(M);
    expect(joined.headerName?.('X-Second-Value')).to.equal(M);
    expect(joined.headerName?.('X-Third')).to.equal('x-third');
  });

  it('masks the values of one when the other has none', () =>
    expect(
      joinMaskers(createMasker([], []), createMasker(['second-value'], [])).headerName?.('Second-Value'),
    ).to.equal(M));
});
