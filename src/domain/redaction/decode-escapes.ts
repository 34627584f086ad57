/** A kind of escapes: how to find them and how to undo one. */
export interface EscapeKind {
  /** A text without this character has no such escapes. */
  readonly mark: string;
  readonly pattern: RegExp;
  /** Returns the text that one match stands for, or undefined when the match is no escape. */
  decode(match: string): string | undefined;
}

const JSON_LETTERS: Readonly<Record<string, string>> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' };

/** The string escapes of JSON (RFC 8259, 7), for any choice of the characters that a writer escapes. */
export const JSON_ESCAPES: EscapeKind = {
  mark: '\\',
  pattern: /\\(?:u[0-9a-f]{4}|["\\/bfnrt])/gi,
  decode: (match) => {
    const letter = match[1] as string;
    if (match.length > 2) return String.fromCharCode(Number.parseInt(match.slice(2), 16));
    return JSON_LETTERS[letter] ?? letter;
  },
};

// One UTF-8 sequence at a time, so that a value may begin in the middle of a run of escapes.
const PERCENT =
  '%[0-7][0-9a-f]|%[cd][0-9a-f]%[89ab][0-9a-f]|%e[0-9a-f](?:%[89ab][0-9a-f]){2}|%f[0-4](?:%[89ab][0-9a-f]){3}';

/** Percent-encoding (RFC 3986, 2.1), in either case. */
export const PERCENT_ESCAPES: EscapeKind = {
  mark: '%',
  pattern: new RegExp(PERCENT, 'gi'),
  decode: decodePercent,
};

function decodePercent(match: string): string | undefined {
  if (match === '+') return ' ';
  try {
    return decodeURIComponent(match);
  } catch {
    return undefined;
  }
}

/** Percent-encoding as forms write it, with `+` for a space. */
export const FORM_ESCAPES: EscapeKind = {
  mark: '+',
  pattern: new RegExp(`\\+|${PERCENT}`, 'gi'),
  decode: decodePercent,
};

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

/** The entities and character references of XML and HTML. */
export const XML_ESCAPES: EscapeKind = {
  mark: '&',
  pattern: /&(?:amp|lt|gt|quot|apos|#[0-9]{1,7}|#x[0-9a-f]{1,6});/gi,
  decode: (match) => {
    const name = match.slice(1, -1).toLowerCase();
    if (name.startsWith('#x')) return fromCodePoint(Number.parseInt(name.slice(2), 16));
    return name.startsWith('#') ? fromCodePoint(Number(name.slice(1))) : ENTITIES[name];
  },
};

function fromCodePoint(code: number): string | undefined {
  return code <= 0x10ffff ? String.fromCodePoint(code) : undefined;
}

/** A text with one kind of escapes undone, and the way back to the places that its characters came from. */
interface DecodedText {
  readonly text: string;
  /** Returns the offset in the escaped text of the character at this offset (or of the end). */
  sourceOf(at: number): number;
}

/** Undoes the escapes of one kind. Returns undefined for a text that has none. */
export function undoEscapes(source: string, kind: EscapeKind): DecodedText | undefined {
  if (!source.includes(kind.mark)) return undefined;
  // In a run both texts advance together; run i begins at viewStarts[i] and sourceStarts[i].
  const viewStarts = [0];
  const sourceStarts = [0];
  let text = '';
  let done = 0;
  for (const { 0: match, index } of source.matchAll(kind.pattern)) {
    const meaning = kind.decode(match);
    if (meaning === undefined) continue;
    text += source.slice(done, index) + meaning;
    done = index + match.length;
    viewStarts.push(text.length - meaning.length, text.length);
    sourceStarts.push(index, done);
  }
  if (done === 0) return undefined;
  const sourceOf = (at: number): number => {
    const run = lastAtOrBefore(viewStarts, at);
    return (sourceStarts[run] as number) + at - (viewStarts[run] as number);
  };
  return { text: text + source.slice(done), sourceOf };
}

function lastAtOrBefore(sorted: readonly number[], at: number): number {
  let low = 0;
  let high = sorted.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((sorted[middle] as number) <= at) low = middle;
    else high = middle - 1;
  }
  return low;
}
