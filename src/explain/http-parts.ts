import type { JsonValue } from '../domain/json.ts';
import type { HttpHeader, RequestRecord, ResponseRecord } from '../gen/index.callhooks.v1.ts';
import { bytesText, type Tone } from './words.ts';

/** A body as far as it is on record. */
export interface ExplainedBody {
  /** The text as it was recorded. It is empty when there is none. */
  readonly text: string;
  /** The parsed text. It is undefined when the text is not JSON, or was cut. */
  readonly json: JsonValue | undefined;
  /** The size of the whole body in bytes. */
  readonly size: bigint;
  /** Says why there is no text although there was a body. */
  readonly absence: string | undefined;
  /** Says that the text is not the whole body. */
  readonly cut: string | undefined;
}

/** A recorded request, taken apart. */
export interface ExplainedRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: readonly HttpHeader[];
  readonly body: ExplainedBody;
}

/** A recorded response, taken apart. */
export interface ExplainedResponse {
  readonly status: number;
  readonly tone: Tone;
  readonly headers: readonly HttpHeader[];
  readonly body: ExplainedBody;
}

/** Takes a recorded request apart. */
export function explainRequest(request: RequestRecord): ExplainedRequest {
  const { method, url, headers } = request;
  return { method, url, headers, body: explainBody(request) };
}

/** Takes a recorded response apart. */
export function explainResponse(response: ResponseRecord): ExplainedResponse {
  const { status, headers } = response;
  const tone = status >= 200 && status < 300 ? 'good' : 'bad';
  return { status, tone, headers, body: explainBody(response) };
}

type Body = Pick<RequestRecord, 'body' | 'bodyBinary' | 'bodySize' | 'truncated'>;

function explainBody({ body, bodyBinary, bodySize, truncated }: Body): ExplainedBody {
  const nothing = { text: '', json: undefined, size: bodySize, cut: undefined };
  if (bodyBinary) return { ...nothing, absence: `the body is not text: ${bytesText(bodySize)}` };
  if (body === '') {
    const absence = bodySize === 0n ? undefined : `the body is not on record: ${bytesText(bodySize)}`;
    return { ...nothing, absence };
  }
  const cut = truncated ? cutNote(body, bodySize) : undefined;
  return { text: body, json: parse(body), size: bodySize, absence: undefined, cut };
}

function parse(text: string): JsonValue | undefined {
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    return undefined;
  }
}

/** Says that the record of a body was cut short. */
export function cutNote(body: string, bodySize: bigint): string {
  const recorded = Buffer.byteLength(body);
  return bodySize > recorded
    ? `cut: the record has ${bytesText(recorded)} of ${bytesText(bodySize)}`
    : 'cut: the body was not read to its end';
}
