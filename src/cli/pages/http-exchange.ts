import type { HttpHeader, RequestRecord, ResponseRecord } from '../../gen/index.callhooks.v1.ts';
import { plainLine, plainLines } from '../frame/plain-text.ts';
import type { Page } from './page.ts';
import { bytesText, countText } from './words.ts';

const MAX_BODY_LINES = 60;
const MAX_LINE_CHARS = 1_000;

/** Returns a recorded request as lines. */
export function requestLines(page: Page, request: RequestRecord): string[] {
  const { method, url, headers } = request;
  return [page.bold(plainLine(`${method} ${url}`)), ...headerLines(headers), ...bodyLines(page, request)];
}

/** Returns a recorded response as lines. */
export function responseLines(page: Page, response: ResponseRecord): string[] {
  const { status, headers } = response;
  const line = `HTTP status ${status}`;
  const isGood = status >= 200 && status < 300;
  return [isGood ? page.good(line) : page.bad(line), ...headerLines(headers), ...bodyLines(page, response)];
}

function headerLines(headers: readonly HttpHeader[]): string[] {
  return headers.map(({ name, value }) => plainLine(`${name}: ${value}`));
}

type Body = Pick<RequestRecord, 'body' | 'bodyBinary' | 'bodySize' | 'truncated'>;

function bodyLines(page: Page, { body, bodyBinary, bodySize, truncated }: Body): string[] {
  if (bodyBinary) return [page.dim(`(the body is not text: ${bytesText(bodySize)})`)];
  if (body === '')
    return bodySize === 0n ? [] : [page.dim(`(the body is not on record: ${bytesText(bodySize)})`)];
  const lines = plainLines(readable(body)).split('\n');
  const shown = lines.slice(0, MAX_BODY_LINES).map((line) => cut(line));
  const hidden = lines.length - shown.length;
  return [
    '',
    ...shown,
    ...(hidden > 0 ? [page.dim(`(${countText(hidden, 'more line')}: --json shows them)`)] : []),
    ...(truncated ? [page.dim(cutNote(body, bodySize))] : []),
  ];
}

/** Says that the record of a body was cut short. */
export function cutNote(body: string, bodySize: bigint): string {
  const recorded = Buffer.byteLength(body);
  return bodySize > recorded
    ? `(cut: the record has ${bytesText(recorded)} of ${bytesText(bodySize)})`
    : '(cut: the body was not read to its end)';
}

// JSON on one line is hard to read. A text that is not JSON, or is cut, is shown as it is.
function readable(body: string): string {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === 'object' ? JSON.stringify(value, undefined, 2) : body;
  } catch {
    return body;
  }
}

function cut(line: string): string {
  return line.length > MAX_LINE_CHARS
    ? `${line.slice(0, MAX_LINE_CHARS)}… (${line.length} characters)`
    : line;
}
