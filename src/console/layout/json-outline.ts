/** JSON as it stands in a text: numbers and strings are the text itself, so that nothing of them is lost. */
export type JsonOutline =
  | { readonly kind: 'scalar'; readonly text: string }
  | {
      readonly kind: 'object' | 'array';
      readonly members: readonly JsonMember[];
      /** Reports whether the text, or the outline, ends before the closing bracket. */
      readonly isCut: boolean;
    };

/** A member of an object, or an item of an array, which has no key. */
export interface JsonMember {
  /** The key as it stands in the text, with its quotes. */
  readonly key: string | undefined;
  readonly value: JsonOutline;
}

/** A container that may still be open. */
interface Container {
  kind: 'object' | 'array';
  members: JsonMember[];
  isCut: boolean;
}

const MAX_DEPTH = 64;
// A string with its quotes, a number, a literal, or one of the signs of JSON (RFC 8259).
const TOKEN =
  /[ \t\r\n]*("[^"\\]*(?:\\.[^"\\]*)*"|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?|true|false|null|[{}[\],:])/y;
// What a text can end with that was cut in the middle of a token.
const BEGUN = /^[ \t\r\n]*(?:"|[-+.\w]*$)/;

/**
 * Returns the outline of a text that is JSON, or the beginning of JSON. It has at most `maxValues` values, and stops at a
 * depth of 64. Returns undefined for any other text, and for a text that is neither an object nor an array.
 */
export function outlineJson(text: string, maxValues: number): JsonOutline | undefined {
  const open: Container[] = [];
  const pattern = new RegExp(TOKEN);
  let root: Container | undefined;
  let key: string | undefined;
  let values = 0;
  for (let at = 0; ; at = pattern.lastIndex) {
    const token = pattern.exec(text)?.[1];
    if (token === undefined) return BEGUN.test(text.slice(at)) ? root : undefined;
    const container = open.at(-1);
    if (token === ':') continue;
    if (token === ',') key = undefined;
    else if (token === '}' || token === ']') {
      if (container?.kind !== (token === '}' ? 'object' : 'array')) return undefined;
      container.isCut = false;
      open.pop();
      key = undefined;
      if (open.length === 0) return text.slice(pattern.lastIndex).trim() === '' ? root : undefined;
    } else if (container?.kind === 'object' && key === undefined) {
      if (!token.startsWith('"')) return undefined;
      key = token;
    } else {
      // A number at the end of a cut text may be the beginning of another number.
      if (values >= maxValues || (pattern.lastIndex === text.length && /\d$/.test(token))) return root;
      const value = valueOf(token);
      if (value.kind === 'scalar' && container === undefined) return undefined;
      if (value.kind !== 'scalar' && open.length >= MAX_DEPTH) return root;
      values += 1;
      container?.members.push({ key, value });
      if (value.kind !== 'scalar') open.push(value);
      root ??= open[0];
      key = undefined;
    }
  }
}

function valueOf(token: string): Container | { kind: 'scalar'; text: string } {
  return token === '{' || token === '['
    ? { kind: token === '{' ? 'object' : 'array', members: [], isCut: true }
    : { kind: 'scalar', text: token };
}
