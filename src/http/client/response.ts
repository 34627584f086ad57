import { STATUS_CODES } from 'node:http';
import type { HttpHeader } from '../../domain/execution.ts';
import { FAILURES, failureOf, type Failure } from '../../domain/failures.ts';
import type { SendOptions } from '../http-client.ts';
import { readContentCodings, shownCoding, type ContentCodings } from './content-codings.ts';
import { tooLarge } from './failures.ts';

/** A final response head, and what it already says about the outcome. */
export interface ResponseHead {
  readonly status: number;
  readonly headers: readonly HttpHeader[];
  /** The failure that the head decides alone, whatever the body does. */
  readonly failure?: Failure;
  /** The body is read whole. If this is false, the head has decided the outcome, and the body is for the record alone. */
  readonly needsBody: boolean;
  /** The content codings of the body, if it has any. */
  readonly codings?: ContentCodings;
}

/** More headers of a response are not recorded. The checks below read all of them. */
const MAX_RECORDED_HEADERS = 100;

/** Reads a response head. Names and values stay as they came, and repeated headers stay apart. */
export function readHead(status: number, rawHeaders: unknown, options: SendOptions): ResponseHead {
  const headers = toHeaders(rawHeaders);
  const failure =
    statusFailure(status) ?? (options.read === 'whole' ? bodyFailure(status, headers, options) : undefined);
  const needsBody =
    failure === undefined ? options.read === 'whole' : options.readStatuses?.has(status) === true;
  const recorded = headers.length > MAX_RECORDED_HEADERS ? headers.slice(0, MAX_RECORDED_HEADERS) : headers;
  const head =
    failure === undefined
      ? { status, headers: recorded, needsBody }
      : { status, headers: recorded, failure, needsBody };
  const codings = readContentCodings(valuesOf(headers, 'content-encoding'));
  return codings === undefined ? head : { ...head, codings };
}

// Every other 3xx, such as 304, names no place to go to.
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

function statusFailure(status: number): Failure | undefined {
  if (status >= 200 && status < 300) return undefined;
  const text = `HTTP ${status} ${STATUS_CODES[status] ?? ''}`.trimEnd();
  if (!REDIRECTS.has(status)) return failureOf('HTTP_STATUS', text);
  const isRepeat = status === 307 || status === 308;
  const reason = isRepeat ? 'it asks for the request to be sent again, and such ' : '';
  return failureOf('REDIRECT', `${text}: ${reason}${FAILURES.REDIRECT.message}`);
}

// undici hands over names and values by turns.
function toHeaders(raw: unknown): readonly HttpHeader[] {
  const headers: HttpHeader[] = [];
  if (!Array.isArray(raw)) return headers;
  for (let index = 0; index + 1 < raw.length; index += 2)
    headers.push({ name: textOf(raw[index]), value: textOf(raw[index + 1]) });
  return headers;
}

// Header bytes are Latin-1 by RFC 9110, 5.5; another encoding would change their length.
function textOf(part: unknown): string {
  return Buffer.isBuffer(part) ? part.toString('latin1') : String(part);
}

function bodyFailure(
  status: number,
  headers: readonly HttpHeader[],
  { maxBodyBytes }: SendOptions,
): Failure | undefined {
  if (status === 204) return undefined;
  const lengths = valuesOf(headers, 'content-length');
  if (lengths.includes('0')) return undefined;
  if (lengths.some((text) => Number(text) > maxBodyBytes)) return tooLarge(maxBodyBytes);
  const transferCodings = valuesOf(headers, 'transfer-encoding');
  const transferCoding = transferCodings.find((name, index) => name !== 'chunked' || index > 0);
  return transferCoding === undefined ? undefined : transferCoded(transferCoding);
}

function valuesOf(headers: readonly HttpHeader[], name: string): readonly string[] {
  const values: string[] = [];
  for (const header of headers) {
    if (header.name.length !== name.length || header.name.toLowerCase() !== name) continue;
    for (const text of header.value.toLowerCase().split(',')) values.push(text.trim());
  }
  return values;
}

// Every server may send its body in chunks. The request offers no other transfer coding (RFC 9112, 7.4).
function transferCoded(coding: string): Failure {
  return failureOf(
    'INVALID_RESPONSE',
    `the response body has the transfer coding "${shownCoding(coding)}", though the request accepted none`,
  );
}

/** Collects a response body up to a limit, in one growing buffer, so that small chunks cost no more than large ones. */
export interface ResponseBody {
  /**
   * Adds a chunk, and keeps as much of it as fits. Returns `full` if it went over the limit, and `no_room` if memory was
   * refused for it, in which case nothing of the chunk is kept.
   */
  add(chunk: Uint8Array): 'ok' | 'full' | 'no_room';
  /** Returns the number of bytes seen so far, kept or not. */
  seenBytes(): number;
  /** Returns the bytes that were kept. */
  kept(): Uint8Array;
  /** Notes that the body has ended. */
  end(): void;
  /** Reports whether the end of the body was seen. */
  isWhole(): boolean;
}

const GROWN_BYTES = 1_024;
const NOTHING = new Uint8Array(0);

/** Makes an empty body that keeps at most `limitBytes`. `reserve` asks for more memory, and refuses it by false. */
export function createResponseBody(
  limitBytes: number,
  reserve: (bytes: number) => boolean = () => true,
): ResponseBody {
  let buffer: Uint8Array = NOTHING;
  let length = 0;
  let seen = 0;
  let isWhole = false;
  return {
    add: (chunk) => {
      seen += chunk.length;
      const part = chunk.length <= limitBytes - length ? chunk : chunk.subarray(0, limitBytes - length);
      if (part.length > 0 && !reserve(part.length)) return 'no_room';
      if (length === 0) buffer = Buffer.from(part);
      else buffer = appended(buffer, length, part, limitBytes);
      length += part.length;
      return part.length < chunk.length ? 'full' : 'ok';
    },
    seenBytes: () => seen,
    kept: () => (length === buffer.length ? buffer : buffer.subarray(0, length)),
    end: () => {
      isWhole = true;
    },
    isWhole: () => isWhole,
  };
}

// The first chunk is mostly the whole body, so its buffer has its own size. Only a second chunk makes room for more.
function appended(buffer: Uint8Array, length: number, part: Uint8Array, limitBytes: number): Uint8Array {
  const neededBytes = length + part.length;
  const roomy = neededBytes <= buffer.length ? buffer : larger(buffer, length, neededBytes, limitBytes);
  roomy.set(part, length);
  return roomy;
}

function larger(buffer: Uint8Array, length: number, neededBytes: number, limitBytes: number): Uint8Array {
  const grown = new Uint8Array(Math.min(limitBytes, Math.max(neededBytes, length * 2, GROWN_BYTES)));
  grown.set(buffer.subarray(0, length));
  return grown;
}
