import type { ExplainedBody, ExplainedRequest, ExplainedResponse } from '../../explain/http-parts.ts';
import { countText } from '../../explain/words.ts';
import type { HttpHeader } from '../../gen/index.callhooks.v1.ts';
import { plainLine, plainLines } from '../frame/plain-text.ts';
import { toned, type Page } from './page.ts';

const MAX_BODY_LINES = 60;
const MAX_LINE_CHARS = 1_000;

/** Returns a recorded request as lines. */
export function requestLines(page: Page, { method, url, headers, body }: ExplainedRequest): string[] {
  return [page.bold(plainLine(`${method} ${url}`)), ...headerLines(headers), ...bodyLines(page, body)];
}

/** Returns a recorded response as lines. */
export function responseLines(page: Page, { status, tone, headers, body }: ExplainedResponse): string[] {
  return [toned(page, tone, `HTTP status ${status}`), ...headerLines(headers), ...bodyLines(page, body)];
}

function headerLines(headers: readonly HttpHeader[]): string[] {
  return headers.map(({ name, value }) => plainLine(`${name}: ${value}`));
}

function bodyLines(page: Page, { text, json, absence, cut }: ExplainedBody): string[] {
  if (absence !== undefined) return [page.dim(`(${absence})`)];
  if (text === '') return [];
  // JSON on one line is hard to read. A text that is not JSON, or is cut, is shown as it is.
  const readable = typeof json === 'object' ? JSON.stringify(json, undefined, 2) : text;
  const lines = plainLines(readable).split('\n');
  const shown = lines.slice(0, MAX_BODY_LINES).map((line) => shortened(line));
  const hidden = lines.length - shown.length;
  return [
    '',
    ...shown,
    ...(hidden > 0 ? [page.dim(`(${countText(hidden, 'more line')}: --json shows them)`)] : []),
    ...(cut === undefined ? [] : [page.dim(`(${cut})`)]),
  ];
}

function shortened(line: string): string {
  return line.length > MAX_LINE_CHARS
    ? `${line.slice(0, MAX_LINE_CHARS)}… (${line.length} characters)`
    : line;
}
