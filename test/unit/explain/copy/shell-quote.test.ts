import { expect } from 'chai';
import fc from 'fast-check';
import { shellQuote } from '../../../../src/explain/copy/shell-quote.ts';
import { argumentsOf } from './run-shell.ts';

const HOSTILE = [
  ...[
    "'",
    '"',
    '\\',
    '$(id)',
    '`id`',
    '${HOME}',
    '$HOME',
    '!!',
    '*',
    '?',
    '~',
    '#',
    ';',
    '&',
    '|',
    '<',
    '>',
    '\n',
  ],
  ...[
    '-',
    '--',
    '-rf',
    '@',
    '%s',
    '%',
    '\\033',
    '\t',
    '\r',
    '\u0000',
    '\u0003',
    '\u001b[201~',
    '\u009b2J',
    '\u202e',
  ],
  ...['\u2028', '\ufeff', '\ud800', '\udc00', '😀', ' ', '', "'\\''", '")', '$(', 'END', '\u007f'],
];
const hostileText = fc
  .array(fc.oneof(fc.constantFrom(...HOSTILE), fc.string({ unit: 'binary', maxLength: 4 })), { maxLength: 8 })
  .map((parts) => parts.join(''));

describe('shellQuote', function () {
  this.timeout(30_000); // starts shells

  it('makes words that a shell passes on as they were, whatever is in them', () => {
    fc.assert(
      fc.property(fc.array(hostileText, { minLength: 1, maxLength: 20 }), (texts) => {
        const expected = texts.map((text) => text.toWellFormed().replaceAll('\0', ''));
        expect(argumentsOf('show', `show ${texts.map(shellQuote).join(' ')}`)).to.deep.equal([expected]);
      }),
      { numRuns: 300 },
    );
  });

  it('keeps each trailing line feed, although $( ) drops them', () => {
    const texts = ['a\n\n', '\u001b\n', '\u001b\n\u001b', '\n'];
    expect(argumentsOf('show', `show ${texts.map(shellQuote).join(' ')}`)).to.deep.equal([texts]);
  });

  it('makes words in which nothing but a line feed acts on a terminal', () => {
    fc.assert(
      fc.property(hostileText, (text) => {
        expect(shellQuote(text).replaceAll('\n', '')).not.to.match(
          /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}\ufeff]/u,
        );
      }),
    );
  });

  const rows: [text: string, word: string][] = [
    ['127.0.0.1:50051', '127.0.0.1:50051'],
    ['', "''"],
    ['-rf', "'-rf'"],
    ["it's", String.raw`'it'\''s'`],
    ['a\u001bb', String.raw`'a'"$(printf '\033')"'b'`],
  ];
  for (const [text, word] of rows) {
    it(`writes ${JSON.stringify(text)} as ${word}`, () => {
      expect(shellQuote(text)).to.equal(word);
    });
  }
});
