import { failureOf, type Failure } from '../../domain/failures.ts';
import type { ReceivedResponse, SendOptions } from '../http-client.ts';
import type { ContentCodings } from './content-codings.ts';
import { within, type Deadline, type Ended } from './deadline.ts';
import type { CodedBody, DecodeBody, DecodedBody } from './decode-body.ts';
import { endedFailure, NO_ROOM, tooLarge } from './failures.ts';

/** A response with a coded body. */
export interface CodedResponse {
  readonly origin: string;
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

const noLimit = (): boolean => true;

/**
 * Undoes the content codings of a body that decides the outcome. A body that can't be decoded before the deadline and
 * within its limits is a failure.
 */
export async function decodeForOutcome(
  decode: DecodeBody,
  { origin, response, codings }: CodedResponse,
  { maxBodyBytes, reserveBytes = noLimit }: SendOptions,
  deadline: Deadline,
): Promise<DecodedResponse> {
  if (response.body.length === 0) return { response };
  if ('problem' in codings) return { response, failure: failureOf('INVALID_RESPONSE', codings.problem) };
  const coded = { origin, bytes: response.body, codings: codings.undo, isCut: false };
  const decoded = await untilDeadline(deadline, (isAwaited) =>
    decode({ ...coded, maxBytes: maxBodyBytes, reserve: reserveBytes, isAwaited }),
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
  { origin, response, codings, failure }: CodedResponse,
  { recordBytes, reserveBytes = noLimit }: SendOptions,
  deadline: Deadline,
): Promise<DecodedResponse> {
  const outcome = failure === undefined ? {} : { failure };
  if ('problem' in codings || response.body.length === 0 || recordBytes === 0)
    return { response, ...outcome };
  const coded = { origin, bytes: response.body, codings: codings.undo, isCut: response.truncated };
  const decoded = await untilDeadline(deadline, (isAwaited) =>
    within(
      RECORD_MS,
      decode({ ...coded, maxBytes: recordBytes, reserve: reserveBytes, isAwaited }),
      undefined,
    ),
  );
  return {
    response: decoded === undefined || 'ended' in decoded ? response : withBody(response, decoded),
    ...outcome,
  };
}

/** Waits for a decoding until the deadline. After that it must take no memory, because the call has given its bytes back. */
async function untilDeadline<T>(
  deadline: Deadline,
  run: (isAwaited: CodedBody['isAwaited']) => Promise<T>,
): Promise<T | Ended> {
  let isAwaited = true;
  try {
    return await deadline.race(run(() => isAwaited));
  } finally {
    isAwaited = false;
  }
}

// Of a broken body, what came before the break tells more than coded bytes do.
function withBody(response: ReceivedResponse, { bytes, stoppedBy }: DecodedBody): ReceivedResponse {
  if (stoppedBy !== undefined && bytes.length === 0) return response;
  return { ...response, body: bytes, truncated: response.truncated || stoppedBy !== undefined };
}
