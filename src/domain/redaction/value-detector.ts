import {
  FORM_ESCAPES,
  JSON_ESCAPES,
  PERCENT_ESCAPES,
  undoEscapes,
  XML_ESCAPES,
  type EscapeKind,
} from './decode-escapes.ts';

/** How often an echoed value may be escaped: a JSON text may lie inside of JSON, a URL inside of XML. */
export const MAX_LAYERS = 2;

/** Returns the kinds of escapes behind which these values may stand in a text. */
export function kindsFor(values: readonly string[]): readonly EscapeKind[] {
  // No encoder escapes letters and digits: such values are written in one way only.
  if (values.every((value) => /^[A-Za-z0-9]*$/.test(value))) return [];
  const kinds = [JSON_ESCAPES, PERCENT_ESCAPES, XML_ESCAPES];
  return values.some((value) => value.includes(' ')) ? [...kinds, FORM_ESCAPES] : kinds;
}

// Plain values have no character that JSON escapes with a sign or a small letter, and none beyond ASCII. Only an escape
// by code, or one with a large letter, can stand for a character of theirs.
const PLAIN = /^[ !#-.0-[\]-~]*$/;

const PLAIN_ESCAPE = /\\(?:[Uu]00[0-7]|[BFNRT])/;

/**
 * Makes the quick test that most texts end at: it reports whether any of these values is in a text at all. It looks for
 * fewer values than a search does, behind fewer kinds of escapes, and keeps no places.
 */
export function createDetector(values: readonly string[]): (text: string) => boolean {
  const wanted = innermost(values);
  const kinds = kindsFor(wanted);
  const isPlain = wanted.every((value) => PLAIN.test(value));
  const isIn = (text: string, layers: number): boolean => {
    for (const value of wanted) if (text.includes(value)) return true;
    if (layers === 0) return false;
    for (const kind of kinds) {
      if (!text.includes(kind.mark)) continue;
      if (kind === JSON_ESCAPES && isPlain && !PLAIN_ESCAPE.test(text)) continue;
      const view = undoEscapes(text, kind);
      if (view !== undefined && isIn(view.text, layers - 1)) return true;
    }
    return false;
  };
  return (text) => isIn(text, MAX_LAYERS);
}

// More values than this are not compared with each other.
const MAX_COMPARED = 64;

// Returns the values that hold none of the others. A text that has none of these has none of the others either.
function innermost(values: readonly string[]): readonly string[] {
  return values.length > MAX_COMPARED
    ? values
    : values.filter((value) => !values.some((other) => other !== value && value.includes(other)));
}
