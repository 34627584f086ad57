// What a terminal or its shell could act on when the text is pasted, and what changes the look of the text around it. Lines
// may stay as they are.
const UNSAFE = /((?!\n)[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}\u{feff}])+/gu;
const PLAIN_WORD = /^\w[\w./:-]*$/;

/**
 * Returns a text as one word of a POSIX shell that stands for exactly this text. It holds no control character but line
 * feeds: the others are written as numbers, which `printf` turns back. A NUL can't be in a word, and is left out.
 */
export function shellQuote(text: string): string {
  return PLAIN_WORD.test(text) ? text : quoted(text.toWellFormed().replaceAll('\0', ''));
}

function quoted(text: string): string {
  let word = '';
  let done = 0;
  for (const { 0: unsafe, index } of text.matchAll(UNSAFE)) {
    word += inQuotes(text.slice(done, index)) + printed(unsafe);
    done = index + unsafe.length;
  }
  return word + (done === 0 || done < text.length ? inQuotes(text.slice(done)) : '');
}

function inQuotes(text: string): string {
  return text === '' ? "''" : `'${text.replaceAll("'", String.raw`'\''`)}'`;
}

function printed(text: string): string {
  const numbers = Array.from(Buffer.from(text), (byte) => `\\${byte.toString(8).padStart(3, '0')}`);
  return `"$(printf '${numbers.join('')}')"`;
}
