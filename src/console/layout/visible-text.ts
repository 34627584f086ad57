// They turn the order of the characters around them, or can't be seen at all. Joiners stay, because words of some languages
// need them.
const HIDDEN = /[\p{Bidi_Control}\u007f-\u009f\u00ad\u200b\u2028\u2029\u2060\ufeff]/gu;

/**
 * Returns a text in which hidden characters are seen, written as in JSON (`\u200b`). They are why a key that looks right is
 * not found, and what makes a value look like another one. JSON stays the same JSON.
 */
export function visibleText(text: string): string {
  return text.replaceAll(HIDDEN, (each) => `\\u${each.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
