// Failure function of Knuth, Morris and Pratt: at i, the length of the longest proper prefix that ends there.
function bordersOf(pattern: string): Uint32Array {
  const borders = new Uint32Array(pattern.length);
  let length = 0;
  for (let i = 1; i < pattern.length; i += 1) {
    while (length > 0 && pattern[i] !== pattern[length]) length = borders[length - 1] as number;
    if (pattern[i] === pattern[length]) length += 1;
    borders[i] = length;
  }
  return borders;
}

/** The smallest distance at which a pattern can occur again over itself; its length where it can't. */
export function periodOf(pattern: string): number {
  return Math.max(1, pattern.length - (bordersOf(pattern)[pattern.length - 1] ?? 0));
}

/** How many characters at the end of the text are a beginning of the pattern, but not all of it. Linear in the pattern. */
export function partAtEnd(text: string, pattern: string): number {
  const borders = bordersOf(pattern);
  let length = 0;
  for (let i = Math.max(0, text.length - pattern.length + 1); i < text.length; i += 1) {
    while (length > 0 && text[i] !== pattern[length]) length = borders[length - 1] as number;
    if (text[i] === pattern[length]) length += 1;
  }
  return length;
}
