import type { Failure } from '../../domain/failures.ts';
import type { HttpHeader } from '../../domain/execution.ts';
import { statusFailure } from './failures.ts';
import type { SendOptions } from '../http-client.ts';

/** A final response head, and what it already says about the outcome. */
export interface ResponseHead {
  readonly status: number;
  readonly headers: readonly HttpHeader[];
  /** The outcome that stands with the head, whatever the body does; absent: success or still open. */
  readonly failure?: Failure;
  /** Whether the outcome hangs on the body: then it is read whole. */
  readonly needsBody: boolean;
}

/** So many headers of a response are recorded at most; the check of the body looks at all of them. */
export const MAX_RECORDED_HEADERS = 100;

/** Reads a response head: names in lower case, values as they came, repeated headers kept apart. */
export const readHead = (status: number, rawHeaders: unknown, options: SendOptions): ResponseHead => {
  const headers = toHeaders(rawHeaders);
  const failure =
    statusFailure(status) ?? (options.read === 'whole' ? bodyFailure(status, headers, options) : undefined);
  const needsBody = failure === undefined && options.read === 'whole';
  const recorded = headers.length > MAX_RECORDED_HEADERS ? headers.slice(0, MAX_RECORDED_HEADERS) : headers;
  return failure === undefined
    ? { status, headers: recorded, needsBody }
    : { status, headers: recorded, failure, needsBody };
};

// undici hands over names and values by turns.
const toHeaders = (raw: unknown): readonly HttpHeader[] => {
  const headers: HttpHeader[] = [];
  if (!Array.isArray(raw)) return headers;
  for (let index = 0; index + 1 < raw.length; index += 2)
    headers.push({ name: textOf(raw[index]).toLowerCase(), value: textOf(raw[index + 1]) });
  return headers;
};

// Header bytes are Latin-1 by RFC 9110, 5.5; anything else would change their length.
const textOf = (part: unknown): string => (Buffer.isBuffer(part) ? part.toString('latin1') : String(part));

const bodyFailure = (
  status: number,
  headers: readonly HttpHeader[],
  options: SendOptions,
): Failure | undefined => {
  if (status === 204) return undefined;
  const lengths = valuesOf(headers, 'content-length');
  if (lengths.includes('0')) return undefined;
  if (lengths.some((text) => Number(text) > options.maxBodyBytes)) return tooLarge(options.maxBodyBytes);
  const coding = valuesOf(headers, 'content-encoding').find((name) => name !== '' && name !== 'identity');
  return coding === undefined ? undefined : codedBody(coding);
};

const valuesOf = (headers: readonly HttpHeader[], name: string): readonly string[] => {
  const values: string[] = [];
  for (const header of headers) {
    if (header.name !== name) continue;
    for (const text of header.value.toLowerCase().split(',')) values.push(text.trim());
  }
  return values;
};

const codedBody = (coding: string): Failure => {
  const shown = /^[a-z0-9-]{1,16}$/.test(coding) ? coding : 'unknown';
  return {
    code: 'INVALID_RESPONSE',
    message: `the response body has the content coding "${shown}", though none was accepted`,
    sent: 'yes',
  };
};

/** The failure of a body over the limit. */
export const tooLarge = (maxBodyBytes: number): Failure => ({
  code: 'RESPONSE_TOO_LARGE',
  message: `the response body is larger than ${maxBodyBytes} bytes`,
  sent: 'yes',
});
