import type { Failure, HttpHeader } from '../domain/types.ts';
import { statusFailure } from './failures.ts';
import type { SendOptions } from './types.ts';

/** A final response head, and what it already says about the outcome. */
export interface ResponseHead {
  readonly status: number;
  readonly headers: readonly HttpHeader[];
  /** The outcome that stands with the head, whatever the body does; absent: success or still open. */
  readonly failure?: Failure;
  /** Whether the outcome hangs on the body: then it is read whole. */
  readonly needsBody: boolean;
}

/** Reads a response head: names in lower case, values as they came, repeated headers kept apart. */
export const readHead = (status: number, rawHeaders: unknown, options: SendOptions): ResponseHead => {
  const headers = toHeaders(rawHeaders);
  const failure =
    statusFailure(status) ?? (options.read === 'whole' ? bodyFailure(status, headers, options) : undefined);
  return {
    status,
    headers,
    ...(failure ? { failure } : {}),
    needsBody: failure === undefined && options.read === 'whole',
  };
};

// Header bytes are Latin-1 by RFC 9110, 5.5; anything else would change their length.
const toHeaders = (raw: unknown): readonly HttpHeader[] => {
  if (!Array.isArray(raw)) return [];
  const texts = raw.map((part: unknown) =>
    part instanceof Uint8Array ? Buffer.from(part).toString('latin1') : String(part),
  );
  return Array.from({ length: texts.length >> 1 }, (_, index) => ({
    name: (texts[index * 2] ?? '').toLowerCase(),
    value: texts[index * 2 + 1] ?? '',
  }));
};

const bodyFailure = (
  status: number,
  headers: readonly HttpHeader[],
  options: SendOptions,
): Failure | undefined => {
  const lengths = valuesOf(headers, 'content-length');
  if (status === 204 || lengths.includes('0')) return undefined;
  if (lengths.some((text) => Number(text) > options.maxBodyBytes)) return tooLarge(options.maxBodyBytes);
  const coding = valuesOf(headers, 'content-encoding').find((name) => name !== '' && name !== 'identity');
  return coding === undefined ? undefined : codedBody(coding);
};

const valuesOf = (headers: readonly HttpHeader[], name: string): readonly string[] =>
  headers
    .flatMap((header) => (header.name === name ? header.value.toLowerCase().split(',') : []))
    .map((text) => text.trim());

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
