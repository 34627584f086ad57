import { expect } from 'chai';
import fc from 'fast-check';
import { plainJson, plainLine, plainLines } from '../../../../src/cli/frame/plain-text.ts';

describe('plainLine', () => {
  const rows: [title: string, text: string, plain: string][] = [
    ['letters of every language', 'Zoë 李 🙂 ñ', 'Zoë 李 🙂 ñ'],
    ['an escape sequence as text', '\u001b[31mred', String.raw`\u001b[31mred`],
    ['the 8-bit form of one', '\u009b2J', String.raw`\u009b2J`],
    ['line ends and tabs', 'a\r\n\tb', String.raw`a\r\n\tb`],
    ['a bell and a backspace', '\u0007\b', String.raw`\u0007\u0008`],
    ['marks that turn the direction of text', 'a\u202eb\u2066', String.raw`a\u202eb\u2066`],
    ['half of a surrogate pair', 'a\ud800', 'a\ufffd'],
  ];
  for (const [title, text, plain] of rows) {
    it(`shows ${title}`, () => {
      expect(plainLine(text)).to.equal(plain);
    });
  }

  it('leaves nothing that a terminal acts on', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(plainLine(text)).to.not.match(/\p{Cc}/u);
        expect(plainLines(text).replaceAll('\n', '')).to.not.match(/\p{Cc}/u);
      }),
    );
  });
});

describe('plainLines', () => {
  it('keeps lines, and writes a tab as blanks', () => {
    expect(plainLines('a\r\n\tb\u001b')).to.equal('a\n  b\\u001b');
  });
});

describe('plainJson', () => {
  it('escapes in texts what a terminal acts on, and stays the same JSON', () => {
    const value = { 'a\u009b': ['\u202e', '\u001b[0m', 'Zoë\n'] };
    const text = plainJson(value, 2);
    expect(JSON.parse(text)).to.deep.equal(value);
    expect(text.replaceAll('\n', '')).to.not.match(/[\p{Cc}\p{Bidi_Control}]/u);
    expect(text).to.contain('\n  ');
  });
});
