import { failureOf, type Failure } from '../../domain/failures.ts';
import type { ReceivedResponse, SendOptions } from '../http-client.ts';
import type { ContentCodings } from './content-codings.ts';
import type { Deadline, Ended } from './deadline.ts';
import type { DecodeBody, DecodedBody, DecodeOptions } from './decode-body.ts';
import { endedFailure, NO_ROOM, tooLarge } from './failures.ts';

/** A response with a coded body. */
export interface CodedResponse {
  readonly response: ReceivedResponse;
  readonly codings: ContentCodings;
  readonly failure?: Failure | undefined;
}

/** A response whose body is decoded, as far as that was possible. */
export interface DecodedResponse {
  readonly response: ReceivedResponse;
  readonly failure?: Failure;
}

/** A body that is decoded for the record alone gets this much time. */
const RECORD_MS = 250;

/**
 * Undoes the content codings of a body that decides the outcome. A body that can't be decoded before the deadline and
 * within its limits is a failure.
 */
export async function decodeForOutcome(
  decode: DecodeBody,
  { response, codings }: CodedResponse,
  { maxBodyBytes, reserveBytes }: SendOptions,
  deadline: Deadline,
): Promise<DecodedResponse> {
  if (response.body.length === 0) return { response };
  if ('problem' in codings) return { response, failure: failureOf('INVALID_RESPONSE', codings.problem) };
  const options = { maxBytes: maxBodyBytes, reserve: reserveBytes, isCut: false };
  const decoded = await untilDeadline(deadline, options, (bounds) =>
    decode(response.body, codings.undo, bounds),
  );
  if ('ended' in decoded)
    return {
      response,
      failure: endedFailure(decoded.ended, 'the response body was not decoded', deadline, 'yes'),
    };
  const failure = failureIn(decoded, maxBodyBytes);
  const shown = withBody(response, decoded);
  return failure === undefined ? { response: shown } : { response: shown, failure };
}

function failureIn({ stoppedBy }: DecodedBody, maxBodyBytes: number): Failure | undefined {
  if (stoppedBy === undefined) return undefined;
  if (stoppedBy === 'full') return tooLarge(maxBodyBytes, 'when it is decoded');
  return stoppedBy === 'no_room' ? NO_ROOM : failureOf('INVALID_RESPONSE', stoppedBy.problem);
}

/**
 * Undoes the content codings of a body for the record alone: as much as fits there, for at most 250 ms. Nothing that goes
 * wrong changes the outcome; a body of which nothing could be decoded stays as it came.
 */
export async function decodeForRecord(
  decode: DecodeBody,
  { response, codings, failure }: CodedResponse,
  { recordBytes, reserveBytes }: SendOptions,
  deadline: Deadline,
): Promise<DecodedResponse> {
  const outcome = failure === undefined ? {} : { failure };
  if ('problem' in codings || response.body.length === 0 || recordBytes === 0)
    return { response, ...outcome };
  const options = { maxBytes: recordBytes, reserve: reserveBytes, isCut: response.truncated };
  const decoded = await untilDeadline(deadline, options, (bounds) =>
    within(RECORD_MS, decode(response.body, codings.undo, bounds)),
  );
  return {
    response: decoded === undefined || 'ended' in decoded ? response : withBody(response, decoded),
    ...outcome,
  };
}

/** Waits for a decoding until the deadline. Later it gets no more memory, which ends it: the call gives its bytes back. */
async function untilDeadline<T>(
  deadline: Deadline,
  options: DecodeOptions,
  run: (bounds: DecodeOptions) => Promise<T>,
): Promise<T | Ended> {
  let isAwaited = true;
  const reserve = (bytes: number): boolean => isAwaited && (options.reserve?.(bytes) ?? true);
  try {
    return await deadline.race(run({ ...options, reserve }));
  } finally {
    isAwaited = false;
  }
}

function within<T>(ms: number, work: Promise<T>): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), ms);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}

// Of a broken body, what came before the break tells more than coded bytes do.
function withBody(response: ReceivedResponse, { bytes, stoppedBy }: DecodedBody): ReceivedResponse {
  if (stoppedBy !== undefined && bytes.length === 0) return response;
  return { ...response, body: bytes, truncated: response.truncated || stoppedBy !== undefined };
}
