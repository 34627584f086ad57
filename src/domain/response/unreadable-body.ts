import type { HttpHeader } from '../execution.ts';
import { MASK, type Masker } from '../redaction/redact.ts';
import type { JsonBreak } from './json-break.ts';
import { contentTypeOf, declaredCharset } from './response-text.ts';

/** Returns in words why these bytes are no text, and what their content type is. */
export function notTextMessage(bytes: Uint8Array, headers: readonly HttpHeader[], mask: Masker): string {
  return `the response body ${notTextProblem(bytes, headers, mask)}; ${contentTypeWords(headers, mask)}`;
}

function notTextProblem(bytes: Uint8Array, headers: readonly HttpHeader[], mask: Masker): string {
  // RFC 1952, 2.3.1
  if (bytes[0] === 0x1f && bytes[1] === 0x8b) return 'is gzip, but no Content-Encoding header says so';
  const charset = declaredCharset(headers);
  const other = charset === undefined ? '' : `, and it can not be read as ${shown(mask(charset), MAX_TYPE)}`;
  return `is not valid UTF-8${other}`;
}

/**
 * Returns in words where a body stops being JSON, what stands there, and what its content type is. Secrets are masked
 * before the text is cut, also one across the place.
 */
export function notJsonMessage(
  text: string,
  { at, isBehindValue }: JsonBreak,
  headers: readonly HttpHeader[],
  mask: Masker,
): string {
  const found = at < text.length ? shown(maskedFrom(text, at, mask), MAX_SHOWN) : undefined;
  return `the response body is not JSON: ${breakWords(text, at, isBehindValue, found)}; ${contentTypeWords(headers, mask)}`;
}

function breakWords(text: string, at: number, isBehindValue: boolean, found: string | undefined): string {
  const place = placeWords(text, at);
  if (found === undefined) return `it breaks off at ${place}`;
  if (BLANK.test(text.slice(0, at))) return `it begins with ${found}`;
  return isBehindValue ? `behind its value stands ${found} at ${place}` : `${found} stands at ${place}`;
}

const BLANK = /^\s*$/;
const LINE_FEED = 0x0a;

function placeWords(text: string, at: number): string {
  let line = 1;
  let lineStart = 0;
  for (let i = 0; i < at; i += 1) {
    if (text.charCodeAt(i) !== LINE_FEED) continue;
    line += 1;
    lineStart = i + 1;
  }
  return `line ${line}, column ${at - lineStart + 1}`;
}

const MAX_SHOWN = 80;
const MAX_TYPE = 100;

function contentTypeWords(headers: readonly HttpHeader[], mask: Masker): string {
  const contentType = contentTypeOf(headers);
  return contentType === undefined
    ? 'it has no Content-Type'
    : `its Content-Type is ${shown(mask(contentType), MAX_TYPE)}`;
}

// As JSON, so that line ends and control characters can be seen.
function shown(text: string, maxLength: number): string {
  const cut = text.length > maxLength ? `${text.slice(0, maxLength)}…` : text;
  return JSON.stringify(cut.toWellFormed());
}

// A secret that is written with escapes may take several times its 16 KiB.
const MARGIN = 65_536;

/** Returns what stands at a place of a text, masked. */
function maskedFrom(text: string, at: number, mask: Masker): string {
  const start = Math.max(0, at - MARGIN);
  const end = at + MAX_SHOWN + MARGIN;
  const near = mask(text.slice(start, end), end < text.length);
  const before = mask(text.slice(start, at));
  // If a secret lies across the place, its beginning is masked in one of the two texts only.
  return near.startsWith(before) ? near.slice(before.length) : MASK;
}
