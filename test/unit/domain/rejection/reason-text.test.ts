import { expect } from 'chai';
import type { JsonValue } from '../../../../src/domain/json.ts';
import { createMasker, MASK } from '../../../../src/domain/redaction/redact.ts';
import { reasonText } from '../../../../src/domain/rejection/reason-text.ts';

describe('reasonText', () => {
  const SECRET = 'a secret\nof two lines';
  const mask = createMasker([SECRET], []);
  const rows: [string, JsonValue | undefined, string][] = [
    ['a text', 'the number is blocked', 'the number is blocked'],
    ['a number', 12.5, '12.5'],
    ['a bool', false, 'false'],
    ['null', null, ''],
    ['nothing', undefined, ''],
    ['an object', { why: 'spam' }, ''],
    ['a list', ['spam'], ''],
    [
      'a text with line breaks and control characters',
      '\r\n a\u0000\u001b[31m\tb\u0085c\u2028d \n',
      'a [31m b c d',
    ],
    ['a text of control characters only', '\u0000\n\u007f', ''],
    ['a secret with a line break', `no ${SECRET}!`, `no ${MASK}!`],
    ['256 bytes', 'é'.repeat(128), 'é'.repeat(128)],
    ['a text that is cut within a character', `x${'é'.repeat(200)}`, `x${'é'.repeat(127)}`],
    ['a text that is cut within a surrogate pair', `xy${'😀'.repeat(200)}`, `xy${'😀'.repeat(63)}`],
    ['blanks behind the cut', `x${' '.repeat(500)}y`, 'x'],
    ['a long text with a secret across the cut', `${'x'.repeat(250)}${SECRET}`, `${'x'.repeat(250)}••`],
    ['a long text that ends early in a secret', `${'\n'.repeat(1_270)}${SECRET}`, MASK],
  ];
  for (const [title, value, expected] of rows)
    it(`returns ${JSON.stringify(expected).slice(0, 40)} for ${title}`, () => {
      expect(reasonText(value, mask)).to.equal(expected);
      expect(Buffer.byteLength(reasonText(value, mask))).to.be.at.most(256);
    });
});
