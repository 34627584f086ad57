import { MAX_RESPONSE_DEPTH } from '../limits.ts';
import type { HttpHeader } from '../execution.ts';
import type { JsonObject, JsonValue } from '../json.ts';
import { MASK, type Masker } from '../redaction/redact.ts';
import { findJsonBreak } from './json-break.ts';
import { responseText } from './response-text.ts';
import { notJsonMessage, notTextMessage } from './unreadable-body.ts';

/** The JSON of a response, or why it can't be read. `value` is undefined when the response holds nothing. */
type ReadResponse =
  | { readonly ok: true; readonly value: JsonValue | undefined }
  | { readonly ok: false; readonly message: string };

interface Response {
  readonly status: number;
  readonly headers: readonly HttpHeader[];
  readonly body: Uint8Array;
}

/**
 * Reads a 2xx response for its assignments, whatever its content type says. Its content codings are undone already. A 204,
 * or a body that is empty or blank, holds nothing. The message of a refusal says where the body stops being JSON, and shows
 * what stands there, masked by `mask`. Without `mask` it shows nothing of the response.
 */
export function readResponse(response: Response, mask: Masker = hideAll): ReadResponse {
  if (response.status === 204 || response.body.length === 0) return { ok: true, value: undefined };
  return readBody(response, mask);
}

const hideAll: Masker = () => MASK;

function refused(problem: string): ReadResponse {
  return { ok: false, message: `the response body ${problem}` };
}

// These patterns find every text that JSON.parse alone would read wrongly, and some others. A number stands at the
// beginning, or behind one of `:,[` and blanks: hexadecimal ids are full of parts that look like numbers.
const AWKWARD_NUMBER = /(?:^|[:,[\s])(?:-0(?:[.,\]}\s]|$)|-?[0-9]{16}|-?[0-9]+(?:\.[0-9]+)?[eE])/;
const ESCAPE_OR_PROTO = /\\u|__proto__/;

/**
 * Reads a body as JSON (RFC 8259), with or without byte order marks, at most 64 levels deep. Integer literals
 * beyond ±(2^53−1) become strings of their digits at any depth, so that long ids survive. Any other literal that no
 * double can hold refuses the body. -0 becomes 0, and lone surrogates become U+FFFD. The key `__proto__` is dropped.
 */
function readBody({ body, headers }: Response, mask: Masker): ReadResponse {
  const marked = responseText(body, headers);
  if (marked === undefined) return { ok: false, message: notTextMessage(body, headers, mask) };
  const text = marked.startsWith(BOM) ? marked.replace(BOMS, '') : marked;
  if (isTooDeep(text)) return refused(`is nested deeper than ${MAX_RESPONSE_DEPTH}`);
  try {
    // Revivers are several times slower, so they run only where a number may need them.
    const value = AWKWARD_NUMBER.test(text) ? parseNumbersExactly(text) : (JSON.parse(text) as JsonValue);
    if (value === undefined) return refused('holds a number that is not finite');
    return { ok: true, value: ESCAPE_OR_PROTO.test(text) ? cleaned(value) : value };
  } catch {
    if (BLANK.test(text)) return { ok: true, value: undefined };
    const jsonBreak = findJsonBreak(text) ?? { at: text.length, isBehindValue: false };
    return { ok: false, message: notJsonMessage(text, jsonBreak, headers, mask) };
  }
}

const BOM = '\uFEFF';
const BOMS = /^\uFEFF+/;
const BLANK = /^\s*$/;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

// JSON.parse accepts a million levels (and takes 0.6 s for them), so the depth is counted before.
function isTooDeep(text: string): boolean {
  if (!hasManyOpenings(text)) return false;
  let depth = 0;
  for (let at = 0; at < text.length; at += 1) {
    const unit = text.charCodeAt(at);
    if (unit === QUOTE) {
      at = endOfString(text, at);
    } else if (unit === 0x5b || unit === 0x7b) {
      depth += 1;
      if (depth > MAX_RESPONSE_DEPTH) return true;
    } else if (unit === 0x5d || unit === 0x7d) {
      depth -= 1;
    }
  }
  return false;
}

// A text with at most half as many openings of each kind can't be too deep, wherever they stand. Most texts have fewer.
function hasManyOpenings(text: string): boolean {
  return hasMoreThan(text, '{', MAX_RESPONSE_DEPTH / 2) || hasMoreThan(text, '[', MAX_RESPONSE_DEPTH / 2);
}

function hasMoreThan(text: string, character: string, count: number): boolean {
  let at = -1;
  for (let found = 0; found <= count; found += 1) {
    at = text.indexOf(character, at + 1);
    if (at === -1) return false;
  }
  return true;
}

/** Returns where the string that begins at `start` ends. */
function endOfString(text: string, start: number): number {
  let at = start + 1;
  while (at < text.length) {
    const unit = text.charCodeAt(at);
    if (unit === QUOTE) return at;
    at += unit === BACKSLASH ? 2 : 1;
  }
  return at;
}

// ES2026 (JSON.parse source text access), in V8 since 11.4: revivers of primitives see the literal.
type Reviver = (key: string, value: unknown, context?: { source?: string }) => unknown;

const INTEGER = /^-?[0-9]+$/;

/**
 * Parses a text with integers beyond ±(2^53−1) as the strings of their digits, and with 0 for -0, which can't be
 * stored. Returns undefined when a number is not finite.
 */
function parseNumbersExactly(text: string): JsonValue | undefined {
  let isFinite = true;
  const revive: Reviver = (_key, value, context) => {
    if (value === 0) return 0;
    if (typeof value !== 'number' || Number.isSafeInteger(value)) return value;
    const source = context?.source ?? '';
    if (INTEGER.test(source)) return source;
    isFinite &&= Number.isFinite(value);
    return value;
  };
  const value = JSON.parse(text, revive) as JsonValue;
  return isFinite ? value : undefined;
}

/** Returns a copy with U+FFFD for lone surrogates and without the key `__proto__`. */
function cleaned(value: JsonValue): JsonValue {
  if (typeof value === 'string') return value.toWellFormed();
  if (value === null || typeof value !== 'object') return value;
  return Array.isArray(value) ? value.map(cleaned) : cleanObject(value);
}

function cleanObject(value: JsonObject): JsonObject {
  const clean: JsonObject = {};
  for (const [key, child] of Object.entries(value)) {
    if (key !== '__proto__') clean[key.toWellFormed()] = cleaned(child);
  }
  return clean;
}
