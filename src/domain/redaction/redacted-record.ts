import type { Masker } from './redact.ts';
import type { MaskedRequest } from '../template/render-request.ts';
import { responseText } from '../response/response-text.ts';
import { isSensitiveName } from './sensitive-names.ts';
import type { HttpHeader, RecordedBody, RequestRecord, ResponseRecord } from '../execution.ts';

/** A response as it was read. `body` is the kept part of a body of `bodyBytes`. */
export interface ResponseToRecord {
  readonly status: number;
  readonly headers: readonly HttpHeader[];
  readonly body: Uint8Array;
  readonly bodyBytes: number;
  readonly truncated: boolean;
}

/** How many bytes to read beyond the cut of a record, so that a secret across the cut is masked as a whole. */
export const RECORD_MARGIN_BYTES = 1024;

/**
 * Returns the record of a response: the head without `set-cookie` and sensitive names, and the body up to
 * `recordBytes`, as text. Both are masked before they are cut. Of a binary body (it is text neither in UTF-8 nor in the
 * charset that it declares, or has a NUL in it) only the size is kept.
 */
export function toResponseRecord(
  response: ResponseToRecord,
  mask: Masker,
  recordBytes: number,
): ResponseRecord {
  const headerName = mask.headerName ?? toLowerCase;
  return {
    status: response.status,
    headers: response.headers
      .filter(({ name }) => !isSensitiveName(name))
      .map(({ name, value }) => ({ name: headerName(name), value: mask(value) })),
    ...responseBody(response, mask, recordBytes),
  };
}

function toLowerCase(name: string): string {
  return name.toLowerCase();
}

function responseBody(response: ResponseToRecord, mask: Masker, recordBytes: number): RecordedBody {
  const { body, bodyBytes, truncated } = response;
  const near = body.subarray(0, recordBytes + RECORD_MARGIN_BYTES);
  const endsEarly = truncated || near.length < body.length;
  const text = responseText(near, response.headers, endsEarly);
  if (text === undefined || text.includes('\0')) return { body: '', bodyBinary: true, bodyBytes, truncated };
  const recorded = cutMasked(text, endsEarly, mask, recordBytes);
  return { body: recorded.body, bodyBinary: false, bodyBytes, truncated: recorded.isCut };
}

interface RecordedText {
  readonly body: string;
  readonly isCut: boolean;
}

/** Masks a text and cuts it to `recordBytes`, at a character. */
function cutMasked(text: string, endsEarly: boolean, mask: Masker, recordBytes: number): RecordedText {
  const near = text.slice(0, recordBytes + RECORD_MARGIN_BYTES).toWellFormed();
  const masked = mask(near, endsEarly || near.length < text.length);
  const body = cutText(masked, recordBytes);
  return { body, isCut: endsEarly || near.length < text.length || body.length < masked.length };
}

const encoder = new TextEncoder();

/** Cuts a text to so many bytes of UTF-8, at a character. */
export function cutText(text: string, maxBytes: number): string {
  if (text.length * 3 <= maxBytes || (text.length <= maxBytes && Buffer.byteLength(text) <= maxBytes))
    return text;
  const { read } = encoder.encodeInto(text, new Uint8Array(maxBytes));
  return text.slice(0, read);
}

/**
 * Returns the record of a masked request, with its body up to `recordBytes`. `mask` also masks values that came in by
 * another way, such as a variable that an endpoint had filled with a secret.
 */
export function toRequestRecord(request: MaskedRequest, recordBytes: number, mask: Masker): RequestRecord {
  const { method, url, headers, body = '', bodyBytes = Buffer.byteLength(body) } = request;
  const recorded = cutMasked(body, false, mask, recordBytes);
  return {
    method,
    url: mask(url),
    headers: requestHeaders(headers, mask),
    body: recorded.body,
    bodyBinary: false,
    bodyBytes,
    truncated: recorded.isCut,
  };
}

function requestHeaders(headers: Readonly<Record<string, string>>, mask: Masker): HttpHeader[] {
  const recorded: HttpHeader[] = [];
  // Object.entries would make a pair for each header of each call.
  for (const name of Object.keys(headers)) recorded.push({ name, value: mask(headers[name] as string) });
  return recorded;
}
