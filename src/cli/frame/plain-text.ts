// C0 and C1 control characters (a terminal acts on some of them), line and paragraph separators, and the characters that
// change the direction of the text around them.
const UNSAFE = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}\u{feff}]/gu;

const SHORT: Readonly<Record<string, string>> = {
  '\n': String.raw`\n`,
  '\r': String.raw`\r`,
  '\t': String.raw`\t`,
};

function escape(character: string): string {
  return (
    SHORT[character] ?? String.raw`\u` + (character.codePointAt(0) as number).toString(16).padStart(4, '0')
  );
}

/**
 * Returns a text of others as one line that is safe to print on a terminal: control characters are written as `\u001b`. It
 * can be longer than the text.
 */
export function plainLine(text: string): string {
  return text.toWellFormed().replace(UNSAFE, escape);
}

/** Returns a text of others as {@link plainLine} does, but keeps its lines. */
export function plainLines(text: string): string {
  return text
    .split(/\r?\n/)
    .map((line) => plainLine(line.replaceAll('\t', '  ')))
    .join('\n');
}

/** Returns a value as JSON that is safe to print on a terminal: what {@link plainLine} replaces is escaped in its texts. */
export function plainJson(value: unknown, indent?: number): string {
  return JSON.stringify(value, undefined, indent).replace(UNSAFE, (it) => (it === '\n' ? it : escape(it)));
}
