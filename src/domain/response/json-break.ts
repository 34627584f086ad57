/** Where a text stops being JSON: at this UTF-16 unit, or at its end. */
export interface JsonBreak {
  readonly at: number;
  /** A whole JSON value stands before it. */
  readonly isBehindValue: boolean;
}

type Expected = 'value' | 'first item' | 'first key' | 'key' | 'colon' | 'comma or end' | 'nothing';

/**
 * Returns where a text stops being JSON (RFC 8259), or undefined if it is JSON. JSON.parse says that only for some
 * mistakes. It reads each character once, and does not recurse.
 */
export function findJsonBreak(text: string): JsonBreak | undefined {
  const closers: string[] = [];
  let expected: Expected = 'value';
  let at = skipBlanks(text, 0);
  while (at < text.length) {
    const character = text.charAt(at);
    if (canClose(expected) && character === closers.at(-1)) {
      closers.pop();
      expected = closers.length === 0 ? 'nothing' : 'comma or end';
      at += 1;
    } else if (isValue(expected) && (character === '{' || character === '[')) {
      closers.push(character === '{' ? '}' : ']');
      expected = character === '{' ? 'first key' : 'first item';
      at += 1;
    } else {
      const token = readToken(text, at, expected);
      if (token.isBroken) return { at: token.end, isBehindValue: expected === 'nothing' };
      expected = nextExpected(expected, closers);
      at = token.end;
    }
    at = skipBlanks(text, at);
  }
  return expected === 'nothing' ? undefined : { at, isBehindValue: false };
}

function canClose(expected: Expected): boolean {
  return expected === 'first item' || expected === 'first key' || expected === 'comma or end';
}

function isValue(expected: Expected): boolean {
  return expected === 'value' || expected === 'first item';
}

function nextExpected(expected: Expected, closers: readonly string[]): Expected {
  if (expected === 'key' || expected === 'first key') return 'colon';
  if (expected === 'colon') return 'value';
  if (expected === 'comma or end') return closers.at(-1) === '}' ? 'key' : 'value';
  return closers.length === 0 ? 'nothing' : 'comma or end';
}

const BLANKS = /[ \t\n\r]*/y;

function skipBlanks(text: string, at: number): number {
  BLANKS.lastIndex = at;
  BLANKS.test(text);
  return BLANKS.lastIndex;
}

/** Where a token ends, or where it breaks. */
interface Token {
  readonly end: number;
  readonly isBroken?: boolean;
}

function readToken(text: string, at: number, expected: Expected): Token {
  switch (expected) {
    case 'value':
    case 'first item':
      return text.charAt(at) === '"' ? readString(text, at) : readPlain(text, at);
    case 'key':
    case 'first key':
      return text.charAt(at) === '"' ? readString(text, at) : { end: at, isBroken: true };
    case 'colon':
      return text.charAt(at) === ':' ? { end: at + 1 } : { end: at, isBroken: true };
    case 'comma or end':
      return text.charAt(at) === ',' ? { end: at + 1 } : { end: at, isBroken: true };
    case 'nothing':
      return { end: at, isBroken: true };
  }
}

const PLAIN = /(?:true|false|null|-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)(?![\w.+-])/y;

function readPlain(text: string, at: number): Token {
  PLAIN.lastIndex = at;
  return PLAIN.test(text) ? { end: PLAIN.lastIndex } : { end: at, isBroken: true };
}

// oxlint-disable-next-line no-control-regex -- JSON forbids these characters in strings
const CHARACTERS = /[^"\\\u0000-\u001f]*/y;
const ESCAPE = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;

function readString(text: string, start: number): Token {
  let at = start + 1;
  for (;;) {
    CHARACTERS.lastIndex = at;
    CHARACTERS.test(text);
    at = CHARACTERS.lastIndex;
    if (text.charAt(at) === '"') return { end: at + 1 };
    ESCAPE.lastIndex = at;
    if (!ESCAPE.test(text)) return { end: at, isBroken: true };
    at = ESCAPE.lastIndex;
  }
}
