import type { HttpHeader } from '../../domain/execution.ts';
import { failureOf, type Failure } from '../../domain/failures.ts';
import type { SendOptions } from '../http-client.ts';
import { statusFailure, tooLarge } from './failures.ts';

/** A final response head, and what it already says about the outcome. */
export interface ResponseHead {
  readonly status: number;
  readonly headers: readonly HttpHeader[];
  /** The failure that the head decides alone, whatever the body does. */
  readonly failure?: Failure;
  /** The outcome depends on the body, so it is read whole. If this is false, the head has decided the outcome. */
  readonly needsBody: boolean;
}

/** More headers of a response are not recorded. The checks of this file read all of them. */
const MAX_RECORDED_HEADERS = 100;

/** Reads a response head. Names become lower case, values stay as they came, and repeated headers stay apart. */
export function readHead(status: number, rawHeaders: unknown, options: SendOptions): ResponseHead {
  const headers = toHeaders(rawHeaders);
  const failure =
    statusFailure(status) ?? (options.read === 'whole' ? bodyFailure(status, headers, options) : undefined);
  const needsBody = failure === undefined && options.read === 'whole';
  const recorded = headers.length > MAX_RECORDED_HEADERS ? headers.slice(0, MAX_RECORDED_HEADERS) : headers;
  return failure === undefined
    ? { status, headers: recorded, needsBody }
    : { status, headers: recorded, failure, needsBody };
}

// undici hands over names and values by turns.
function toHeaders(raw: unknown): readonly HttpHeader[] {
  const headers: HttpHeader[] = [];
  if (!Array.isArray(raw)) return headers;
  for (let index = 0; index + 1 < raw.length; index += 2)
    headers.push({ name: textOf(raw[index]).toLowerCase(), value: textOf(raw[index + 1]) });
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
  const coding = valuesOf(headers, 'content-encoding').find((name) => name !== '' && name !== 'identity');
  return coding === undefined ? undefined : codedBody(coding);
}

function valuesOf(headers: readonly HttpHeader[], name: string): readonly string[] {
  const values: string[] = [];
  for (const header of headers) {
    if (header.name !== name) continue;
    for (const text of header.value.toLowerCase().split(',')) values.push(text.trim());
  }
  return values;
}

function codedBody(coding: string): Failure {
  const shown = /^[a-z0-9-]{1,16}$/.test(coding) ? coding : 'unknown';
  return failureOf(
    'INVALID_RESPONSE',
    `the response body has the content coding "${shown}", though the request accepted none`,
  );
}
